package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"github.com/rondokv/rondo/engine/object"
)

// Keys of the state space that belong to this package: 'm' and a byte below 0x20.
const (
	stateMark  = 0x01
	stateSaved = 0x02
)

func markKey() []byte { return []byte{object.SpaceState, stateMark} }

func savedKey(name string) []byte {
	return append([]byte{object.SpaceState, stateSaved}, name...)
}

// SaveState keeps v under name until it is saved anew; durable when it returns, as the policy says. A nil v forgets it.
func (s *Store) SaveState(name string, v []byte) error {
	w := object.Write{Key: savedKey(name)}
	if v != nil {
		w.Row = appendCRC(append(make([]byte, 0, len(v)+4), v...))
	}
	c, err := s.ApplyFreeing([]object.Write{w})
	if err != nil {
		return fmt.Errorf("engine: save state %q: %w", name, err)
	}
	return c.Wait()
}

// LoadState returns what was saved under name; nil, nil when there is nothing.
func (s *Store) LoadState(name string) ([]byte, error) {
	row, err := s.Get(nil, savedKey(name))
	if err != nil || row == nil {
		return nil, err
	}
	v, ok := cutCRC(row)
	if !ok {
		return nil, s.quarantine(savedKey(name), errors.New("bad checksum"))
	}
	return v[:len(v):len(v)], nil
}

func appendCRC(b []byte) []byte {
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func cutCRC(b []byte) ([]byte, bool) {
	n := len(b) - 4
	if n < 0 || crc32.Checksum(b[:n], castagnoli) != binary.BigEndian.Uint32(b[n:]) {
		return nil, false
	}
	return b[:n], true
}

// highWater writes the mark: about once a second while there are writes, a row with the next number goes the way of all
// rows, and once it is really on the disk the identity file says so. A log that lost its end then shows: the number in the
// rows is lower than the one in the file.
type highWater struct {
	dirty atomic.Bool // something was written since the last mark
}

// readMark returns the number in the marker row, 0 when there is none.
func readMark(db *pebble.DB) (uint64, error) {
	v, closer, err := db.Get(markKey())
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("engine: read high-water mark: %w", err)
	}
	b, ok := cutCRC(v)
	if !ok || len(b) != 8 {
		return 0, errors.Join(&CorruptError{File: "high-water mark", Offset: -1, Err: errors.New("bad checksum")}, closer.Close())
	}
	n := binary.BigEndian.Uint64(b)
	return n, closer.Close()
}

// writeMark puts the next mark into the rows and returns it, waiting for the commit but not for the disk.
func (s *Store) writeMark() (uint64, error) {
	s.marker.dirty.Store(false)
	n := s.id.get().Mark + 1
	b := s.db.NewBatch()
	if err := b.Set(markKey(), appendCRC(binary.BigEndian.AppendUint64(nil, n)), nil); err != nil {
		return 0, errors.Join(err, b.Close())
	}
	c, err := s.enqueue(b, 0) // no commit: the mark is nothing that a next mark must follow
	if err != nil {
		return 0, err
	}
	return n, c.Wait()
}

// Sync makes everything that was applied before the call durable, whatever the policy, and moves the high-water mark there.
func (s *Store) Sync() error {
	if err := s.refuse(); err != nil {
		return err
	}
	s.syncMu.Lock()
	defer s.syncMu.Unlock()
	n, err := s.writeMark()
	if err != nil {
		return err
	}
	at, err := s.fs.logs.sync()
	if err != nil {
		return err
	}
	return s.id.update(func(id *identity) { id.Mark, id.Synced = n, at })
}
