package sim

import (
	"fmt"

	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/cluster/epoch"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// saved is what a node's disk holds of the ring.
type saved struct {
	doc      *ring.Document // nil: it waits to be admitted
	register []byte
}

// membership is a node's part in how the ring changes, as its driver has it: the product's state machine, and what that asks for.
type membership struct {
	machine    *epoch.Machine // nil: down
	effects    []epoch.Ready  // in order; the first waits for its save, if it has one
	saving     bool
	working    bool
	tickDue    Time
	lookMask   uint64         // who was thought dead when the machine last heard of it
	target     *ring.Document // the partitions work by it, or are being switched to it
	switching  bool
	works      []ring.Epoch // by partition
	progress   epoch.Progress
	parked     []parked
	asked      map[uint64]func(epoch.Outcome)
	late       Time // adoptions wait until then
	quietUntil Time // its progress is not told before
	dawdles    Time // it copies nothing before

	transfers []transfer
}

// appear starts a node for the first time.
func (n *node) appear() {
	n.present = true
	n.start()
	n.startDetector()
}

// startPart begins a life's part: from what was saved.
func (n *node) startPart() {
	w := n.w
	n.membership = membership{asked: map[uint64]func(epoch.Outcome){}}
	if d := n.saved.doc; d != nil && d.Member(ring.NodeID(n.id)) != nil {
		n.makeParts(n.saved.doc)
	}
	m, err := epoch.New(epoch.Time(n.time()), epoch.Options{
		Self: ring.NodeID(n.id), Inc: uint64(n.inc), Document: n.saved.doc, Register: n.saved.register,
		Auto: w.plan.rings.auto, Seed: n.random.Uint64(), Limits: w.plan.rings.limits,
	})
	if err != nil {
		panic(fmt.Sprintf("start node %d: %v", n.index, err))
	}
	n.machine = m
	n.conduct(func(*epoch.Machine) {})
	n.noteProgress()
	w.after(n.random.around(w.plan.rings.look), n, n.lookOften)
}

// stopPart ends it. A save that was under way may have reached the disk.
func (n *node) stopPart() {
	if n.saving && n.random.chance(0.5) {
		n.keep(n.effects[0].Save)
	}
	n.machine = nil
	n.effects, n.parked = nil, nil
	n.switching = false
}

// makeParts makes the cores of all partitions, to work by a document.
func (n *node) makeParts(d *ring.Document) {
	w, r := n.w, n.w.ringOf(d)
	n.target = d
	n.timers = make([]Time, r.Partitions())
	n.durable = make([]uint64, r.Partitions())
	n.works = make([]ring.Epoch, r.Partitions())
	n.transfers = make([]transfer, r.Partitions())
	for p := range r.Partitions() {
		part, err := dynamo.NewPartition(n, ring.Partition(p), r, dynamo.Options{ID: n.id, Inc: n.inc, Secret: w.secret, DC: n.dc, Limits: w.plan.limits})
		if err != nil {
			panic(fmt.Sprintf("start node %d: %v", n.index, err))
		}
		n.parts = append(n.parts, part)
		n.works[p] = r.Epoch()
	}
	w.adopted(n, d)
	for p := range n.parts {
		n.arm(p)
		n.watchTransfer(p)
	}
}

// conduct is a step of the machine and what it asks for.
func (n *node) conduct(step func(m *epoch.Machine)) {
	if n.machine == nil {
		return
	}
	step(n.machine)
	rd := n.machine.Ready()
	for i := range rd.Events {
		n.tell(&rd.Events[i])
	}
	if !rd.Empty() {
		n.effects = append(n.effects, rd)
		n.work()
	}
	n.armMachine()
}

// now is the node's time as its machine counts it.
func (n *node) now() epoch.Time { return epoch.Time(n.time()) }

// work does what the machine has asked for, in order: what is to be saved first is, and nothing overtakes it.
func (n *node) work() {
	if n.working {
		return
	}
	n.working = true
	for len(n.effects) > 0 && !n.saving && n.machine != nil {
		if n.effects[0].Save != nil {
			n.saving = true
			in := 10*microsecond + n.w.disk.around(n.w.plan.rings.saves)
			if n.slowUntil > n.w.now && n.w.phase == chaos {
				in += n.w.disk.around(min(n.slowUntil-n.w.now, second))
			}
			n.w.after(in, n, n.isSaved)
			break
		}
		rd := n.effects[0]
		n.effects = n.effects[1:]
		n.act(rd)
	}
	n.working = false
}

func (n *node) isSaved() {
	n.saving = false
	n.keep(n.effects[0].Save)
	n.effects[0].Save = nil
	n.work()
}

// keep puts something on the disk.
func (n *node) keep(s *epoch.Save) {
	n.w.trace.line(n.w.now, n.index, onSave, [3]uint64{uint64(len(s.Register)), b2u(s.Document != nil), 0}, nil)
	n.saved.register = s.Register
	if s.Document != nil {
		n.saved.doc = s.Document
		n.w.decided(n, s.Document)
	}
	n.w.moment(momentSave, n)
}

// act does the rest of a Ready.
func (n *node) act(rd epoch.Ready) {
	w := n.w
	for _, e := range rd.Messages {
		w.checkSaid(n, e.Body)
		m := &wire.Ring{Header: wire.Header{Epoch: uint64(n.epoch())}, Body: e.Body}
		w.send(n, dynamo.Envelope{To: object.NodeID(e.To), Message: m})
	}
	if d := rd.Adopt; d != nil {
		n.adopt(d)
	}
	for _, o := range rd.Outcomes {
		w.trace.line(w.now, n.index, onOutcome, [3]uint64{o.ID, uint64(o.Kind), uint64(o.Code)}, func() string { return o.Code.String() + " " + o.Text })
		w.totals.Outcomes[o.Code]++
		then, ok := n.asked[o.ID]
		if !ok {
			w.fail("I18 epochs", -1, "node %d: command %d has an outcome twice, or was not given", n.index, o.ID)
			return
		}
		delete(n.asked, o.ID)
		then(o)
	}
	for i := range rd.Events {
		if e := &rd.Events[i]; e.Kind == epoch.EventRemoved {
			n.leave(e.Epoch)
		}
	}
}

// tell takes in an event of the machine.
func (n *node) tell(e *epoch.Event) {
	w := n.w
	switch e.Kind {
	case epoch.EventConflict:
		w.fail("I18 epochs", -1, "node %d: conflict with %s: %s", n.index, nodeName(w, object.NodeID(e.Node)), e.Text)
	case epoch.EventProposed:
		w.totals.Proposals++
		w.trace.line(w.now, n.index, onOrder, [3]uint64{uint64(e.Epoch), uint64(e.Stage), 1}, func() string { return "proposes " + e.Text })
		w.checkProposal(n, e)
		w.moment(momentPropose, n)
	case epoch.EventWithdrawn:
		w.totals.Withdrawn++
	case epoch.EventGaveUp:
		w.totals.GaveUp++
	case epoch.EventRefused:
		w.trace.line(w.now, n.index, onOrder, [3]uint64{uint64(e.Epoch), uint64(e.Stage), 2}, func() string { return "refused " + e.Text })
	}
}

// epoch is that of the newest document that the node knows; 0: none.
func (n *node) epoch() ring.Epoch {
	if n.machine == nil || n.machine.Document() == nil {
		return 0
	}
	return n.machine.Document().Epoch
}

// lingers is for how long who is no member any more tells others what it knows.
const lingers = 2 * second

// leave is what a node does that is no member any more: it stops, but not at once. It may be the only one that knows what was decided.
func (n *node) leave(at ring.Epoch) {
	w := n.w
	w.checkLeft(n, at)
	n.stopped = true
	w.totals.Left++
	n.w.after(lingers, n, func() { n.die(0, 0) })
}

// adopt switches all partitions over to a document, one after the other, perhaps with pauses between.
func (n *node) adopt(d *ring.Document) {
	if len(n.parts) == 0 {
		n.makeParts(d)
		n.adopted()
		return
	}
	n.target = d
	if n.switching {
		return
	}
	n.switching = true
	if in := n.late - n.w.now; in > 0 && n.w.phase == chaos {
		n.w.after(in, n, n.switchOn)
		return
	}
	n.switchOn()
}

func (n *node) switchOn() {
	r := n.w.ringOf(n.target)
	for p := range n.parts {
		if n.works[p] >= r.Epoch() {
			continue
		}
		n.works[p] = r.Epoch()
		n.step(p, func(part *dynamo.Partition) { part.SwitchRing(n.time(), r) })
		n.unpark(p)
		if in := n.w.disk.around(n.w.plan.rings.switches); in > 0 {
			n.w.after(in, n, n.switchOn)
			return
		}
	}
	n.switching = false
	n.w.adopted(n, n.target)
	n.adopted()
}

// adopted says that all partitions work by the document.
func (n *node) adopted() {
	d := n.target
	n.w.trace.line(n.w.now, n.index, onAdopt, [3]uint64{uint64(d.Epoch), uint64(d.Stage), 0}, nil)
	n.conduct(func(m *epoch.Machine) { m.Adopted(n.now(), d.Epoch) })
	n.noteProgress()
	n.w.moment(momentAdopt, n)
}

// armMachine lets Tick be called when the machine wants it.
func (n *node) armMachine() {
	t, ok := n.machine.NextTimer()
	if !ok {
		return
	}
	due := max(n.virtual(Time(t)), n.w.now+100*microsecond)
	if n.tickDue != 0 && n.tickDue <= due {
		return
	}
	n.tickDue = due
	n.w.after(due-n.w.now, n, func() {
		if n.tickDue != due {
			return
		}
		n.tickDue = 0
		n.conduct(func(m *epoch.Machine) { m.Tick(n.now()) })
	})
}
