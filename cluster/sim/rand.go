package sim

import "math/rand/v2"

// rng draws for one concern.
type rng struct{ *rand.Rand }

// The concerns that draw, each from its own generator. Clients, nodes and faults come above the last, numbered.
const (
	drawPlan uint64 = iota + 1
	drawNetwork
	drawDisk
	drawEnd
	_ // drawEnd+1 is the finale's
	drawBounds
	drawRings  // what a ring's changes are
	drawOrders // when and which
	drawStaged // whether recipes have them for themselves
	drawClient = 1 << 8
	drawNode   = 1 << 16
	drawFault  = 1 << 24
)

func newRNG(seed, concern uint64) rng {
	return rng{rand.New(rand.NewPCG(seed, concern*0x9e3779b97f4a7c15+1))}
}

// chance is true with probability p.
func (r rng) chance(p float64) bool { return p > 0 && r.Float64() < p }

// between draws from lo to hi, both included.
func (r rng) between(lo, hi int) int { return lo + r.IntN(hi-lo+1) }

// around draws a time of that mean, from a quarter to seven quarters of it. (No logarithm: it would differ between machines.)
func (r rng) around(mean Time) Time {
	if mean <= 0 {
		return 0
	}
	return mean/4 + Time(r.Int64N(int64(mean)*3/2+1))
}

// log draws from lo to hi so that each doubling is as likely as the next.
func (r rng) log(lo, hi Time) Time {
	steps := 0
	for x := lo; x < hi; x *= 2 {
		steps++
	}
	x := lo << r.IntN(steps+1)
	return min(hi, x+Time(r.Int64N(int64(x)+1)))
}

// pick draws an index by weight.
func (r rng) pick(weights []int) int {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	x := r.IntN(sum)
	for i, w := range weights {
		if x < w {
			return i
		}
		x -= w
	}
	return len(weights) - 1
}

// oneOf draws one of the values.
func oneOf[T any](r rng, values ...T) T { return values[r.IntN(len(values))] }
