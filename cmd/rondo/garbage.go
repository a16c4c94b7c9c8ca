package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	// spareHeap is how much garbage may lie about before it is collected, as long as that is no more than relaxedGC allows. Rows,
	// blocks and memtables are outside of the heap, so what is alive there is tens of megabytes, and collecting it at twice that
	// took a tenth of a GET. Where much is alive, such as long commands that come in, Go's own measure holds: garbage of 100 %.
	spareHeap  = 128 << 20
	relaxedGC  = 400
	ordinaryGC = 100
)

// gcPace sets the garbage collector's percentage by what each collection found alive.
type gcPace struct {
	percent int
	live    []metrics.Sample
}

// cycle is garbage from the beginning: that it is collected tells of a collection. It is too large to share a block with others.
type cycle [4]uint64

// paceGC lets garbage be collected less often while little is alive, from now on.
func paceGC() {
	g := &gcPace{live: []metrics.Sample{{Name: "/gc/heap/live:bytes"}}}
	g.adjust()
}

// adjust follows the last collection, and has itself called after the next.
func (g *gcPace) adjust() {
	metrics.Read(g.live)
	if want := gcPercent(g.live[0].Value.Uint64()); want != g.percent {
		g.percent = want
		debug.SetGCPercent(want)
	}
	runtime.AddCleanup(new(cycle), (*gcPace).adjust, g)
}

// gcPercent is the percentage for so many bytes alive, in steps of 25, since each change halts the process for some microseconds.
func gcPercent(live uint64) int {
	percent := spareHeap * 100 / max(live, 1)
	return int(min(max(percent/25*25, ordinaryGC), relaxedGC))
}
