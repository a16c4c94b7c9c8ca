package cluster

import (
	"context"
	"runtime"
	"sync"
)

// settlers wait for the disk where nobody else may: whoever holds a connection has a deadline to keep, and the goroutine that ticks
// has all deadlines to keep. Each has the partitions of every so many numbers. What waits is bounded by the number of partitions, for
// of each only the latest batch is waited for: a store makes them durable in order.
type settlers []settler

type settler struct {
	wake chan struct{} // something waits

	mu      sync.Mutex
	latest  []stored // by partition; batch 0: none
	waiting []int    // which of latest
}

// newSettlers makes those for so many partitions, one a processor: a batch that became durable takes a step of its partition's core.
func newSettlers(partitions int) settlers {
	s := make(settlers, min(runtime.GOMAXPROCS(0), partitions))
	for i := range s {
		s[i] = settler{wake: make(chan struct{}, 1), latest: make([]stored, (partitions+len(s)-1)/len(s))}
	}
	return s
}

// hand leaves batches to be waited for. It does not wait.
func (s settlers) hand(batches []stored) {
	for _, b := range batches {
		s[b.part.number%len(s)].take(b.part.number/len(s), b)
	}
}

func (s *settler) take(at int, b stored) {
	s.mu.Lock()
	if s.latest[at].batch == 0 {
		s.waiting = append(s.waiting, at)
	}
	if b.batch > s.latest[at].batch {
		s.latest[at] = b
	}
	s.mu.Unlock()
	poke(s.wake)
}

// next moves all that waits to batches.
func (s *settler) next(batches []stored) []stored {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, at := range s.waiting {
		batches = append(batches, s.latest[at])
		s.latest[at] = stored{}
	}
	s.waiting = s.waiting[:0]
	return batches
}

// settles is the goroutine of a settler.
func (n *Node) settles(ctx context.Context, s *settler) {
	var batches []stored
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		}
		for batches = s.next(batches[:0]); len(batches) > 0; batches = s.next(batches[:0]) {
			n.settle(batches, "what was written is not durable")
			clear(batches)
		}
	}
}
