package sim

// emphasis is what a run dwells on, so that what takes several things at once happens often enough.
type emphasis uint8

const (
	onNothing emphasis = iota
	onFlips            // two nodes take themselves for the primary, messages are lost, clocks are far ahead of the time
	onCrashes          // nodes crash with much that is not synced
	onHints            // nodes are away, and levels low
	onTies             // two primaries at one instant
	onExpiry           // keys with short lives
	onUsurp            // many hidden writes at one primary
	onMoves            // the ring changes all the time
)

func (e emphasis) String() string {
	return [...]string{"", " on flips", " on crashes", " on hints", " on ties", " on expiry", " on usurpers", " on moves"}[e]
}

// longer is how many times as long as others such a run is. What it dwells on may still be rare, for it comes of several things in one
// moment. Where only the end of a run shows a mistake, as with hints that are lost, many runs find more than long ones, for what
// is lost is written over; and runs on moves are made of staged recipes.
func (e emphasis) longer() int {
	switch e {
	case onExpiry, onFlips:
		return 4
	case onNothing, onUsurp:
		return 2
	}
	return 1
}

// emphasize changes the plan toward one thing.
func (p *plan) emphasize(r rng, without FaultSet) {
	often := func(f fault, every, lasts Time) {
		if fp := (faultPlan{every: r.around(every), lasts: r.around(lasts)}); !without.has(f) {
			p.faults[f] = fp
		}
	}
	if p.emphasis != onNothing {
		for f := range p.faults[:faultShrink] {
			if !r.chance(0.3) || p.emphasis == onUsurp && !r.chance(0.3) {
				p.faults[f] = faultPlan{} // the others only now and then
			}
		}
	}
	switch p.emphasis {
	case onFlips:
		p.flips(r, often)
	case onUsurp:
		p.usurp(r)
		often(faultUsurp, 600*millisecond, 0)
	case onMoves:
		p.moves(r, often)
	case onCrashes:
		p.syncMean = r.log(5*millisecond, 100*millisecond)
		p.loss = oneOf(r, 0, 0, 0.02) // so that not everybody has it
		if r.chance(0.8) {
			p.syncMean, p.netMean, p.tail = r.log(50*microsecond, millisecond), r.log(100*microsecond, 2*millisecond), 0
			p.limits.InFlight = 0
			often(faultSnatch, 150*millisecond, 0)
		}
		often(faultBlackout, 4*second, 100*millisecond)
		if r.chance(0.6) {
			often(faultFull, second, 500*millisecond)
		}
		often(faultCrash, 700*millisecond, 200*millisecond)
	case onHints:
		p.loss = oneOf(r, 0.01, 0.1, 0.2)
		p.limits.ReplayRows = oneOf(r, 1, 2, 0)
		p.limits.HintWindow = oneOf(r, p.limits.HintWindow, second/2)
		p.multi, p.blind = 0, true
		if r.chance(0.5) {
			often(faultCrash, 2*second, 2*second)
		}
		often(faultIsolate, 2*second, second)
		often(faultStray, 250*millisecond, 0)
		often(faultSuspect, 200*millisecond, 200*millisecond)
		p.netMean = r.log(millisecond, 30*millisecond)
		p.weights[0] = 3
		p.weights[4] += 10
		p.weights[6] += 10
		p.detect = r.log(20*millisecond, 100*millisecond)
	case onTies:
		p.skew, p.rate = 0, 0
		p.blind = r.chance(0.7)
		p.clients = r.between(4, 8)
		p.grid = 10 * millisecond
		p.think = 5 * millisecond
		p.keys = p.keys[:1]
		p.netMin, p.netMean = 200*microsecond, 200*microsecond
		often(faultSuspect, 250*millisecond, 200*millisecond)
	case onExpiry:
		for i := range p.keys {
			p.keys[i].expire, p.keys[i].brief = true, true
		}
		often(faultSuspect, second, 500*millisecond)
		often(faultLossBurst, second, 200*millisecond)
		often(faultBrink, 150*millisecond, 0)
		p.flush = 0
		p.skew, p.rate = oneOf(r, p.maxDrift*9/10, second/2, p.skew), 0
	}
}

// flips makes hidden writes likely. Two nodes do not hear each other for long, so both write, through the third; their clocks are
// far apart; and they act seldom, or at one instant, so that neither has heard of the other's last write.
func (p *plan) flips(r rng, often func(f fault, every, lasts Time)) {
	p.skew = oneOf(r, p.maxDrift*9/10, p.maxDrift*9/10, p.skew)
	p.rate = 0
	p.blind = r.chance(0.8)
	p.keys = p.keys[:min(len(p.keys), oneOf(r, 1, 1, 2))]
	for i := range p.keys {
		p.keys[i].resets = true
	}
	p.clients = r.between(4, 8)
	p.think = r.log(10*millisecond, 100*millisecond)
	p.grid = oneOf(r, 1, 20*millisecond, 50*millisecond)
	p.loss = oneOf(r, 0, 0, 0.02)
	p.netMin, p.netMean = 50*microsecond, r.log(500*microsecond, 5*millisecond)
	p.syncMean = r.log(50*microsecond, millisecond)
	p.detect = 20 * millisecond
	p.levels, p.weights = p.levels[:2], []int{10, oneOf(r, 0, 3, 3)} // QUORUM, ONE
	often(faultSuspect, 3*second, 500*millisecond)
	often(faultRift, 2*second, 2*second) // who does not hear the primary takes over
	often(faultClockStep, 3*second, 0)
}

// usurp makes a run of little else but hidden writes.
func (p *plan) usurp(r rng) {
	p.skew, p.rate = p.maxDrift*9/10, 0
	p.keys = p.keys[:min(len(p.keys), r.between(1, 2))]
	for i := range p.keys {
		p.keys[i].resets, p.keys[i].expire = true, r.chance(0.3)
	}
	p.clients, p.think = r.between(1, 3), r.log(50*millisecond, 200*millisecond)
	p.ops = max(p.ops, 600)
	p.slides, p.multi, p.flush, p.hurried = false, 0, 0, 0
	p.loss, p.netMin, p.netMean = 0, 50*microsecond, r.log(2*millisecond, 16*millisecond)
	p.syncMean = r.log(50*microsecond, 2*millisecond)
	p.detect = second // nobody notices by himself
	p.levels, p.weights = p.levels[:1], []int{1}
}
