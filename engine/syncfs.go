package engine

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

const walCategory = "pebble-wal"

// syncFS is the file system that Pebble gets. It keeps the promises of Durability, and latches every failed write or sync.
//
// Log files become walFiles. All other writable files become guardedFiles: written through, errors seen.
type syncFS struct {
	vfs.FS
	policy Durability
	latch  *latch
	logs   *logSyncer
	names  logNames
	stats  *syncStats
	// noRoom is told when the disk has no room for a table; the write fails, Pebble tries again later.
	noRoom func()
	// stop ends waits of writers that found no room.
	stop <-chan struct{}
}

type syncStats struct {
	syncs, nanos, maxNanos atomic.Int64
	walBytes               atomic.Int64
}

func (s *syncStats) add(d time.Duration) {
	s.syncs.Add(1)
	s.nanos.Add(int64(d))
	for {
		old := s.maxNanos.Load()
		if int64(d) <= old || s.maxNanos.CompareAndSwap(old, int64(d)) {
			return
		}
	}
}

func (fs *syncFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.Create(name, c)
	return fs.wrap(f, name, c, err)
}

func (fs *syncFS) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (vfs.File, error) {
	f, err := fs.FS.OpenReadWrite(name, c, opts...)
	return fs.wrap(f, name, c, err)
}

// ReuseForWrite makes a new file instead of taking an old log's for a new one: then whatever follows the last whole record
// of a log is this log's own, and a damaged record can be told from leftovers. What it costs is an fdatasync that also
// writes the file's length, once a flush under Always.
func (fs *syncFS) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := fs.FS.Remove(oldname); err != nil {
		return nil, err
	}
	return fs.Create(newname, c)
}

func (fs *syncFS) OpenDir(name string) (vfs.File, error) {
	f, err := fs.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &guardedFile{File: f, fs: fs, name: name, dir: true}, nil
}

// Unwrap returns the file system below.
func (fs *syncFS) Unwrap() vfs.FS { return fs.FS }

func (fs *syncFS) wrap(f vfs.File, name string, c vfs.DiskWriteCategory, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	if c != walCategory {
		return &guardedFile{File: f, fs: fs, name: name}, nil
	}
	num, ok := logNumber(fs.PathBase(name))
	if !ok {
		return nil, errors.Join(errors.New("engine: log file with a strange name: "+name), f.Close())
	}
	w := &walFile{File: f, fs: fs, num: num, name: name}
	fs.logs.add(w)
	fs.names.logMade()
	return w, nil
}

// logNumber returns the number of the log file called base.
func logNumber(base string) (uint64, bool) {
	digits, ok := strings.CutSuffix(base, ".log")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil
}

// walFile is a log file. Write hands bytes to the kernel: from then on they survive the process. Sync under Always makes
// them survive the machine; under the other policies it returns at once and the logSyncer does it later.
//
// Once the store has failed, writes and syncs do nothing and return nil: no commit is acknowledged any more (Wait looks at
// the latch last), and Pebble, which panics under its commit lock when its log fails, can be left standing until the
// process ends.
type walFile struct {
	vfs.File
	fs      *syncFS
	num     uint64
	name    string
	written atomic.Int64
	synced  atomic.Int64
	closing atomic.Bool
	named   atomic.Bool // its name is durable
}

func (w *walFile) Write(p []byte) (int, error) {
	if w.fs.latch.err() != nil {
		return len(p), nil
	}
	n, err := w.File.Write(p)
	w.written.Add(int64(n))
	w.fs.stats.walBytes.Add(int64(n))
	if err != nil {
		_ = w.fs.latch.fail("write "+w.name, err)
	}
	return len(p), nil
}

func (w *walFile) Sync() error { return w.SyncData() }

func (w *walFile) SyncData() error {
	if w.fs.policy == Always {
		_ = w.syncNow()
	}
	return nil
}

// SyncTo asks for early write-back, which the logSyncer makes superfluous.
func (w *walFile) SyncTo(int64) (bool, error) { return false, nil }

// Close leaves the file to the logSyncer, which syncs what is dirty and then closes it: a log is rotated under Pebble's
// commit lock, where nobody should wait for the disk.
func (w *walFile) Close() error {
	w.closing.Store(true)
	w.fs.logs.wake()
	return nil
}

// syncNow syncs for real. Errors latch; it is never tried twice.
func (w *walFile) syncNow() error {
	if err := w.fs.latch.err(); err != nil {
		return err
	}
	n := w.written.Load()
	if n == w.synced.Load() {
		return nil
	}
	start := time.Now()
	if !w.named.Load() {
		if err := syncDir(w.fs.FS, w.fs.PathDir(w.name)); err != nil {
			return w.fs.latch.fail("sync name of "+w.name, err)
		}
		w.named.Store(true)
	}
	if err := w.File.SyncData(); err != nil {
		return w.fs.latch.fail("sync "+w.name, err)
	}
	w.fs.stats.add(time.Since(start))
	w.synced.Store(n)
	return nil
}

// guardedFile is any other file that Pebble writes.
type guardedFile struct {
	vfs.File
	fs   *syncFS
	name string
	dir  bool
}

func (g *guardedFile) Write(p []byte) (int, error) {
	n, err := g.File.Write(p)
	if err != nil {
		return n, g.failed("write", err)
	}
	return n, nil
}

func (g *guardedFile) Sync() error {
	if g.dir && g.fs.names.spares(g) {
		return nil
	}
	if err := g.File.Sync(); err != nil {
		return g.failed("sync", err)
	}
	return nil
}

func (g *guardedFile) SyncData() error {
	if err := g.File.SyncData(); err != nil {
		return g.failed("sync", err)
	}
	return nil
}

func (g *guardedFile) SyncTo(n int64) (bool, error) {
	full, err := g.File.SyncTo(n)
	if err != nil {
		return full, g.failed("sync", err)
	}
	return full, nil
}

// noRoomPause keeps Pebble, which repeats a failed flush at once, from spinning on a full disk.
const noRoomPause = 200 * time.Millisecond

// failed latches err, but for want of room in a table: tables are written anew from memory or from other tables, nothing
// acknowledged depends on the attempt.
func (g *guardedFile) failed(op string, err error) error {
	if errors.Is(err, syscall.ENOSPC) && strings.HasSuffix(g.name, ".sst") {
		g.fs.noRoom()
		select {
		case <-time.After(noRoomPause):
		case <-g.fs.stop:
		}
		return err
	}
	return g.fs.latch.fail(op+" "+g.name, err)
}

// logSyncer syncs log files in the background and closes those that Pebble has let go. Logs are synced in the order of
// their numbers: what is on the disk is a prefix of what was written, but for pages that the kernel wrote on its own.
type logSyncer struct {
	poke chan struct{} // capacity 1: somebody wants a pass

	pass sync.Mutex // one pass at a time

	mu   sync.Mutex
	logs []*walFile // ascending numbers; the last is the one in use
	last logPosition
}

func newLogSyncer() *logSyncer { return &logSyncer{poke: make(chan struct{}, 1)} }

func (l *logSyncer) add(w *walFile) {
	l.mu.Lock()
	l.logs = append(l.logs, w)
	l.mu.Unlock()
}

func (l *logSyncer) wake() {
	select {
	case l.poke <- struct{}{}:
	default:
	}
}

// sync makes all that was written before the call durable, and returns up to where the log is.
func (l *logSyncer) sync() (logPosition, error) {
	l.pass.Lock()
	defer l.pass.Unlock()
	l.mu.Lock()
	logs := append([]*walFile(nil), l.logs...)
	l.mu.Unlock()
	for _, w := range logs {
		closing := w.closing.Load() // before the sync: nothing is written after a close
		if err := w.syncNow(); err != nil {
			return logPosition{}, err
		}
		l.mu.Lock()
		l.last = logPosition{Num: w.num, Offset: uint64(w.synced.Load())}
		if closing {
			l.logs = l.logs[1:]
		}
		l.mu.Unlock()
		if closing {
			_ = w.File.Close() // synced; nothing is left that a close could lose
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last, nil
}

// abandon closes what is open without syncing, after a failure.
func (l *logSyncer) abandon() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.logs {
		_ = w.File.Close()
	}
	l.logs = nil
}
