package sim

import (
	"fmt"
	"strconv"

	"github.com/rondokv/rondo/cluster/epoch"
	"github.com/rondokv/rondo/cluster/ring"
)

// ringPlan is how a run's ring changes, and how its nodes go about it.
type ringPlan struct {
	changes bool
	staged  bool // the recipes' changes are all that there is
	every   Time // between orders of the operator
	auto    bool // plans are made by themselves
	limits  epoch.Limits
	look    Time // between gossip's news
	mute    bool // gossip names no epochs

	switches Time // between two partitions of one node that switch; 0: all at once
	pace     Time // between pieces of copies
	parks    bool // requests of newer epochs wait
	park     Time // for how long, at most
	saves    Time // of the ring's documents and of promises
	hasty    bool // only what brings the ring on: no changes of N and weights
	loses    bool // nodes are lost for good
	weak     bool // much is written at ONE
}

// drawRings draws whether the ring changes, and who founds it then.
func (p *plan) drawRings(r rng, without FaultSet) {
	g := &p.rings
	share := 0.3
	switch {
	case p.profile == ProfileCalm:
		share = 0
	case p.profile == ProfileStable:
		share = 0.4
	case p.emphasis == onMoves || p.emphasis == onNothing:
		share = 1
	}
	g.changes = r.chance(share) && !without.has(faultChanges)
	if !g.changes {
		return
	}
	founders := r.between(1, 7)
	switch {
	case p.emphasis == onMoves:
		founders = oneOf(r, 3, 3, 3, 3, 4, 5, r.between(1, 7))
		p.replicas = oneOf(r, 3, 3, 3, 3, 3, 2, 4, 5, 1)
	case p.emphasis != onNothing:
		founders = len(p.members) // what they dwell on needs so many
	}
	racked, dced := p.members[0].Rack != "", p.members[0].DC != ""
	place := func(i int) ring.Node { return drawMember(r, i, racked, dced) }
	if founders != len(p.members) {
		p.members = nil
		for i := range founders {
			p.members = append(p.members, place(i))
		}
	}
	most := 8
	if p.emphasis == onMoves {
		most = 16 // recipes want some as well
	}
	for i := range r.between(3, most) {
		p.spares = append(p.spares, place(founders+i))
	}
}

func drawMember(r rng, i int, racked, dced bool) ring.Node {
	m := ring.Node{ID: ring.NodeID(r.Uint64() | 1), Weight: 1}
	if racked {
		m.Rack = "r" + strconv.Itoa(i%3)
	}
	if dced {
		m.DC = "d" + strconv.Itoa(i%2)
	}
	if r.chance(0.1) {
		m.Weight = 2
	}
	return m
}

// paceRings draws how fast rings change. The times of a real cluster are shorter here, so that a run sees several plans.
func (p *plan) paceRings(r rng, without FaultSet) {
	g := &p.rings
	g.look, g.saves = r.log(50*millisecond, 400*millisecond), p.syncMean
	tenth := func(t Time) epoch.Time { return epoch.Time(r.log(t/4, t)) }
	g.limits = epoch.Limits{
		ReportEvery: tenth(200 * millisecond), StableFor: tenth(400 * millisecond), FetchTimeout: tenth(200 * millisecond),
		ProposeTimeout: tenth(2 * second), GiveUp: tenth(4 * second), Retry: tenth(50 * millisecond),
	}
	if !g.changes {
		g.look, g.limits = second, epoch.Limits{}
		return
	}
	g.every = r.log(50*millisecond, 2*second)
	if p.emphasis == onMoves {
		g.every = r.log(200*millisecond, 4*second) // recipes have wishes of their own
	}
	g.auto, g.mute = r.chance(0.5), r.chance(0.3)
	g.switches = oneOf(r, 0, 0, millisecond, 20*millisecond)
	g.pace = oneOf(r, 20*microsecond, 200*microsecond, 2*millisecond, 10*millisecond)
	g.parks, g.park = r.chance(0.7), oneOf(r, 20*millisecond, 200*millisecond, second)
	g.hasty, g.loses = r.chance(0.5), p.profile == ProfileChaos && r.chance(0.35)
	if p.profile != ProfileChaos {
		return
	}
	often := func(f fault, share float64, every, lasts Time) {
		fp := faultPlan{every: r.around(every), lasts: r.around(lasts)}
		if use := r.chance(share); use && !without.has(f) {
			p.faults[f] = fp
		}
	}
	share, aimed := 0.3, 0.3
	if p.emphasis == onMoves {
		share, aimed = 0.5, 0.7
	}
	often(faultAim, share, 300*millisecond, 200*millisecond)
	often(faultLaggard, aimed-0.25, 800*millisecond, 600*millisecond)
	often(faultDeaf, share, second, 500*millisecond)
	often(faultRival, share, second, 500*millisecond)
	often(faultOutdate, aimed, 400*millisecond, 0)
	often(faultHalfway, aimed, 300*millisecond, 0)
}

// stage makes a run of changes of the ring one of recipes, each of which finds a ring at rest and nothing in its way.
func (p *plan) stage(r rng, without FaultSet) {
	g := &p.rings
	g.staged = g.changes && p.emphasis == onMoves && r.chance(0.6)
	if !g.staged {
		return
	}
	p.faults = [faultKinds]faultPlan{}
	recipe := oneOf(r, faultLaggard, faultOutdate, faultOutdate, faultHalfway, faultHalfway, faultShrink, faultShrink, faultStrand, faultStrand, faultLinger)
	if !without.has(recipe) {
		p.faults[recipe] = faultPlan{every: r.around(300 * millisecond), lasts: r.around(500 * millisecond)}
	}
	g.every, g.auto, g.loses = 1000*second, false, false
	g.pace, g.switches = oneOf(r, 20*microsecond, millisecond), oneOf(r, 0, 0, millisecond)
	g.limits.ReportEvery, g.look = epoch.Time(50*millisecond), 100*millisecond
	p.deadline = 800 * millisecond
	p.clients, p.ops = r.between(2, 3), max(p.ops, 800) // some seconds of it
	p.think, p.slides, p.padded, p.flush, p.multi, p.hurried = r.log(10*millisecond, 40*millisecond), true, false, 0, 0, 0
	p.loss, p.tail = oneOf(r, 0, 0, 0.01), 0
	p.netMean, p.syncMean = r.log(100*microsecond, 2*millisecond), r.log(50*microsecond, 5*millisecond)
	p.detect, p.hintBytes, p.limits.RepairOneIn = 20*millisecond, 1, 1<<20
	switch recipe {
	case faultStrand:
		p.hintBytes, p.limits.HintWindow, p.replicas = 0, 0, oneOf(r, 1, 1, 2, 3)
	case faultLinger:
		p.hintBytes, p.limits.HintWindow, p.limits.HintTimeout = 0, 0, 0
	}
	p.skew, p.rate, g.saves = oneOf(r, 0, 5*millisecond), 0, p.syncMean
	racked, dced := p.members[0].Rack != "", p.members[0].DC != ""
	for i := len(p.members) + len(p.spares); i < 30; i++ {
		p.spares = append(p.spares, drawMember(r, i, racked, dced))
	}
}

// moves makes a run of changes of the ring: clients are slow enough to see several, most writes reach few, and little but the
// moves themselves brings what is missing to who lacks it.
func (p *plan) moves(r rng, often func(f fault, every, lasts Time)) {
	p.think = r.log(2*millisecond, 30*millisecond)
	p.ops = max(p.ops, 500)
	p.loss = oneOf(r, 0, 0, 0.02, 0.1, 0.2)
	p.netMean = r.log(100*microsecond, 5*millisecond)
	p.syncMean = r.log(50*microsecond, 20*millisecond)
	p.tail = oneOf(r, 0, 0, 0.01, 0.03)
	p.detect = r.log(20*millisecond, 200*millisecond)
	p.skew = oneOf(r, 0, 5*millisecond, 100*millisecond, second/2)
	if r.chance(0.7) {
		p.hintBytes = 1 // none
	}
	if r.chance(0.5) {
		p.limits.RepairOneIn = 1 << 20
	}
	if r.chance(0.8) {
		p.slides = true
	}
	if r.chance(0.3) {
		often(faultSuspect, 500*millisecond, 300*millisecond)
	}
	if r.chance(0.3) {
		often(faultCrash, second, 200*millisecond)
	}
	if r.chance(0.4) {
		often(faultSplit, 2*second, 500*millisecond)
	}
	if r.chance(0.4) {
		often(faultIsolate, second, 500*millisecond)
	}
}

func (g *ringPlan) String() string {
	if !g.changes {
		return ""
	}
	return fmt.Sprintf("; ring changes each %d ms, staged %t, auto %t, look %d ms, report %d ms, stable for %d ms, propose %d ms, switch %d us, pace %d us, parks %t %d ms, loses %t",
		g.every/millisecond, g.staged, g.auto, g.look/millisecond, Time(g.limits.ReportEvery)/millisecond, Time(g.limits.StableFor)/millisecond,
		Time(g.limits.ProposeTimeout)/millisecond, g.switches/microsecond, g.pace/microsecond, g.parks, g.park/millisecond, g.loses)
}
