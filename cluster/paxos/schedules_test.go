package paxos

import (
	"flag"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

var (
	schedules = flag.Int("schedules", 3000, "how many random schedules to play")
	firstSeed = flag.Uint64("seed", 1, "the seed of the first")
)

// playAll plays schedules on all processors.
func playAll(t *testing.T, count int, s sabotage) (all counts, faults map[uint64]string) {
	var next atomic.Uint64
	var mu sync.Mutex
	var group sync.WaitGroup
	faults = map[uint64]string{}
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			var mine counts
			for {
				i := next.Add(1) - 1
				if i >= uint64(count) {
					break
				}
				w := play(*firstSeed+i, s)
				mine.add(w.counts)
				if w.fault != "" {
					mu.Lock()
					faults[*firstSeed+i] = w.fault
					mu.Unlock()
				}
			}
			mu.Lock()
			all.add(mine)
			mu.Unlock()
		})
	}
	group.Wait()
	return all, faults
}

// TestSchedules: one body an epoch, whatever the network and the crashes do, and an end to it once they stop.
//
//	go test ./cluster/paxos -run 'TestSchedules$' -v -schedules 100000
func TestSchedules(t *testing.T) {
	n := *schedules
	if testing.Short() {
		n = min(n, 500)
	}
	all, faults := playAll(t, n, sabotage{})
	t.Log(all)
	shown := 0
	for seed, fault := range faults {
		if shown++; shown <= 5 {
			t.Errorf("-schedules 1 -seed %d: %s", seed, fault)
		}
	}
	if len(faults) > 0 {
		t.Errorf("%d of %d schedules failed", len(faults), n)
	}
}
