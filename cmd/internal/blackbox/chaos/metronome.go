package chaos

import (
	"context"
	"sync"
	"time"
)

// Metronome knows how long this machine let everybody wait: on one that is busy a
// node may be late through no fault of its own.
type Metronome struct {
	mu    sync.Mutex
	worst time.Duration // since Begin
}

const beat = 10 * time.Millisecond

// Run beats until ctx ends.
func (m *Metronome) Run(ctx context.Context) {
	t := time.NewTicker(beat)
	defer t.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		now := time.Now()
		m.beat(now.Sub(last) - beat)
		last = now
	}
}

func (m *Metronome) beat(late time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.worst = max(m.worst, late)
}

// Begin forgets what was.
func (m *Metronome) Begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.worst = 0
}

// Late is the longest time by which a beat came late.
func (m *Metronome) Late() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.worst
}
