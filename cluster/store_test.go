package cluster

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/rondokv/rondo/engine/object"
)

// heldStore keeps rows in a map. Its commits settle at once, or while held when Release is called, in order.
type heldStore struct {
	mu     sync.Mutex
	rows   map[string][]byte
	keys   []string // of rows, sorted
	held   bool
	queue  []*heldCommit
	fail   error // of the next commits
	refuse error // of the next batches
}

type heldCommit struct {
	done chan struct{}
	err  error
}

func (c *heldCommit) Wait() error {
	<-c.done
	return c.err
}

func newHeldStore() *heldStore { return &heldStore{rows: map[string][]byte{}} }

func (s *heldStore) Get(_, key []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rows[string(key)], nil
}

func (s *heldStore) Apply(ws []object.Write) (object.Commit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		return nil, s.refuse
	}
	for _, w := range ws {
		k := string(w.Key)
		i, ok := slices.BinarySearch(s.keys, k)
		switch {
		case w.Row == nil && ok:
			delete(s.rows, k)
			s.keys = slices.Delete(s.keys, i, i+1)
		case w.Row != nil && !ok:
			s.keys = slices.Insert(s.keys, i, k)
		}
		if w.Row != nil {
			s.rows[k] = bytes.Clone(w.Row)
		}
	}
	c := &heldCommit{done: make(chan struct{}), err: s.fail}
	if s.held {
		s.queue = append(s.queue, c)
	} else {
		close(c.done)
	}
	return c, nil
}

func (s *heldStore) ApplyFreeing(ws []object.Write) (object.Commit, error) { return s.Apply(ws) }

func (s *heldStore) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.queue {
		close(c.done)
	}
	s.queue = nil
}

func (s *heldStore) Scan(lo, hi []byte, fn func(key, row []byte) bool) error {
	s.mu.Lock()
	from, _ := slices.BinarySearch(s.keys, string(lo))
	to, _ := slices.BinarySearch(s.keys, string(hi))
	keys := slices.Clone(s.keys[from:to])
	rows := make([][]byte, len(keys))
	for i, k := range keys {
		rows[i] = s.rows[k]
	}
	s.mu.Unlock()
	for i, k := range keys {
		if !fn([]byte(k), rows[i]) {
			return nil
		}
	}
	return nil
}

func (s *heldStore) DropRange(lo, hi []byte, ws []object.Write) (object.Commit, error) {
	s.mu.Lock()
	in := func(k string) bool { return k >= string(lo) && k < string(hi) }
	maps.DeleteFunc(s.rows, func(k string, _ []byte) bool { return in(k) })
	s.keys = slices.DeleteFunc(s.keys, in)
	s.mu.Unlock()
	return s.Apply(ws)
}

func (s *heldStore) ExpiredCandidates(before int64, after []byte, limit int) (keys [][]byte, next []byte, err error) {
	err = s.Scan(after, []byte{object.SpaceData + 1}, func(key, row []byte) bool {
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

func (s *heldStore) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.rows)
}

var errBroken = errors.New("disk broke")
