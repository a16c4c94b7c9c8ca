package server

import (
	"cmp"
	"context"
	"slices"
	"sync"
)

// sessionSet holds the connections that are open.
type sessionSet struct {
	mu     sync.Mutex
	byID   map[int64]*session
	lastID int64
	idle   chan struct{} // closed when the set runs empty; nil when nobody waits
}

// add gives the session its id and keeps it, unless limit others are there.
func (t *sessionSet) add(s *session, limit int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.byID) >= limit {
		return false
	}
	if t.byID == nil {
		t.byID = make(map[int64]*session)
	}
	t.lastID++
	s.id = t.lastID
	t.byID[s.id] = s
	return true
}

func (t *sessionSet) remove(s *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.byID, s.id)
	if len(t.byID) == 0 && t.idle != nil {
		close(t.idle)
		t.idle = nil
	}
}

// count is how many connections are open.
func (t *sessionSet) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.byID)
}

// all are the open connections, oldest first.
func (t *sessionSet) all() []*session {
	t.mu.Lock()
	list := make([]*session, 0, len(t.byID))
	for _, s := range t.byID {
		list = append(list, s)
	}
	t.mu.Unlock()
	slices.SortFunc(list, func(a, b *session) int { return cmp.Compare(a.id, b.id) })
	return list
}

// each calls fn for every open connection, without holding the lock.
func (t *sessionSet) each(fn func(*session)) {
	for _, s := range t.all() {
		fn(s)
	}
}

// wait returns once no connection is open, or with ctx's error.
func (t *sessionSet) wait(ctx context.Context) error {
	t.mu.Lock()
	if len(t.byID) == 0 {
		t.mu.Unlock()
		return nil
	}
	if t.idle == nil {
		t.idle = make(chan struct{})
	}
	idle := t.idle
	t.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
