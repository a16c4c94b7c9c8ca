package bench

import (
	"context"
	"sync/atomic"
	"time"
)

// dueQueue bounds the starts that wait for a free worker. When it is full the
// dispatcher waits; the starts it hands out later are still the intended ones.
const dueQueue = 1024

// coarseSleep is how near to a start the dispatcher leaves the runtime's
// timers, which ctx can interrupt, for the precise sleep, which it cannot.
const coarseSleep = 5 * time.Millisecond

// schedule hands out pipelines to workers: how many commands, and from when
// their latency counts.
type schedule struct {
	pipeline int64
	total    int64          // commands of the run; 0 = unbounded
	taken    atomic.Int64   // commands asked for by workers, may pass total
	interval time.Duration  // between intended starts; 0 = closed loop
	due      chan time.Time // intended starts, in order; nil = closed loop
}

func newSchedule(o Options) *schedule {
	s := &schedule{pipeline: int64(o.Pipeline), total: o.Requests}
	if o.Rate > 0 {
		s.interval = max(time.Duration(float64(time.Second)*float64(o.Pipeline)/o.Rate), 1)
		s.due = make(chan time.Time, dueQueue)
	}
	return s
}

// next blocks until a pipeline may start. ok is false when the run is over.
func (s *schedule) next(ctx context.Context) (n int, from time.Time, ok bool) {
	if ctx.Err() != nil {
		return 0, from, false
	}
	if s.due != nil {
		select {
		case from, ok = <-s.due:
			if !ok {
				return 0, from, false
			}
		case <-ctx.Done():
			return 0, from, false
		}
	}
	take := s.pipeline
	taken := s.taken.Add(take)
	if s.total > 0 {
		if take = min(take, s.total-taken+take); take <= 0 {
			return 0, from, false
		}
	}
	if s.due == nil {
		from = time.Now()
	}
	return int(take), from, true
}

// dispatch queues every intended start at its time, start i at begin +
// i*interval, then closes the queue.
func (s *schedule) dispatch(ctx context.Context, begin time.Time) {
	defer close(s.due)
	for i := int64(0); s.total == 0 || i*s.pipeline < s.total; i++ {
		at := begin.Add(time.Duration(i) * s.interval)
		if d := time.Until(at); d > coarseSleep {
			t := time.NewTimer(d - coarseSleep)
			select {
			case <-t.C:
			case <-ctx.Done():
				t.Stop()
				return
			}
		}
		sleepUntil(at)
		select {
		case s.due <- at:
		case <-ctx.Done():
			return
		}
	}
}

// unsent is how many commands were due in the first span of the run and not
// taken by a worker. REQUIRES: the workers have ended.
func (s *schedule) unsent(span time.Duration) int64 {
	if s.due == nil {
		return 0
	}
	due := (int64(span/s.interval) + 1) * s.pipeline
	if s.total > 0 {
		due = min(due, s.total)
	}
	// One pipeline either way is the rounding of the run's last instant.
	if left := due - s.taken.Load(); left > s.pipeline {
		return left
	}
	return 0
}
