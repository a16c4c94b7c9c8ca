package server

import (
	"sync"
	"time"
)

// rateInterval is how often the figures behind the per-second lines of INFO are
// taken.
const rateInterval = time.Second

// rates turns running totals into figures per second over the last interval.
type rates struct {
	mu      sync.Mutex
	at      int64 // srv.nanos of the last sample
	last    rateTotals
	current rateFigures
}

type rateTotals struct{ commands, bytesIn, bytesOut int64 }

// rateFigures are per second.
type rateFigures struct{ commands, bytesIn, bytesOut float64 }

// sample takes the totals of the moment now, in nanoseconds.
func (r *rates) sample(now int64, t rateTotals) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d := now - r.at; d > 0 {
		perSecond := float64(time.Second) / float64(d)
		// A counter that was reset meanwhile would give a negative rate.
		r.current = rateFigures{
			commands: float64(max(t.commands-r.last.commands, 0)) * perSecond,
			bytesIn:  float64(max(t.bytesIn-r.last.bytesIn, 0)) * perSecond,
			bytesOut: float64(max(t.bytesOut-r.last.bytesOut, 0)) * perSecond,
		}
	}
	r.at, r.last = now, t
}

func (r *rates) figures() rateFigures {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.current
}

// sampleRates runs from Start until the server closes.
func (s *Server) sampleRates() {
	tick := time.NewTicker(rateInterval)
	defer tick.Stop()
	for {
		select {
		case <-s.closed:
			return
		case <-tick.C:
			in, out := s.netBytes()
			s.admin.rates.sample(s.nanos(), rateTotals{s.totals.commands.Load(), in, out})
			s.admin.memory() // keeps the peak
		}
	}
}
