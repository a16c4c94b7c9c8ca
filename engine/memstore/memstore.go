package memstore

import (
	"bytes"
	"errors"

	"github.com/tidwall/btree"

	"github.com/rondokv/rondo/engine/object"
)

// ErrClosed reports use of a store that has crashed or was closed.
var ErrClosed = errors.New("memstore: store is gone")

type row struct{ key, row []byte }

func less(a, b any) bool { return bytes.Compare(a.(row).key, b.(row).key) < 0 }

// batch is one Apply (writes) or DropRange (lo, hi, then writes).
type batch struct {
	writes []object.Write
	lo, hi []byte
	drop   bool
}

// Store is an ordered map of rows. Like a map it is not safe for concurrent use; WithLock makes one that is.
type Store struct {
	tree *btree.BTree
	// durable is the tree as of the last sync, shared copy-on-write; pending are the batches since.
	durable *btree.BTree
	pending []*batch
	first   uint64 // number of pending[0]
	gone    bool
}

// New returns an empty store.
func New() *Store {
	t := btree.NewNonConcurrent(less)
	return &Store{tree: t, durable: t.Copy()}
}

// Get returns the row under key; nil, nil when there is none. It copies nothing: dst is not used.
func (s *Store) Get(_, key []byte) ([]byte, error) {
	if s.gone {
		return nil, ErrClosed
	}
	r, _ := s.tree.Get(row{key: key}).(row)
	return r.row, nil
}

// Apply makes the writes visible. It copies keys and rows.
func (s *Store) Apply(ws []object.Write) (object.Commit, error) {
	return s.queue(&batch{writes: cloned(ws)})
}

// ApplyFreeing is Apply: there is always room.
func (s *Store) ApplyFreeing(ws []object.Write) (object.Commit, error) { return s.Apply(ws) }

func cloned(ws []object.Write) []object.Write {
	out := make([]object.Write, len(ws))
	for i, w := range ws {
		out[i] = object.Write{Key: bytes.Clone(w.Key), Row: bytes.Clone(w.Row)}
	}
	return out
}

// DropRange lets all rows in [lo, hi) go, then makes the writes, in one step.
func (s *Store) DropRange(lo, hi []byte, ws []object.Write) (object.Commit, error) {
	return s.queue(&batch{writes: cloned(ws), lo: bytes.Clone(lo), hi: bytes.Clone(hi), drop: true})
}

func (s *Store) queue(b *batch) (object.Commit, error) {
	if s.gone {
		return nil, ErrClosed
	}
	b.apply(s.tree)
	s.pending = append(s.pending, b)
	return &commit{s: s, n: s.first + uint64(len(s.pending))}, nil
}

func (b *batch) apply(t *btree.BTree) {
	if b.drop {
		dropRange(t, b.lo, b.hi)
	}
	for _, w := range b.writes {
		if w.Row == nil {
			t.Delete(row{key: w.Key})
		} else {
			t.Set(row{key: w.Key, row: w.Row})
		}
	}
}

func dropRange(t *btree.BTree, lo, hi []byte) {
	var gone []row
	t.Ascend(row{key: lo}, func(item any) bool {
		r := item.(row)
		if bytes.Compare(r.key, hi) >= 0 {
			return false
		}
		gone = append(gone, r)
		return true
	})
	for _, r := range gone {
		t.Delete(r)
	}
}

type commit struct {
	s *Store
	n uint64 // batches up to and with this one
}

// Wait makes the batch, and all before it, durable.
func (c *commit) Wait() error { return c.s.settle(c.n) }

// settle makes the first n batches durable.
func (s *Store) settle(n uint64) error {
	if s.gone {
		return ErrClosed
	}
	for s.first < n {
		s.pending[0].apply(s.durable)
		s.pending[0] = nil
		s.pending = s.pending[1:]
		s.first++
	}
	return nil
}

// Sync makes everything durable.
func (s *Store) Sync() error { return s.settle(s.first + uint64(len(s.pending))) }

// Unsynced returns how many batches a crash could lose.
func (s *Store) Unsynced() int { return len(s.pending) }

// Scan calls fn for the rows in [lo, hi) in ascending order, as they were when it began.
func (s *Store) Scan(lo, hi []byte, fn func(key, row []byte) bool) error {
	if s.gone {
		return ErrClosed
	}
	s.tree.Copy().Ascend(row{key: lo}, func(item any) bool {
		r := item.(row)
		if hi != nil && bytes.Compare(r.key, hi) >= 0 {
			return false
		}
		return fn(r.key, r.row)
	})
	return nil
}

// ExpiredCandidates returns up to limit keys behind after (nil: from the first) of data rows whose expiry is before that
// time, in ms since the Unix epoch, and where to go on, nil at the end.
func (s *Store) ExpiredCandidates(before int64, after []byte, limit int) (keys [][]byte, next []byte, err error) {
	err = s.Scan(orFirst(after), []byte{object.SpaceData + 1}, func(key, row []byte) bool {
		if at, ok := object.PeekExpiry(row); !ok || at >= before || bytes.Equal(key, after) {
			return true
		}
		if len(keys) == limit {
			next = keys[limit-1]
			return false
		}
		keys = append(keys, bytes.Clone(key))
		return true
	})
	return keys, next, err
}

// orFirst returns the least key of data for none.
func orFirst(after []byte) []byte {
	if after == nil {
		return []byte{object.SpaceData}
	}
	return after
}

// Crash ends this store and returns what is found after it: all that was synced and the first keep of the batches that
// were not (0 loses all of them, Unsynced() none).
func (s *Store) Crash(keep int) *Store {
	s.gone = true
	found := &Store{tree: s.durable.Copy()}
	for _, b := range s.pending[:min(max(keep, 0), len(s.pending))] {
		b.apply(found.tree)
	}
	found.durable = found.tree.Copy()
	return found
}

// Close ends the store. What was not synced is lost to Crash, which may follow.
func (s *Store) Close() error {
	if s.gone {
		return ErrClosed
	}
	s.gone = true
	return nil
}
