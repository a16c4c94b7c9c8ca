package engine

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/engine/rowcache"
)

// Store is an ordered map of rows on Pebble. All methods may be called concurrently, with one exception that callers keep
// by their own locks: Get, Apply and DropRange of one key never overlap (else the cache could keep a row that is gone).
type Store struct {
	opts     Options
	dir      string
	db       *pebble.DB
	fs       *syncFS
	latch    *latch
	id       *identityFile
	lock     io.Closer
	cache    *rowcache.Cache // nil when turned off
	disk     *diskGauge
	stats    storeStats
	expiry   *expiryHints
	group    *commitGroup
	complain *complaints
	pool     sync.Pool // of *commit

	start    identity // as read at Open, with the new incarnation
	wasClean bool
	recovery Recovery

	marker     highWater
	syncMu     sync.Mutex // one mark at a time
	markWanted chan struct{}
	damaged    atomic.Int64 // blocks that Pebble found bad
	closed     atomic.Bool
	stop       chan struct{}
	wg         sync.WaitGroup
}

type storeStats struct {
	applies, bytesIn, diskReads, quarantined, refused atomic.Int64
}

// Get returns the row under key, appended to dst; nil, nil when there is none. The bytes are the caller's.
// ErrQuarantined: there is something, but its bytes are bad.
func (s *Store) Get(dst, key []byte) ([]byte, error) {
	if s.cache != nil {
		if row, ok := s.cache.Get(dst, key); ok {
			return row, nil
		}
	}
	return s.load(dst, key)
}

// load reads a row from Pebble into the cache.
func (s *Store) load(dst, key []byte) ([]byte, error) {
	if s.closed.Load() {
		return nil, ErrClosed
	}
	s.stats.diskReads.Add(1)
	// Pebble's own Get passes over the bloom filters of the bottom level, where nearly all tables are.
	it, err := s.db.NewIter(&pebble.IterOptions{UseL6Filters: true})
	if err != nil {
		return nil, s.readError(key, err)
	}
	var row []byte
	if it.SeekPrefixGE(key) && bytes.Equal(it.Key(), key) {
		var v []byte
		if v, err = it.ValueAndErr(); err == nil {
			row = append(dst, v...)
		}
	}
	if err := errors.Join(err, it.Close()); err != nil {
		return nil, s.readError(key, err)
	}
	if row == nil {
		return nil, nil
	}
	v := row[len(dst):]
	if hasRowCodec(key) {
		if err := object.CheckRow(v); err != nil {
			return nil, s.quarantine(key, err)
		}
	}
	if s.cache != nil {
		s.cache.Put(key, v)
	}
	return row, nil
}

// hasRowCodec reports whether the rows of the key's space are encoded by package object.
func hasRowCodec(key []byte) bool {
	return len(key) > 0 && (key[0] == object.SpaceData || key[0] == object.SpaceHint)
}

func (s *Store) readError(key []byte, err error) error {
	if pebble.IsCorruptionError(err) {
		return s.quarantine(key, err)
	}
	return fmt.Errorf("engine: read %x: %w", key, err)
}

// damagedBlock is told by Pebble of a block that it could not read, also in the background.
func (s *Store) damagedBlock(path string, err error) {
	s.damaged.Add(1)
	s.complain.say(fmt.Sprintf("damaged block in %s: %v", path, err))
}

func (s *Store) quarantine(key []byte, err error) error {
	s.stats.quarantined.Add(1)
	return &QuarantinedError{Key: append([]byte(nil), key...), Err: err}
}

// Apply makes the writes visible in one step and queues them for the log; Wait of the Commit returns when they are as
// durable as the policy says. Keys and rows are the caller's again when it returns. After an error nothing was stored.
// It may wait for room in the memtables (flushes fell behind), never for a sync.
func (s *Store) Apply(ws []object.Write) (object.Commit, error) { return s.apply(ws, false) }

// ApplyFreeing is Apply for writes that make the store smaller in the end though they carry rows (a delete writes a small
// row over a big one): they may use the room that DiskReserve keeps.
func (s *Store) ApplyFreeing(ws []object.Write) (object.Commit, error) { return s.apply(ws, true) }

func (s *Store) apply(ws []object.Write, freeing bool) (object.Commit, error) {
	if err := s.refuse(); err != nil {
		return nil, err
	}
	size, grows := batchOverhead, false
	for i := range ws {
		size += writeOverhead + len(ws[i].Key) + len(ws[i].Row)
		grows = grows || ws[i].Row != nil
	}
	if err := s.disk.admit(int64(size), freeing || !grows); err != nil {
		s.stats.refused.Add(1)
		return nil, err
	}
	return s.commitWrites(s.db.NewBatchWithSize(size), ws, size)
}

// commitWrites adds the writes to the batch and hands it to Pebble.
func (s *Store) commitWrites(b *pebble.Batch, ws []object.Write, size int) (object.Commit, error) {
	for i := range ws {
		var err error
		if ws[i].Row == nil {
			err = b.Delete(ws[i].Key, nil)
		} else {
			err = b.Set(ws[i].Key, ws[i].Row, nil)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("engine: build batch: %w", err), b.Close())
		}
	}
	c, err := s.commit(b, size)
	if err != nil {
		return nil, err
	}
	for i := range ws {
		s.note(ws[i].Key, ws[i].Row)
	}
	return c, nil
}

// Sizes of Pebble's batch: its header, and kind plus two lengths a row.
const (
	batchOverhead = 12
	writeOverhead = 11
)

// note keeps what is in memory in step with a write that has just become visible.
func (s *Store) note(key, row []byte) {
	if row != nil {
		s.expiry.note(key, row)
	}
	switch {
	case s.cache == nil:
	case row == nil:
		s.cache.Delete(key)
	default:
		s.cache.Put(key, row)
	}
}

// DropRange lets all rows in [lo, hi) go, at the cost of one small write, then stores the writes, all in one step: writes
// within the range stay.
func (s *Store) DropRange(lo, hi []byte, ws []object.Write) (object.Commit, error) {
	if err := s.refuse(); err != nil {
		return nil, err
	}
	size := batchOverhead + writeOverhead + len(lo) + len(hi)
	for i := range ws {
		size += writeOverhead + len(ws[i].Key) + len(ws[i].Row)
	}
	if err := s.disk.admit(int64(size), true); err != nil {
		s.stats.refused.Add(1)
		return nil, err
	}
	b := s.db.NewBatchWithSize(size)
	if err := b.DeleteRange(lo, hi, nil); err != nil {
		return nil, errors.Join(fmt.Errorf("engine: drop range: %w", err), b.Close())
	}
	switch {
	case s.cache == nil:
	case coversData(lo, hi):
		s.cache.Clear() // at once, where DropRange looks at every entry
	default:
		s.cache.DropRange(lo, hi)
	}
	return s.commitWrites(b, ws, size)
}

// coversData reports whether all rows of keys are in [lo, hi).
func coversData(lo, hi []byte) bool {
	return bytes.Compare(lo, object.AppendSlotKey(nil, 0)) <= 0 && bytes.Compare(hi, object.AppendSlotKey(nil, object.SlotCount)) >= 0
}

func (s *Store) refuse() error {
	if err := s.latch.err(); err != nil {
		return err
	}
	if s.closed.Load() {
		return ErrClosed
	}
	return nil
}

// commit hands the batch to Pebble: visible on return, in the log's queue, not waited for.
func (s *Store) commit(b *pebble.Batch, size int) (object.Commit, error) {
	c, err := s.enqueue(b, size)
	s.marker.dirty.Store(true)
	return c, err
}

func (s *Store) enqueue(b *pebble.Batch, size int) (object.Commit, error) {
	if err := errors.Join(s.db.Apply(b, pebble.NoSync), b.Close()); err != nil {
		return nil, fmt.Errorf("engine: apply: %w", err)
	}
	s.stats.applies.Add(1)
	s.stats.bytesIn.Add(int64(size))
	c, _ := s.pool.Get().(*commit)
	if c == nil {
		c = &commit{s: s}
	}
	c.ticket = s.group.join()
	return c, nil
}

// commit is a batch on its way to the disk. It goes back to the pool in Wait.
type commit struct {
	s      *Store
	ticket uint64
}

// Wait returns when the batch is as durable as the policy says, or with the error that stopped the store.
func (c *commit) Wait() error {
	s, ticket := c.s, c.ticket
	s.pool.Put(c)
	return s.group.wait(ticket)
}

// Scan calls fn for the rows in [lo, hi) in ascending order, as they were when it began. key and row are valid only during
// fn; false ends the scan. A row that cannot be read ends it with a QuarantinedError: a caller that can do without goes on
// behind the error's Key, or uses ScanSkipping.
func (s *Store) Scan(lo, hi []byte, fn func(key, row []byte) bool) error {
	var bad error
	err := s.scan(lo, hi, fn, func(key []byte, err error) bool {
		bad = s.quarantine(key, err)
		return false
	})
	return errors.Join(err, bad)
}

// ScanSkipping is Scan, but rows with a bad checksum go to bad and the scan continues.
func (s *Store) ScanSkipping(lo, hi []byte, fn func(key, row []byte) bool, bad func(key []byte, err error)) error {
	return s.scan(lo, hi, fn, func(key []byte, err error) bool {
		s.stats.quarantined.Add(1)
		bad(key, err)
		return true
	})
}

func (s *Store) scan(lo, hi []byte, fn func(key, row []byte) bool, bad func(key []byte, err error) bool) error {
	if s.closed.Load() {
		return ErrClosed
	}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return s.readError(lo, err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		key := it.Key()
		row, err := it.ValueAndErr()
		if err == nil && hasRowCodec(key) {
			err = object.CheckRow(row)
		}
		if err != nil {
			if !bad(key, err) {
				break
			}
			continue
		}
		if !fn(key, row) {
			break
		}
	}
	if err := it.Close(); err != nil {
		return s.readError(nil, err)
	}
	return nil
}
