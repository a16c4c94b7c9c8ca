package engine

import (
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// dirFS tells of every sync of a directory, and lets it wait.
type dirFS struct {
	vfs.FS
	mu    sync.Mutex
	syncs int
	hold  chan struct{} // nil: syncs do not wait
}

type dirFile struct {
	vfs.File
	fs *dirFS
}

func (f *dirFS) OpenDir(name string) (vfs.File, error) {
	d, err := f.FS.OpenDir(name)
	return dirFile{d, f}, err
}

func (f dirFile) Sync() error {
	f.fs.mu.Lock()
	f.fs.syncs++
	hold := f.fs.hold
	f.fs.mu.Unlock()
	if hold != nil {
		<-hold
	}
	return f.File.Sync()
}

func (f *dirFS) set(hold chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hold = hold
}

func (f *dirFS) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.syncs
}

func (s *Store) logNumber() uint64 {
	s.fs.logs.mu.Lock()
	defer s.fs.logs.mu.Unlock()
	return s.fs.logs.logs[len(s.fs.logs.logs)-1].num
}

// TestRotationWaitsForNoDirectory: while no directory can be synced a log is rotated and writes go on, but under Always, where they
// promise to survive the machine.
func TestRotationWaitsForNoDirectory(t *testing.T) {
	fs := &dirFS{FS: vfs.NewMem()}
	s := mustOpen(t, "data", small(Options{FS: fs, Durability: EverySec, SyncInterval: time.Hour}))
	hold := make(chan struct{})
	fs.set(hold)
	first, row := s.logNumber(), make([]byte, 64<<10)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; s.logNumber() < first+2; i++ { // the first memtables of a store are small
			put(t, s, i, string(row))
		}
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Error("writes wait for the directory")
	}
	close(hold)
	<-done
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestTablesAreNamed: what Pebble is spared are the names of logs, not those of tables.
func TestTablesAreNamed(t *testing.T) {
	fs := &dirFS{FS: vfs.NewMem()}
	s := mustOpen(t, "data", small(Options{FS: fs, Durability: EverySec, SyncInterval: time.Hour}))
	put(t, s, 1, "v")
	if err := s.Sync(); err != nil { // names the log
		t.Fatal(err)
	}
	before := fs.count()
	if err := s.db.Flush(); err != nil {
		t.Fatal(err)
	}
	if fs.count() == before {
		t.Error("a table was made and its directory not synced")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestLogsSurvivePowerLoss: what was acknowledged under Always in the logs that followed the first is there after a power loss.
func TestLogsSurvivePowerLoss(t *testing.T) {
	fs := vfs.NewCrashableMem()
	s := mustOpen(t, "data", small(Options{FS: fs, Durability: Always}))
	first, row := s.logNumber(), make([]byte, 32<<10)
	for i := 0; ; i++ {
		put(t, s, i, string(row))
		if s.logNumber() == first {
			continue
		}
		put(t, s, 1_000_000, "last")
		break
	}
	lost := fs.CrashClone(vfs.CrashCloneCfg{})
	again := mustOpen(t, "data", small(Options{FS: lost, Durability: Always}))
	if !has(t, again, 1_000_000) {
		t.Error("the write after the rotation is lost")
	}
	for _, s := range []*Store{s, again} {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
