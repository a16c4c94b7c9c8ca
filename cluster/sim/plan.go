package sim

import (
	"fmt"
	"strconv"

	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/engine/object"
)

// class is what a key is used for.
type class uint8

const (
	classText class = iota
	classCounter
	classHash
	classSiblings
)

func (c class) String() string { return [...]string{"text", "counter", "hash", "siblings"}[c] }

// fields is how many elements the keys of class hash use.
const fields = 4

// keyPlan is one key of a run.
type keyPlan struct {
	class  class
	name   []byte
	slot   object.Slot
	resets bool // a counter that is also set and deleted
	expire bool // operations with expiries are among those on the key
	brief  bool // many of them, and short ones
	down   bool // a counter from which is also taken away
}

func (k *keyPlan) ref() object.KeyRef { return object.KeyRef{Name: k.name} }

// plan is everything about a run that is drawn before it begins.
type plan struct {
	profile  Profile
	emphasis emphasis
	members  []ring.Node // that found the cluster
	spares   []ring.Node // that may come later
	replicas int
	slots    int // a partition

	keys       []keyPlan
	clients    int
	ops        int
	levels     []quorum.Choice // drawn from, with weights
	weights    []int
	sameLevels bool // reads and writes of one operation at one level
	grid       Time // clients act at multiples of it, so that things happen at one instant
	think      Time
	deadline   Time
	hurried    float64 // share of operations with a very short deadline
	multi      float64 // share of operations on several keys
	retry      float64
	slides     bool    // clients turn from one key to the next
	flush      float64 // share of operations that flush the database
	blind      bool    // most writes do not look
	padded     bool    // some values are large enough to be packed

	codec    bool // messages cross the network as bytes
	frozen   bool // check that messages stay as they were sent
	copyRows bool // Host.Get copies
	release  bool // the driver calls Partition.Release

	netMin, netMean Time
	loss, repeat    float64
	tail            float64 // share of messages that are late
	tailMean        Time
	syncMean        Time

	maxDrift Time
	skew     Time // clocks begin within it
	rate     int  // parts per million that clocks run fast or slow, at most
	detect   Time // the fastest failure detector's interval

	rings ringPlan

	limits    dynamo.Limits
	hintBytes int // of hints that a node takes; 0: any number
	faults    [faultKinds]faultPlan
}

func drawPlanOf(seed uint64, c Config) *plan {
	r := newRNG(seed, drawPlan)
	p := &plan{profile: c.Profile}
	// Drawn whether it is used or not, as everything here: a config takes away, it changes nothing else.
	drawn := []Profile{ProfileChaos, ProfileStable, ProfileCalm}[r.pick([]int{82, 15, 3})]
	if p.profile == ProfileDrawn {
		p.profile = drawn
	}
	p.emphasis = emphasis(r.pick([]int{12, 12, 10, 30, 8, 18, 38, 46}))
	if p.profile != ProfileChaos {
		p.emphasis = onNothing
	}
	p.drawRing(r)
	rings := newRNG(seed, drawRings)
	p.drawRings(rings, c.Without)
	p.drawKeys(r)
	p.drawLevels(r)
	p.drawLoad(r)
	p.drawEdges(r)
	p.drawClocks(r)
	p.drawLimits(r)
	p.drawBounds(newRNG(seed, drawBounds))
	f := newRNG(seed, drawFault-1)
	p.drawFaults(f, c.Without)
	p.emphasize(f, c.Without)
	p.paceRings(rings, c.Without)
	p.stage(newRNG(seed, drawStaged), c.Without)
	p.restrict(c)
	return p
}

func (p *plan) drawRing(r rng) {
	p.replicas = oneOf(r, 3, 3, 3, 3, 3, 3, 1, 2, 5, 4)
	n := r.between(3, 9)
	if r.chance(0.5) {
		n = r.between(3, 5) // so that nodes meet
	}
	if p.emphasis == onTies || p.emphasis == onFlips {
		n = r.between(3, 4)
	}
	if p.emphasis == onUsurp {
		n = r.between(5, 6)
	}
	if alone := r.chance(0.04); alone && p.emphasis == onNothing {
		n = 1
	}
	switch p.emphasis {
	case onHints:
		p.replicas = oneOf(r, 1, 1, 1, 2, 3, 3)
	case onFlips, onTies, onUsurp:
		p.replicas = oneOf(r, 3, 3, 3, 5)
	}
	p.slots = oneOf(r, 1024, 4096, 16384)
	if p.emphasis == onHints {
		p.slots = 1024 // nodes that hold nothing are nobody's fallbacks
	}
	racks, dcs := 0, 0
	switch r.IntN(6) {
	case 0:
		racks = r.between(2, 4)
	case 1:
		dcs = 2
	}
	for i := range n {
		m := ring.Node{ID: ring.NodeID(r.Uint64() | 1), Weight: 1}
		if racks > 0 {
			m.Rack = "r" + strconv.Itoa(i%racks)
		}
		if dcs > 0 {
			m.DC = "d" + strconv.Itoa(i%dcs)
		}
		p.members = append(p.members, m)
	}
}

func (p *plan) drawKeys(r rng) {
	slots := make([]object.Slot, r.between(1, 2))
	for i := range slots {
		slots[i] = object.Slot(r.IntN(object.SlotCount))
	}
	weights, most := []int{40, 20, 25, 15}, r.between(2, 6)
	switch p.emphasis {
	case onHints:
		// What is lost on its way home is soon written over: many keys, so that some are not.
		most, p.slides = r.between(8, 30), true
	case onFlips:
		weights = []int{40, 40, 15, 15}
	case onUsurp:
		weights = []int{70, 0, 30, 0}
	case onMoves:
		most = r.between(2, 12)
	case onExpiry:
		weights, most = []int{40, 25, 35, 0}, r.between(1, 3)
	}
	for i := range most {
		k := keyPlan{class: class(r.pick(weights)), slot: slots[r.IntN(len(slots))]}
		k.name = []byte(k.class.String() + strconv.Itoa(i))
		k.resets, k.expire, k.down = r.chance(0.5), r.chance(0.4), r.chance(0.5)
		p.keys = append(p.keys, k)
	}
}

func (p *plan) drawLevels(r rng) {
	type weighted struct {
		c quorum.Choice
		w int
	}
	all := []weighted{
		{quorum.Choice{Level: quorum.Quorum}, 10}, {quorum.Choice{Level: quorum.One}, 3}, {quorum.Choice{Level: quorum.All}, 2},
		{quorum.Choice{Level: quorum.Two}, 2}, {quorum.Choice{Level: quorum.Any}, 2}, {quorum.Choice{Level: quorum.Three}, 1},
		{quorum.Choice{Level: quorum.Quorum, Sloppy: true}, 2}, {quorum.Choice{Level: quorum.One, Sloppy: true}, 1},
	}
	if p.members[0].DC != "" {
		all = append(all, weighted{quorum.Choice{Level: quorum.LocalQuorum}, 4}, weighted{quorum.Choice{Level: quorum.EachQuorum}, 12},
			weighted{quorum.Choice{Level: quorum.LocalOne}, 1})
	}
	mode := r.IntN(3)
	p.sameLevels = r.chance(0.3)
	for i, l := range all {
		w := l.w * r.IntN(3)
		if i == 0 {
			w = 10
		} else if int(l.c.Level) > p.replicas && l.c.Level < quorum.Any && r.chance(0.9) {
			w = 0 // it would only be refused
		} else if mode == 0 {
			w = 0 // all at QUORUM
		} else if mode == 1 {
			w /= 2
		}
		p.levels, p.weights = append(p.levels, l.c), append(p.weights, w)
	}
}

func (p *plan) drawLoad(r rng) {
	p.clients = r.between(2, 8)
	p.ops = p.emphasis.longer() * r.between(200, 1200)
	p.think = r.log(100*microsecond, 50*millisecond)
	p.grid = oneOf(r, 1, 1, millisecond, 10*millisecond, 50*millisecond)
	p.deadline = oneOf(r, 800*millisecond, 800*millisecond, 300*millisecond, 2*second)
	p.hurried = oneOf(r, 0, 0, 0.05, 0.2)
	p.multi = oneOf(r, 0, 0.1, 0.2)
	p.retry = oneOf(r, 0, 0.5, 1)
	p.padded = r.chance(0.05)
	p.flush = oneOf(r, 0, 0, 0.01, 0.02)
}

func (p *plan) drawEdges(r rng) {
	p.codec = r.chance(0.4)
	p.frozen = r.chance(0.2)
	p.copyRows = r.chance(0.5)
	p.release = r.chance(0.3)
	p.netMin = r.log(20*microsecond, 5*millisecond)
	p.netMean = r.log(50*microsecond, 20*millisecond)
	p.loss = oneOf(r, 0, 0, 0.002, 0.01, 0.05)
	p.repeat = oneOf(r, 0, 0, 0.01, 0.1)
	p.tail = oneOf(r, 0, 0, 0.01, 0.05)
	p.tailMean = r.log(20*millisecond, second)
	p.syncMean = r.log(50*microsecond, 20*millisecond)
}

func (p *plan) drawClocks(r rng) {
	p.maxDrift = oneOf(r, 5*second, 5*second, second)
	p.skew = oneOf(r, 0, 0, 5*millisecond, 100*millisecond, second/2, p.maxDrift*9/10, 2*p.maxDrift)
	p.rate = oneOf(r, 0, 0, 100, 10000)
	p.detect = r.log(50*millisecond, second)
}

func (p *plan) drawLimits(r rng) {
	p.limits = dynamo.Limits{
		InFlight: oneOf(r, 0, 0, 0, 3), Speculate: oneOf(r, 0, millisecond, 50*millisecond), RepairOneIn: oneOf(r, 0, 1, 4),
		HintTimeout: oneOf(r, 0, 50*millisecond), ReplayTimeout: oneOf(r, 0, 100*millisecond), ReplayRows: oneOf(r, 0, 1, 2),
		Reissues: oneOf(r, 0, 0, 0, 1),
	}
}

func (p *plan) drawBounds(r rng) {
	p.hintBytes = oneOf(r, 0, 0, 0, 1000, 10000)
	p.limits.HintWindow = oneOf(r, 0, 0, 0, second/2, 5*second)
}

// restrict takes away what the profile and the config do not allow.
func (p *plan) restrict(c Config) {
	if c.Ops > 0 {
		p.ops = min(p.ops, c.Ops)
	}
	if c.Clients > 0 {
		p.clients = min(p.clients, c.Clients)
	}
	off := func(f fault) bool { return c.Without.has(f) || p.profile == ProfileCalm }
	if off(faultLoss) {
		p.loss = 0
	}
	if off(faultRepeat) {
		p.repeat = 0
	}
	if off(faultTail) {
		p.tail = 0
	}
	if off(faultSkew) {
		p.skew, p.rate = 0, 0
	}
	if p.profile == ProfileChaos {
		return
	}
	p.hurried = 0
	p.limits.InFlight = 0
	for f := range p.faults {
		if f != int(faultSlowDisk) && f != int(faultLossBurst) || p.profile == ProfileCalm {
			p.faults[f] = faultPlan{}
		}
	}
	// One Redis: everybody sees the primary's word, as far as QUORUM goes, and time does not decide.
	p.skew = min(p.skew, p.maxDrift/2)
	p.rate = min(p.rate, 100)
	for i := range p.keys {
		p.keys[i].expire = false
	}
	p.levels, p.weights = []quorum.Choice{{Level: quorum.Quorum}, {Level: quorum.All}}, []int{9, 1}
	if p.profile == ProfileCalm {
		p.skew, p.rate, p.deadline = 0, 0, 2*second
		p.syncMean = min(p.syncMean, 5*millisecond)
	}
}

func (p *plan) String() string {
	text := fmt.Sprintf("%v%v: %d nodes, N=%d, %d slots a partition, %d clients, %d operations, think %v ms, grid %v us, keys",
		p.profile, p.emphasis, len(p.members), p.replicas, p.slots, p.clients, p.ops, p.think/millisecond, p.grid/microsecond)
	for i := range p.keys {
		text += fmt.Sprintf(" %s@%d", p.keys[i].name, p.keys[i].slot)
	}
	text += fmt.Sprintf("; net %d+%d us, loss %g, repeat %g, tail %g of %d ms, sync %d us, skew %d ms of %d, codec %t",
		p.netMin/microsecond, p.netMean/microsecond, p.loss, p.repeat, p.tail, p.tailMean/millisecond, p.syncMean/microsecond,
		p.skew/millisecond, p.maxDrift/millisecond, p.codec)
	text += p.rings.String() + ", faults"
	for f := range p.faults {
		if p.faults[f].every > 0 {
			text += fmt.Sprintf(" %v/%dms", fault(f), p.faults[f].every/millisecond)
		}
	}
	return text
}
