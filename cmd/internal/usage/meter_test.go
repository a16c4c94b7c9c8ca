package usage

import (
	"testing"
	"time"

	"github.com/rondokv/rondo/cluster"
)

func TestUsageWindow(t *testing.T) {
	u := &Meter{}
	at := time.Unix(1000, 0)
	busy := time.Duration(0)
	for i := range 2 * samples {
		step := time.Second // a twentieth of two cores
		if i == samples+5 {
			step = 10 * time.Second // a half
		}
		busy += step
		at = at.Add(sampleEvery)
		u.add(sample{at: at, busy: busy, done: uint64(100 * i), overloaded: uint64(i)}, uint64(i))
	}
	out := cluster.Usage{Cores: 2}
	window(&out, u.past)
	want := cluster.Usage{Cores: 2, WindowMillis: samples * 10_000, BusyMille: 65, PeakMille: 500, Operations: 100 * samples, Overloaded: samples}
	if out != want || len(u.past) != samples+1 || u.keys != 2*samples-1 {
		t.Errorf("%+v of %d samples, want %+v", out, len(u.past), want)
	}
	out = cluster.Usage{}
	if window(&out, u.past[:1]); out != (cluster.Usage{}) {
		t.Errorf("of one sample: %+v", out)
	}
}
