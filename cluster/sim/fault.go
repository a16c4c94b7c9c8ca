package sim

import (
	"fmt"
	"strings"
)

// fault is a kind of fault.
type fault uint8

// Those up to faultScheduled come and go, the others are there from the start. FaultSet has a bit for each: append only.
const (
	faultLossBurst fault = iota
	faultCut
	faultRift
	faultSplit
	faultIsolate
	faultCrash
	faultBlackout
	faultPause
	faultSlowDisk
	faultFull
	faultClockStep
	faultSuspect
	faultUsurp
	faultSnatch
	faultStray
	faultBrink
	faultAim
	faultLaggard
	faultDeaf
	faultRival
	faultOutdate
	faultHalfway
	faultShrink // this and those that follow are for staged runs alone
	faultStrand
	faultLinger
	faultScheduled
	faultLoss = faultScheduled + iota - 26
	faultRepeat
	faultTail
	faultSkew
	faultDetector
	faultChanges // of the ring: no fault, but what can be taken away as well
	faultEnd

	faultKinds = int(faultScheduled)
)

func (f fault) String() string {
	return [...]string{
		"burst", "cut", "rift", "split", "isolate", "crash", "blackout", "pause", "slowdisk", "full", "clockstep", "suspect",
		"usurp", "snatch", "stray", "brink", "aim", "laggard", "deaf", "rival", "outdate", "halfway", "shrink", "strand",
		"linger", "loss", "repeat", "tail", "skew", "detector", "changes",
	}[f]
}

// FaultSet is a set of kinds of fault.
type FaultSet uint32

func (s FaultSet) has(f fault) bool { return s>>f&1 != 0 }

// String lists the names, parted by commas.
func (s FaultSet) String() string {
	var names []string
	for f := range faultEnd {
		if s.has(f) {
			names = append(names, f.String())
		}
	}
	return strings.Join(names, ",")
}

// ParseFaults reads what String makes.
func ParseFaults(text string) (s FaultSet, err error) {
	if text == "" {
		return 0, nil
	}
next:
	for _, name := range strings.Split(text, ",") {
		for f := range faultEnd {
			if f.String() == name {
				s |= 1 << f
				continue next
			}
		}
		return 0, fmt.Errorf("no fault is called %q: %v", name, FaultSet(1<<faultEnd-1))
	}
	return s, nil
}

// faultPlan is how often a kind of fault begins, on average, and how long it lasts.
type faultPlan struct{ every, lasts Time }

func (p *plan) drawFaults(r rng, without FaultSet) {
	// A third of the runs are mild, so that long-lived mistakes are not drowned in faults.
	likely := oneOf(r, 0.15, 0.4, 0.7)
	for f := range p.faults[:faultShrink] {
		every, lasts := r.log(200*millisecond, 10*second), r.log(20*millisecond, 2*second)
		use := r.chance(likely) && fault(f) < faultUsurp // recipes are for runs that dwell on them
		if fault(f) == faultBlackout {
			use, every = use && r.chance(0.3), every*4
		}
		if use && !without.has(fault(f)) {
			p.faults[f] = faultPlan{every: every, lasts: lasts}
		}
	}
}

// scheduleFaults starts each kind's own sequence.
func (w *world) scheduleFaults() {
	for i := range w.plan.faults {
		f := fault(i)
		if fp := w.plan.faults[f]; fp.every > 0 {
			r := newRNG(w.seed, drawFault+uint64(f))
			w.after(r.around(fp.every), nil, func() { w.strike(f, r) })
		}
	}
}

// strike lets one fault of a kind happen and the next be due.
func (w *world) strike(f fault, r rng) {
	if w.phase != chaos {
		return
	}
	fp := w.plan.faults[f]
	i, j := r.IntN(len(w.nodes)), r.IntN(max(1, len(w.nodes)-1))
	if j >= i && len(w.nodes) > 1 {
		j++
	}
	mask := r.Uint64()
	lasts := r.around(fp.lasts)
	w.totals.Faults[f]++
	w.trace.line(w.now, i, onFault, [3]uint64{uint64(f), uint64(j), uint64(lasts)}, func() string { return f.String() })
	if i != j || f != faultSuspect {
		w.inflict(f, w.nodes[i], w.nodes[j], mask, lasts, r)
	}
	w.after(r.around(fp.every), nil, func() { w.strike(f, r) })
}

func (w *world) inflict(f fault, a, b *node, mask uint64, lasts Time, r rng) {
	switch f {
	case faultLossBurst:
		w.bursts++
		w.after(lasts, nil, func() { w.bursts-- })
	case faultCut:
		w.cut(lasts, func(from, to *node) bool { return from == a && to == b })
	case faultRift:
		if homes := w.homesOf(0); w.plan.emphasis == onFlips && len(homes) > 1 && r.chance(0.7) {
			a, b = homes[0], homes[1] // both write then
		}
		w.cut(lasts, func(from, to *node) bool { return from == a && to == b || from == b && to == a })
	case faultSplit:
		w.cut(lasts, func(from, to *node) bool { return mask>>from.index&1 != mask>>to.index&1 })
	case faultIsolate:
		w.cut(lasts, func(from, to *node) bool { return (from == a) != (to == a) })
	case faultCrash:
		if r.chance(0.6) {
			a.doom = &doom{r: r, until: w.now + 2*second, down: lasts, after: oneOf(r, 0, w.plan.syncMean/4, w.plan.netMean)}
			return
		}
		a.crash(r, lasts)
	case faultBlackout:
		for _, n := range w.nodes {
			n.crash(r, r.around(lasts))
		}
	case faultPause:
		a.pause(lasts)
	case faultSlowDisk:
		a.slowUntil = max(a.slowUntil, w.now+lasts)
	case faultFull:
		a.fullUntil = max(a.fullUntil, w.now+lasts)
		a.fullShare = oneOf(r, 1, 1, 0.5)
	case faultClockStep:
		step := oneOf(r, 10*millisecond, w.plan.maxDrift/4, w.plan.maxDrift)
		if w.plan.skew == 2*w.plan.maxDrift {
			step = 2 * w.plan.maxDrift
		}
		a.offset += Time(r.Int64N(int64(2*step))) - step
	case faultSuspect:
		a.suspect(b, w.now+lasts)
	case faultUsurp:
		w.usurp(r)
	case faultSnatch:
		w.snatch(r)
	case faultStray:
		w.stray(r)
	case faultBrink:
		w.brink(r)
	case faultAim:
		w.aimAt(r, lasts)
	case faultLaggard:
		w.laggard(r, lasts, 40)
	case faultDeaf:
		w.deafen(a, mask, lasts)
	case faultRival:
		w.rival(r)
	case faultOutdate:
		w.outdate(r, 40)
	case faultHalfway:
		if !w.plan.rings.staged {
			w.halfway = halfway{r: r, until: w.now + second}
		} else if !w.occupied() {
			w.halfway = halfway{r: r, until: w.now + second, early: r.chance(0.5)}
			homes, many := w.homesOf(w.quietKey(r)), oneOf(r, 1, 1, 2, 3)
			if w.halfway.early {
				many = 1 // others would have copied
			}
			w.wish(r, homes[:min(len(homes), many)]...)
			w.grant()
		}
	case faultShrink:
		w.shrink(r)
	case faultStrand:
		w.strand(r)
	case faultLinger:
		w.linger(r)
	}
}

// cut stops the links that which names, each direction by itself, for a time.
func (w *world) cut(lasts Time, which func(from, to *node) bool) {
	var links []*link
	for _, from := range w.nodes {
		for _, to := range w.nodes {
			if from != to && which(from, to) {
				l := w.link(from, to)
				l.cuts++
				links = append(links, l)
			}
		}
	}
	w.after(lasts, nil, func() {
		for _, l := range links {
			l.cuts--
		}
	})
}
