package usage

import (
	"runtime"
	"time"
)

// loadEvery is over how long the load is averaged.
const loadEvery = 10 * time.Second

// Load measures which share of the processors this process uses.
type Load struct {
	at   time.Time
	used time.Duration
}

// Read returns the load since the last time in thousandths, false when too little time has gone by or the system does not tell.
func (l *Load) Read(now time.Time) (uint32, bool) {
	if !l.at.IsZero() && now.Sub(l.at) < loadEvery {
		return 0, false
	}
	used, known := processorTime()
	if !known {
		return 0, false
	}
	last := *l
	*l = Load{now, used}
	if last.at.IsZero() {
		return 0, false
	}
	share := 1000 * float64(used-last.used) / float64(now.Sub(last.at)) / float64(runtime.GOMAXPROCS(0))
	return uint32(min(max(share, 0), 1000)), true
}
