package main

import (
	"math"
	"runtime"
	"sync"
	"time"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/engine"
)

const (
	// sampleEvery and samples make the window over which load is told: five minutes.
	sampleEvery = 10 * time.Second
	samples     = 30
)

// usageSample is what a process had used, and done, by some time.
type usageSample struct {
	at               time.Time
	busy             time.Duration
	done, overloaded uint64
}

// usageMeter measures what this node uses, for who asks.
type usageMeter struct {
	store         *engine.Store
	machine, disk uint64 // which ones, 0 where the system does not tell

	mu   sync.Mutex
	past []usageSample // oldest first; at most samples+1
	keys uint64

	stop chan struct{}
	done sync.WaitGroup
}

func newUsageMeter(store *engine.Store, dir string) *usageMeter {
	u := &usageMeter{store: store, stop: make(chan struct{})}
	u.machine = machineID()
	u.disk = fileSystemID(u.machine, dir)
	return u
}

// start measures until close.
func (u *usageMeter) start(core *cluster.Node) {
	u.done.Go(func() {
		t := time.NewTicker(sampleEvery)
		defer t.Stop()
		for {
			u.sample(time.Now(), core)
			select {
			case <-u.stop:
				return
			case <-t.C:
			}
		}
	})
}

// close ends the measuring, if there is a meter. It must be called once.
func (u *usageMeter) close() {
	if u == nil {
		return
	}
	close(u.stop)
	u.done.Wait()
}

func (u *usageMeter) sample(now time.Time, core *cluster.Node) {
	busy, _ := processorTime() // where the system does not tell, it stays 0
	s := core.Stats()
	var keys int64
	for _, db := range core.Keyspace() {
		keys += db.Keys
	}
	u.add(usageSample{at: now, busy: busy, done: s.Operations - min(s.Operations, s.Passed), overloaded: s.Overloaded}, uint64(max(keys, 0)))
}

func (u *usageMeter) add(s usageSample, keys uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.past) > samples {
		u.past = append(u.past[:0], u.past[1:]...)
	}
	u.past, u.keys = append(u.past, s), keys
}

// usage is what cluster.Options.Usage wants.
func (u *usageMeter) usage() cluster.Usage {
	m := u.store.Metrics()
	out := cluster.Usage{
		DiskBytes: natural(m.DiskBytes), FileSystem: u.disk,
		Machine: u.machine, MachineCores: uint64(runtime.NumCPU()), Cores: uint64(runtime.GOMAXPROCS(0)),
		DiskRefused: natural(m.Refused),
	}
	// A store without a reserve does not ask how much is free; a file system that does not tell has no end.
	if m.DiskReserve >= 0 && m.DiskFreeBytes < unknownFree {
		out.FreeBytes, out.ReserveBytes = natural(m.DiskFreeBytes), natural(m.DiskReserve)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	out.Keys = u.keys
	window(&out, u.past)
	return out
}

// unknownFree is above every disk.
const unknownFree = 1 << 60

func natural(n int64) uint64 { return uint64(max(n, 0)) }

// window adds what the samples tell. cores must be there.
func window(out *cluster.Usage, past []usageSample) {
	if len(past) < 2 {
		return
	}
	first, last := past[0], past[len(past)-1]
	out.WindowMillis = natural(last.at.Sub(first.at).Milliseconds())
	out.Operations, out.Overloaded = last.done-first.done, last.overloaded-first.overloaded
	out.BusyMille = busyMille(first, last, out.Cores)
	for i := range past[1:] {
		out.PeakMille = max(out.PeakMille, busyMille(past[i], past[i+1], out.Cores))
	}
}

// busyMille is which share of the processors was used from one sample to another, in thousandths.
func busyMille(from, to usageSample, cores uint64) uint64 {
	span := to.at.Sub(from.at)
	if span <= 0 || cores == 0 {
		return 0
	}
	share := 1000 * float64(to.busy-from.busy) / float64(span) / float64(cores)
	return uint64(math.Round(min(max(share, 0), 1000)))
}
