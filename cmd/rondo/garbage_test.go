package main

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestGCPercent(t *testing.T) {
	for _, c := range []struct {
		live uint64
		want int
	}{{0, 400}, {20 << 20, 400}, {32 << 20, 400}, {64 << 20, 200}, {100 << 20, 125}, {128 << 20, 100}, {4 << 30, 100}} {
		if got := gcPercent(c.live); got != c.want {
			t.Errorf("%d MiB alive: %d %%, want %d", c.live>>20, got, c.want)
		}
	}
}

// Collections that find much alive, and little again, change the pace.
func TestPaceGC(t *testing.T) {
	before := debug.SetGCPercent(ordinaryGC)
	defer debug.SetGCPercent(before)
	paceGC()
	await := func(want int) {
		t.Helper()
		for range 1000 {
			runtime.GC()
			got := debug.SetGCPercent(ordinaryGC)
			debug.SetGCPercent(got)
			if got == want {
				return
			}
		}
		t.Fatalf("the pace never became %d %%", want)
	}
	held := make([]byte, 2*spareHeap)
	await(ordinaryGC)
	runtime.KeepAlive(held)
	held = nil
	await(relaxedGC)
}
