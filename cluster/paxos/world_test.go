package paxos

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
)

// A world plays one schedule: some nodes that decide a chain of documents, each of which names the voters of the next, over a
// network that loses, doubles, delays and reorders, with crashes that lose what was not stored and cuts. Then the faults stop
// and everybody has to learn the whole chain.
type world struct {
	rng      *rand.Rand
	now      Time
	events   events
	nodes    []*node
	plan     plan
	sabotage sabotage
	quiet    bool
	cutUntil Time
	side     []bool

	bodies   map[uint64][]byte     // epoch -> the first body that anybody knew decided
	proposed map[string]bool       // every body that somebody proposed
	ballots  map[ballotUse]usedFor // every ballot that was ever sent
	fault    string
	counts   counts
	print    uint64 // of all that happened
}

// plan is what the seed draws.
type plan struct {
	nodes, voters, proposers int
	target                   uint64 // the last epoch of the chain; the first is given
	loss, double, slow       float64
	delay, lag, sync         Time // of most packets, what the slow take longer, of a store
	crashEvery, downFor      Time
	crashSent                float64 // once messages are out the node crashes
	eager                    Time    // from the opening of a register to a proposal
	cutEvery                 Time
	retry                    Time
	faults                   Time // how long they last
}

type ballotUse struct {
	epoch  uint64
	ballot Ballot
}

type usedFor struct {
	life  int
	value string
}

// counts is what schedules did, to see that they were hard enough.
type counts struct {
	Schedules, Sent, Lost, Doubled, Slow, Cut  int
	Crashes, StatesLost, StoredUntold, Fetched int
	Ballots, Outbid, Resent, Told, Epochs      int
	OtherValue                                 int
	Settle                                     Time // the longest from the end of the faults until everybody knew all
}

func (c *counts) add(d counts) {
	c.Schedules += d.Schedules
	c.Sent += d.Sent
	c.Lost += d.Lost
	c.Doubled += d.Doubled
	c.Slow += d.Slow
	c.Cut += d.Cut
	c.Crashes += d.Crashes
	c.StatesLost += d.StatesLost
	c.StoredUntold += d.StoredUntold
	c.Fetched += d.Fetched
	c.Ballots += d.Ballots
	c.Outbid += d.Outbid
	c.Resent += d.Resent
	c.Told += d.Told
	c.Epochs += d.Epochs
	c.OtherValue += d.OtherValue
	c.Settle = max(c.Settle, d.Settle)
}

func (c counts) String() string {
	return fmt.Sprintf("%d schedules: %d messages, %d lost, %d doubled, %d slow, %d cut; %d crashes, %d states lost unstored, %d stored untold; "+
		"%d ballots, %d outbid, %d resent; %d epochs decided, told %d times, %d proposals ended with another value, %d documents fetched; "+
		"all knew all %.1f s after the faults at the latest",
		c.Schedules, c.Sent, c.Lost, c.Doubled, c.Slow, c.Cut, c.Crashes, c.StatesLost, c.StoredUntold,
		c.Ballots, c.Outbid, c.Resent, c.Epochs, c.Told, c.OtherValue, c.Fetched, float64(c.Settle)/1e9)
}

const settleBound = 60_000 * Millisecond

func drawPlan(rng *rand.Rand) plan {
	between := func(lo, hi int) int { return lo + rng.IntN(hi-lo+1) }
	ms := func(lo, hi int) Time { return Time(between(lo, hi)) * Millisecond }
	p := plan{
		voters: max(3, between(1, 7)), target: uint64(between(2, 6)),
		loss: max(0, rng.Float64()-0.5) * 0.6, double: rng.Float64() * 0.3, slow: rng.Float64() * 0.5,
		delay: ms(1, 20), lag: ms(5, 50) << rng.IntN(5), sync: ms(1, 20), crashEvery: ms(150, 4000), downFor: ms(1, 10) << rng.IntN(6),
		crashSent: rng.Float64() * 0.3, eager: ms(2, 100),
		cutEvery: ms(300, 5000), retry: ms(10, 40) << rng.IntN(4), faults: ms(500, 5000),
	}
	p.nodes = p.voters + between(0, 2)
	p.proposers = between(1, 4)
	return p
}

// play runs the schedule of a seed. The fault is "" if all went as it should.
func play(seed uint64, s sabotage) *world {
	w := &world{
		rng: rand.New(rand.NewPCG(seed, 0x9a05)), sabotage: s,
		bodies: map[uint64][]byte{}, proposed: map[string]bool{}, ballots: map[ballotUse]usedFor{},
	}
	w.plan = drawPlan(w.rng)
	w.counts.Schedules = 1
	w.side = make([]bool, w.plan.nodes)
	for i := range w.plan.nodes {
		w.nodes = append(w.nodes, &node{w: w, index: i, id: idOf(i), disk: disk{docs: map[uint64][]byte{}, states: map[uint64][]byte{}}})
	}
	for _, i := range w.rng.Perm(w.plan.nodes)[:min(w.plan.proposers, w.plan.nodes)] {
		w.nodes[i].proposer = true
	}
	genesis := document{epoch: 1, voters: w.pickVoters(w.plan.voters)}.append(nil)
	for _, n := range w.nodes {
		n.disk.docs[1] = genesis
		n.start()
		w.after(w.around(w.plan.crashEvery), event{kind: evCrash, node: n.index})
	}
	w.after(w.around(w.plan.cutEvery), event{kind: evCut})
	w.run(w.plan.faults)
	w.heal()
	w.run(w.now + settleBound)
	w.finish()
	return w
}

// run handles events until a time, a fault, or until there is nothing to wait for.
func (w *world) run(until Time) {
	for w.fault == "" && !(w.quiet && w.settled()) {
		e, ok := w.events.pop(until)
		if !ok {
			w.now = until
			return
		}
		w.now = e.at
		w.note(uint64(e.kind), uint64(e.node), uint64(e.at))
		w.handle(e)
	}
}

func (w *world) handle(e event) {
	if e.kind == evCut {
		w.cut()
		return
	}
	n := w.nodes[e.node]
	switch e.kind {
	case evCrash:
		if !w.quiet {
			n.crash()
			w.after(w.around(w.plan.crashEvery), event{kind: evCrash, node: e.node})
		}
	case evStart:
		n.start()
	case evPacket:
		n.packet(e.packet)
	default:
		if n.up && n.life == e.life {
			n.event(e.kind)
		}
	}
}

// cut parts the nodes in two for a while.
func (w *world) cut() {
	if w.quiet {
		return
	}
	for i := range w.side {
		w.side[i] = w.rng.IntN(2) == 0
	}
	w.cutUntil = w.now + w.around(500*Millisecond)
	w.after(w.around(w.plan.cutEvery), event{kind: evCut})
}

func (w *world) heal() {
	w.quiet, w.cutUntil = true, 0
	for _, n := range w.nodes {
		n.start()
	}
}

func (w *world) settled() bool {
	for _, n := range w.nodes {
		if n.known < w.plan.target {
			return false
		}
	}
	return true
}

func (w *world) finish() {
	for _, n := range w.nodes {
		n.count()
	}
	w.counts.Epochs = len(w.bodies)
	w.counts.Settle = w.now - w.plan.faults
	if w.fault == "" && !w.settled() {
		w.fail("%d s after the faults not everybody knows epoch %d", settleBound/1e9, w.plan.target)
	}
}

func (w *world) fail(format string, args ...any) {
	if w.fault == "" {
		w.fault = fmt.Sprintf(format, args...)
	}
}

// told checks what a node was told to be decided.
func (w *world) told(n *node, epoch uint64, body []byte) {
	w.counts.Told++
	first, ok := w.bodies[epoch]
	switch {
	case !w.proposed[string(body)]:
		w.fail("epoch %d: node %x was told a body that nobody proposed", epoch, n.id)
	case !ok:
		w.bodies[epoch] = body
	case !bytes.Equal(first, body):
		w.fail("epoch %d: two bodies were decided, %x and %x", epoch, sha256.Sum256(first), sha256.Sum256(body))
	}
}

// sent checks that a ballot is of one life and, asked to accept, of one value.
func (w *world) sent(n *node, m Message) {
	if m.Kind != Prepare && m.Kind != Accept {
		return
	}
	at := ballotUse{m.Epoch, m.Ballot}
	use, ok := w.ballots[at]
	if !ok {
		use.life = n.life
	}
	if use.life != n.life || m.Ballot.Node != n.id {
		w.fail("epoch %d: ballot %s was used in life %d of node %x and in life %d", m.Epoch, m.Ballot, use.life, n.id, n.life)
	}
	if m.Kind == Accept {
		if use.value != "" && use.value != string(m.Value) {
			w.fail("epoch %d: two values under ballot %s", m.Epoch, m.Ballot)
		}
		use.value = string(m.Value)
	}
	w.ballots[at] = use
}

// send puts a packet on the network.
func (w *world) send(p packet) {
	w.counts.Sent++
	if w.quiet {
		w.after(Millisecond+w.around(10*Millisecond), event{kind: evPacket, node: p.to, packet: p})
		return
	}
	if w.now < w.cutUntil && w.side[p.from] != w.side[p.to] {
		w.counts.Cut++
		return
	}
	if w.rng.Float64() < w.plan.loss {
		w.counts.Lost++
		return
	}
	copies := 1
	if w.rng.Float64() < w.plan.double {
		w.counts.Doubled++
		copies = 2
	}
	for range copies {
		delay := w.around(w.plan.delay)
		if w.rng.Float64() < w.plan.slow {
			w.counts.Slow++
			delay += w.around(w.plan.lag)
		}
		w.after(delay, event{kind: evPacket, node: p.to, packet: p})
	}
}

func (w *world) after(d Time, e event) {
	e.at = w.now + d
	w.events.push(e)
}

// around draws a time of that mean.
func (w *world) around(mean Time) Time { return mean/4 + Time(w.rng.Int64N(int64(mean)*3/2+1)) }

func (w *world) note(words ...uint64) {
	for _, x := range words {
		w.print = (w.print ^ x) * 0x100000001b3
	}
}

func idOf(index int) NodeID { return NodeID(index+1) * 0x11 }

func (w *world) pickVoters(n int) []NodeID {
	var ids []NodeID
	for _, i := range w.rng.Perm(w.plan.nodes)[:min(n, w.plan.nodes)] {
		ids = append(ids, idOf(i))
	}
	return ids
}

// document is a body: what the registers decide.
type document struct {
	epoch  uint64
	parent Hash
	voters []NodeID
	tag    uint64 // no two proposals are alike
}

func (d document) append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, d.epoch)
	dst = append(dst, d.parent[:]...)
	dst = binary.BigEndian.AppendUint64(dst, d.tag)
	for _, v := range d.voters {
		dst = binary.BigEndian.AppendUint64(dst, uint64(v))
	}
	return dst
}

func votersOf(body []byte) (ids []NodeID) {
	for b := range slices.Chunk(body[48:], 8) {
		ids = append(ids, NodeID(binary.BigEndian.Uint64(b)))
	}
	return ids
}
