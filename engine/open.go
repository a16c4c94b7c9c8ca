package engine

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/engine/rowcache"
)

const (
	rowsDir  = "rows" // Pebble's
	lockName = "LOCK"
	tornDir  = "torn" // copies of the ends of logs that were cut off
)

// Recovery says what Open found.
type Recovery struct {
	// Fresh: the directory was made by this Open.
	Fresh bool
	// TornTail: bytes at the end of the log, never promised to be durable, were incomplete and cut off, as after a power
	// loss under EverySec or No.
	TornTail bool
	// TruncatedLog: rows that had been durable are gone, and AcceptDataLoss was set. Recovered is the high-water mark found,
	// Expected the one that was known to be on the disk.
	TruncatedLog        bool
	Recovered, Expected uint64
	// DamagedLog: a log was damaged before its durable end, and AcceptDataLoss was set.
	DamagedLog bool
	// LogFile and LogOffset say where the log was cut; Dropped counts the bytes behind.
	LogFile   string
	LogOffset int64
	Dropped   int64
	// IdentityDamaged: one of the two slots of the identity file was unreadable, and the other one was used.
	IdentityDamaged bool
}

// Open opens the store in dir, making it if dir is missing or empty. It takes the directory's lock, verifies manifest and
// logs before Pebble may change anything, and takes a new incarnation, durable before it returns.
func Open(dir string, o Options) (*Store, error) {
	o = o.withDefaults()
	s := &Store{
		opts: o, dir: dir,
		latch:      &latch{onFatal: o.OnFatal},
		complain:   newComplaints(o.Log, o.Now),
		expiry:     new(expiryHints),
		stop:       make(chan struct{}),
		markWanted: make(chan struct{}, 1),
	}
	if err := s.open(); err != nil {
		return nil, errors.Join(err, s.release())
	}
	s.wg.Add(2)
	go s.runSync()
	go s.runMark()
	return s, nil
}

func (s *Store) open() error {
	fresh, err := s.claim()
	if err != nil {
		return err
	}
	s.disk = newDiskGauge(s.opts.FS, s.dir, s.opts.DiskReserve)
	s.fs = &syncFS{
		FS: s.opts.FS, policy: s.opts.Durability, latch: s.latch, logs: newLogSyncer(), stats: &syncStats{},
		noRoom: s.disk.noRoom, stop: s.stop,
	}
	if err := s.identify(fresh); err != nil {
		return err
	}
	if err := s.openRows(); err != nil {
		return err
	}
	if s.recovery.Fresh {
		for i := range s.expiry {
			s.expiry[i].Store(noExpiry)
		}
	}
	if s.opts.RowCacheBytes > 0 {
		s.cache = rowcache.New(s.opts.RowCacheBytes)
	}
	return s.begin()
}

// claim makes the directory, refuses a foreign one and takes the lock.
func (s *Store) claim() (fresh bool, err error) {
	fs := s.opts.FS
	names, err := fs.List(s.dir)
	if err != nil && !isNotExist(err) {
		return false, fmt.Errorf("engine: list %s: %w", s.dir, err)
	}
	ours, rows := false, false
	var foreign []string
	for _, n := range names {
		switch n {
		case identityName:
			ours = true
		case rowsDir:
			rows = true
		case lockName, "lost+found", tornDir:
		default:
			foreign = append(foreign, n)
		}
	}
	if !ours && len(foreign) > 0 {
		sort.Strings(foreign)
		return false, fmt.Errorf("%w: %s holds %s and no %s file: give --dir an empty or a new directory",
			ErrForeign, s.dir, strings.Join(foreign[:min(3, len(foreign))], ", "), identityName)
	}
	if !ours && rows { // the identity is made before the rows: without it they are somebody's, and of no known end
		return false, &CorruptError{File: fs.PathJoin(s.dir, identityName), Offset: -1, Err: errors.New("missing beside " + rowsDir)}
	}
	if err := makeDir(fs, s.dir); err != nil {
		return false, err
	}
	lock, err := fs.Lock(fs.PathJoin(s.dir, lockName))
	if err != nil {
		if pe := (*os.PathError)(nil); errors.As(err, &pe) { // the file, not the lock
			return false, fmt.Errorf("engine: lock %s: %w", s.dir, err)
		}
		return false, fmt.Errorf("%w: %s is open in another process: stop that one, or give this one another --dir (%w)",
			ErrLocked, s.dir, err)
	}
	s.lock = lock
	return !ours, nil
}

// makeDir makes dir and makes its name durable in its parent.
func makeDir(fs vfs.FS, dir string) error {
	if err := fs.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("engine: make %s: %w", dir, err)
	}
	return syncDir(fs, fs.PathDir(dir))
}

// identify reads the identity, or makes the first one.
func (s *Store) identify(fresh bool) error {
	id, ok, err := readIdentity(s.opts.FS, s.dir, s.latch)
	if err != nil {
		return err
	}
	if !ok {
		if !fresh {
			return fmt.Errorf("%w: %s vanished", ErrForeign, identityName)
		}
		first := identity{
			Node:       object.NodeID(nonZero(s.opts.Random64)),
			Secret:     s.opts.Secret,
			Boot:       bootHash(s.opts.BootID()),
			Durability: s.opts.Durability,
		}
		if first.Secret == (object.Secret{}) {
			first.Secret = object.Secret{K0: s.opts.Random64(), K1: s.opts.Random64()}
		}
		if id, err = createIdentity(s.opts.FS, s.dir, first, s.latch); err != nil {
			return err
		}
	}
	s.id, s.start = id, id.get()
	s.wasClean = s.start.Flags&flagClean != 0
	s.recovery.Fresh = s.start.Flags&flagStoreMade == 0
	s.recovery.IdentityDamaged = id.damaged
	return nil
}

func nonZero(random func() uint64) uint64 {
	for {
		if v := random(); v != 0 {
			return v
		}
	}
}

// openRows opens Pebble. A new store is made in a step of its own and opened again: the first log of a new store has an
// older format, in which damage to its middle looks like its end.
func (s *Store) openRows() error {
	dir := s.rowsPath()
	if s.recovery.Fresh {
		if err := s.opts.FS.RemoveAll(dir); err != nil {
			return fmt.Errorf("engine: clear %s: %w", dir, err)
		}
		if err := makeDir(s.opts.FS, dir); err != nil {
			return err
		}
		db, err := s.openPebble(dir, s.pebbleOptions())
		if err != nil {
			return s.openError(err)
		}
		if err := db.Close(); err != nil {
			return fmt.Errorf("engine: close new store: %w", err)
		}
		if _, err := s.fs.logs.sync(); err != nil {
			return err
		}
		if err := s.id.update(func(id *identity) { id.Flags |= flagStoreMade }); err != nil {
			return err
		}
	} else if err := s.inspect(); err != nil {
		return err
	}
	o := s.pebbleOptions()
	o.ErrorIfNotExists = true
	db, err := s.openPebble(dir, o)
	if err != nil {
		return s.openError(err)
	}
	s.db = db
	s.group = newCommitGroup(db, s.latch)
	return nil
}

func (s *Store) openPebble(dir string, o *pebble.Options) (*pebble.DB, error) {
	s.fs.names.opening()
	defer s.fs.names.opened()
	return pebble.Open(dir, o)
}

func (s *Store) rowsPath() string { return s.opts.FS.PathJoin(s.dir, rowsDir) }

// openError names the file that Pebble found damaged.
func (s *Store) openError(err error) error {
	if errors.Is(err, pebble.ErrDBDoesNotExist) || isNotExist(err) {
		return &CorruptError{File: s.rowsPath(), Offset: -1, Err: fmt.Errorf("files are missing: %w", err)}
	}
	if pebble.IsCorruptionError(err) {
		return &CorruptError{File: s.rowsPath(), Offset: -1, Err: err}
	}
	return fmt.Errorf("engine: open %s: %w", s.rowsPath(), err)
}

// begin takes the new incarnation and starts a new mark.
func (s *Store) begin() error {
	mark, err := readMark(s.db)
	if err != nil {
		return err
	}
	if mark < s.start.Mark {
		s.recovery.TruncatedLog = true
		s.recovery.Recovered, s.recovery.Expected = mark, s.start.Mark
		if !s.opts.AcceptDataLoss { // inspect has refused before; this is for a log that changed under our hands
			return s.truncatedError()
		}
	}
	inc := max(uint64(s.start.Incarnation)+1, uint64(s.opts.Now().UnixMilli())<<16|s.opts.Random64()&0xffff)
	err = s.id.update(func(id *identity) {
		id.Incarnation = object.Incarnation(inc)
		id.Flags &^= flagClean
		id.Boot = bootHash(s.opts.BootID())
		id.Durability = s.opts.Durability
		id.Mark = mark // above it only where the loss was accepted, or the mark outran the file
	})
	s.start.Incarnation = object.Incarnation(inc)
	return err
}

func (s *Store) truncatedError() error {
	return fmt.Errorf("%w: %s: the rows end at mark %d, mark %d was on the disk before: writes that were durable are gone; "+
		"restore a backup, or start with --accept-data-loss to go on with what is left",
		ErrTruncatedLog, s.dir, s.recovery.Recovered, s.recovery.Expected)
}

// release gives back what a failed Open holds.
func (s *Store) release() error {
	var errs []error
	close(s.stop)
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	if s.fs != nil {
		s.fs.logs.abandon()
	}
	if s.id != nil {
		errs = append(errs, s.id.close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

func isNotExist(err error) bool { return errors.Is(err, os.ErrNotExist) }

var _ io.Closer = (*Store)(nil)
