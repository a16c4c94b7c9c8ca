package engine

import (
	"errors"
	"fmt"
	"io"
	"sort"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// inspect verifies what Pebble would believe too easily, before Pebble may change anything:
//
//   - The manifest. Pebble takes a bad record for its end, goes on with an older set of tables and removes the others.
//   - The logs. Pebble tells damage from an end by marks of what was synced, which are late by up to a block or a batch;
//     and under EverySec and No they run ahead, so that a torn tail looks like damage.
//   - The high-water mark, through a read-only open.
func (s *Store) inspect() error {
	if err := s.inspectManifest(); err != nil {
		return err
	}
	tail, err := s.inspectLogs()
	if err != nil {
		return err
	}
	if err := s.probeMark(); err != nil || tail == nil {
		return err
	}
	// Pebble takes this for the log's end, too. The file may outlive its use, and be met again after the next crash, when it
	// is no longer the last: then it must not look damaged.
	s.recovery.TornTail = true
	return s.cut([]logFile{tail.logFile}, tail.logScan)
}

// logTail is a log with something behind its last whole record.
type logTail struct {
	logFile
	logScan
}

// sameBoot reports that the kernel has run since the store was last open: no power was lost, so every byte that was
// written must be there.
func (s *Store) sameBoot() bool {
	return s.start.Boot != 0 && s.start.Boot == bootHash(s.opts.BootID())
}

func (s *Store) inspectManifest() error {
	fs, dir := s.opts.FS, s.rowsPath()
	desc, err := pebble.Peek(dir, fs)
	if err != nil {
		return s.openError(err)
	}
	if !desc.Exists {
		return &CorruptError{File: dir, Offset: -1, Err: errors.New("the store's manifest is missing")}
	}
	sc, err := scanFile(fs, desc.ManifestFilename, 0)
	if err != nil {
		return err
	}
	// An edit that was being written when the power went is no damage: nothing relies on it before it is synced.
	torn := sc.End == endShort || sc.End == endBad && sc.Upto == sc.Size && !s.sameBoot()
	if sc.End == endClean || torn && !s.wasClean {
		return nil
	}
	return &CorruptError{File: desc.ManifestFilename, Offset: sc.At, Err: fmt.Errorf("manifest: %s", sc.End)}
}

type logFile struct {
	name string
	num  uint64
}

func (s *Store) listLogs() ([]logFile, error) {
	fs, dir := s.opts.FS, s.rowsPath()
	names, err := fs.List(dir)
	if err != nil {
		return nil, fmt.Errorf("engine: list %s: %w", dir, err)
	}
	var logs []logFile
	for _, n := range names {
		if num, ok := logNumber(n); ok {
			logs = append(logs, logFile{name: fs.PathJoin(dir, n), num: num})
		}
	}
	sort.Slice(logs, func(i, j int) bool { return logs[i].num < logs[j].num })
	return logs, nil
}

// inspectLogs finds the first log that does not end as it should, and judges it. What is no damage, but no clean end
// either, is returned as tail.
func (s *Store) inspectLogs() (tail *logTail, err error) {
	logs, err := s.listLogs()
	if err != nil {
		return nil, err
	}
	for i, l := range logs {
		sc, err := scanFile(s.opts.FS, l.name, l.num)
		if err != nil {
			return nil, err
		}
		last := i == len(logs)-1
		switch s.judge(sc, logPosition{Num: l.num, Offset: uint64(sc.At)}, last) {
		case logWhole:
			continue
		case logEnds:
			tail = &logTail{l, sc}
			continue
		case logTorn:
			s.recovery.TornTail = true
		case logDamaged:
			if !s.opts.AcceptDataLoss {
				return nil, &CorruptError{File: l.name, Offset: sc.At, Err: fmt.Errorf("log: %s, %d bytes follow; "+
					"restore a backup, or start with --accept-data-loss to go on without them", sc.End, sc.Size-sc.At)}
			}
			s.recovery.DamagedLog = true
		}
		return nil, s.cut(logs[i:], sc)
	}
	return tail, nil
}

type verdict uint8

const (
	logWhole verdict = iota
	logEnds          // Pebble decides, and if it opens, this is the end
	logTorn
	logDamaged
)

// judge tells the ways apart in which a log can end at a place. What lies before Synced was on the disk; what was written
// under the present boot, or before a clean close, must be there too; only what lies beyond may be missing after a power
// loss, and under Always Pebble's own marks are exact about that.
func (s *Store) judge(sc logScan, at logPosition, last bool) verdict {
	if sc.End == endClean {
		return logWhole
	}
	if s.wasClean || at.before(s.start.Synced) {
		return logDamaged
	}
	if sc.End == endShort && last {
		return logEnds
	}
	if s.sameBoot() {
		return logDamaged
	}
	if s.start.Durability == Always {
		return logEnds
	}
	return logTorn
}

// cut ends the log where its first file has its last whole record; what comes behind is kept aside in tornDir.
func (s *Store) cut(logs []logFile, sc logScan) error {
	fs := s.opts.FS
	aside := fs.PathJoin(s.dir, tornDir)
	if err := fs.RemoveAll(aside); err != nil {
		return fmt.Errorf("engine: clear %s: %w", aside, err)
	}
	if err := makeDir(fs, aside); err != nil {
		return err
	}
	s.recovery.LogFile, s.recovery.LogOffset, s.recovery.Dropped = logs[0].name, sc.At, sc.Size-sc.At
	for _, l := range logs[1:] {
		if info, err := fs.Stat(l.name); err == nil {
			s.recovery.Dropped += info.Size()
		}
		if err := fs.Rename(l.name, fs.PathJoin(aside, fs.PathBase(l.name))); err != nil {
			return fmt.Errorf("engine: set %s aside: %w", l.name, err)
		}
	}
	first := logs[0].name
	prefix := fs.PathJoin(aside, "prefix")
	if err := copyPrefix(fs, first, prefix, sc.At); err != nil {
		return fmt.Errorf("engine: cut %s: %w", first, err)
	}
	if err := errors.Join(fs.Rename(first, fs.PathJoin(aside, fs.PathBase(first))), fs.Rename(prefix, first)); err != nil {
		return fmt.Errorf("engine: cut %s: %w", first, err)
	}
	return errors.Join(syncDir(fs, s.rowsPath()), syncDir(fs, aside))
}

func copyPrefix(fs vfs.FS, from, to string, n int64) error {
	src, err := fs.Open(from)
	if err != nil {
		return err
	}
	dst, err := fs.Create(to, vfs.WriteCategoryUnspecified)
	if err != nil {
		return errors.Join(err, src.Close())
	}
	_, err = io.Copy(dst, io.LimitReader(src, n))
	return errors.Join(err, dst.Sync(), dst.Close(), src.Close())
}

// probeMark reads the high-water mark without changing anything.
func (s *Store) probeMark() error {
	o := s.pebbleOptions()
	o.FS, o.ReadOnly, o.ErrorIfNotExists, o.CacheSize = s.opts.FS, true, true, 1<<20
	db, err := pebble.Open(s.rowsPath(), o)
	if err != nil {
		return s.openError(err)
	}
	mark, err := readMark(db)
	if err = errors.Join(err, db.Close()); err != nil {
		return s.openError(err)
	}
	if mark < s.start.Mark && !s.opts.AcceptDataLoss {
		s.recovery.Recovered, s.recovery.Expected = mark, s.start.Mark
		return s.truncatedError()
	}
	return nil
}
