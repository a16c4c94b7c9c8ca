package usage

import (
	"math"
	"runtime"
	"sync"
	"time"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/engine"
)

const (
	sampleEvery = 10 * time.Second
	samples     = 30
	// Window is over how long load is told at most.
	Window = samples * sampleEvery
)

// sample is what a process had used, and done, by some time.
type sample struct {
	at               time.Time
	busy             time.Duration
	done, overloaded uint64
}

// Meter measures what this node uses, for who asks.
type Meter struct {
	store         *engine.Store
	machine, disk uint64 // which ones, 0 where the system does not tell

	mu   sync.Mutex
	past []sample // oldest first; at most samples+1
	keys uint64

	stop chan struct{}
	done sync.WaitGroup
}

// New makes a meter of a node with its data in dir.
func New(store *engine.Store, dir string) *Meter {
	u := &Meter{store: store, stop: make(chan struct{})}
	u.machine = machineID()
	u.disk = fileSystemID(u.machine, dir)
	return u
}

// Start measures until Close.
func (u *Meter) Start(core *cluster.Node) {
	u.done.Go(func() {
		t := time.NewTicker(sampleEvery)
		defer t.Stop()
		for {
			u.take(time.Now(), core)
			select {
			case <-u.stop:
				return
			case <-t.C:
			}
		}
	})
}

// Close ends the measuring, if there is a meter. It must be called once.
func (u *Meter) Close() {
	if u == nil {
		return
	}
	close(u.stop)
	u.done.Wait()
}

func (u *Meter) take(now time.Time, core *cluster.Node) {
	busy, _ := processorTime() // where the system does not tell, it stays 0
	s := core.Stats()
	var keys int64
	for _, db := range core.Keyspace() {
		keys += db.Keys
	}
	u.add(sample{at: now, busy: busy, done: s.Operations - min(s.Operations, s.Passed), overloaded: s.Overloaded}, uint64(max(keys, 0)))
}

func (u *Meter) add(s sample, keys uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.past) > samples {
		u.past = append(u.past[:0], u.past[1:]...)
	}
	u.past, u.keys = append(u.past, s), keys
}

// Usage is what cluster.Options.Usage wants.
func (u *Meter) Usage() cluster.Usage {
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
func window(out *cluster.Usage, past []sample) {
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
func busyMille(from, to sample, cores uint64) uint64 {
	span := to.at.Sub(from.at)
	if span <= 0 || cores == 0 {
		return 0
	}
	share := 1000 * float64(to.busy-from.busy) / float64(span) / float64(cores)
	return uint64(math.Round(min(max(share, 0), 1000)))
}
