package gossip

import "time"

// HoldDown is when and for how long a member that keeps falling counts as down although it is up: every rise and fall
// moves primaries and makes clients fetch their maps again, so a member that comes and goes does more harm than one that
// is away.
type HoldDown struct {
	Falls  int           // this many within Window begin it; 0 switches it off
	Window time.Duration // counted back from the latest fall
	First  time.Duration // the first span, doubled by every further fall within Window
	Max    time.Duration // the longest
}

// DefaultHoldDown: the third fall within 5 minutes holds for 10 s from the fall, then 20, 40, 80 and at most 120 s.
func DefaultHoldDown() HoldDown {
	return HoldDown{Falls: 3, Window: 5 * time.Minute, First: 10 * time.Second, Max: 2 * time.Minute}
}

// maxFalls bounds what is remembered of a member. More doublings than this add nothing with any sensible setting.
const maxFalls = 16

// Count is the number of falls within the window before the latest of them. Falls ascend.
func (h HoldDown) Count(falls []time.Time) int {
	n := 0
	for i := len(falls) - 1; i >= 0 && falls[len(falls)-1].Sub(falls[i]) < h.Window; i-- {
		n++
	}
	return n
}

// Until returns when a member with these falls counts again; the zero time if it is not held. Spans begin with the latest fall,
// so a member that stays away for as long is not held when it returns.
func (h HoldDown) Until(falls []time.Time) time.Time {
	n := h.Count(falls)
	if h.Falls <= 0 || n < h.Falls {
		return time.Time{}
	}
	span := min(h.First, h.Max)
	for range n - h.Falls {
		if span >= h.Max/2 {
			span = h.Max
			break
		}
		span *= 2
	}
	return falls[len(falls)-1].Add(span)
}
