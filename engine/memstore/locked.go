package memstore

import (
	"sync"

	"github.com/rondokv/rondo/engine/object"
)

// Locked is a Store behind a mutex, for callers with goroutines.
type Locked struct {
	mu sync.Mutex
	s  *Store
}

// WithLock returns s behind a mutex. s itself is not used any more.
func WithLock(s *Store) *Locked { return &Locked{s: s} }

// Get is Store.Get.
func (l *Locked) Get(dst, key []byte) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.s.Get(dst, key)
}

// Apply is Store.Apply.
func (l *Locked) Apply(ws []object.Write) (object.Commit, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, err := l.s.Apply(ws)
	return lockedCommit{l, c}, err
}

// ApplyFreeing is Store.Apply.
func (l *Locked) ApplyFreeing(ws []object.Write) (object.Commit, error) { return l.Apply(ws) }

// ExpiredCandidates is Store.ExpiredCandidates.
func (l *Locked) ExpiredCandidates(before int64, after []byte, limit int) (keys [][]byte, next []byte, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.s.ExpiredCandidates(before, after, limit)
}

// DropRange is Store.DropRange.
func (l *Locked) DropRange(lo, hi []byte, ws []object.Write) (object.Commit, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, err := l.s.DropRange(lo, hi, ws)
	return lockedCommit{l, c}, err
}

type lockedCommit struct {
	l *Locked
	c object.Commit
}

// Wait makes the batch durable.
func (c lockedCommit) Wait() error {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	return c.c.Wait()
}

// Scan is Store.Scan. fn runs without the mutex: it may call the store.
func (l *Locked) Scan(lo, hi []byte, fn func(key, row []byte) bool) error {
	l.mu.Lock()
	snapshot := &Store{tree: l.s.tree.Copy(), gone: l.s.gone}
	l.mu.Unlock()
	return snapshot.Scan(lo, hi, fn)
}

// Sync is Store.Sync.
func (l *Locked) Sync() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.s.Sync()
}

// Crash is Store.Crash.
func (l *Locked) Crash(keep int) *Store {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.s.Crash(keep)
}

// Close is Store.Close.
func (l *Locked) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.s.Close()
}
