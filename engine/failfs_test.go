package engine

import (
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// failFS fails operations of files whose name and operation match.
type failFS struct {
	vfs.FS
	fail func(op, name string) error
}

type failFile struct {
	vfs.File
	fs   *failFS
	name string
}

func (f *failFS) wrap(file vfs.File, name string, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &failFile{file, f, name}, nil
}

func (f *failFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, c)
	return f.wrap(file, name, err)
}

func (f *failFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	file, err := f.FS.OpenReadWrite(name, c, o...)
	return f.wrap(file, name, err)
}

func (f *failFile) Write(p []byte) (int, error) {
	if err := f.fs.fail("write", f.name); err != nil {
		return 0, err
	}
	return f.File.Write(p)
}

func (f *failFile) Sync() error     { return f.sync(f.File.Sync) }
func (f *failFile) SyncData() error { return f.sync(f.File.SyncData) }

func (f *failFile) sync(real func() error) error {
	if err := f.fs.fail("sync", f.name); err != nil {
		return err
	}
	return real()
}

var _ io.Writer = (*failFile)(nil)
