package epoch

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/rondokv/rondo/cluster/paxos"
	"github.com/rondokv/rondo/cluster/ring"
)

// conduct is the conductor's part.
type conduct struct {
	proposing  bool // a proposal of this node is under way
	hash       ring.Hash
	since      Time
	pending    *order // the command that is to be carried out: one at a time
	until      Time
	asked      bool       // the proposal is the command's
	answered   []answered // the last commands, since they may come again
	wait       *ring.Wait
	unfinished Time // since when a value is accepted here of which no more was heard; 0: there is none
}

// order is a command and who wants it.
type order struct {
	from    ring.NodeID
	inc, id uint64
	cmd     Command
}

func (o *order) same(x *order) bool { return o.from == x.from && o.inc == x.inc && o.id == x.id }

type answered struct {
	order   order // without its command
	outcome Outcome
}

// maxAnswered bounds the commands that are known when they come again.
const maxAnswered = 64

// Conductor returns who proposes as this node sees it: the live voter with the least id; 0: none lives.
func (m *Machine) Conductor() ring.NodeID {
	if m.doc == nil {
		return 0
	}
	for _, v := range m.doc.Voters {
		if m.alive(v) && !(v == m.self && m.removed) {
			return v
		}
	}
	return 0
}

// evaluate proposes what is to be proposed, if this node is the conductor or has a command to carry out.
func (m *Machine) evaluate(now Time) {
	c := &m.conduct
	if m.doc == nil || m.removed {
		return
	}
	if c.proposing {
		if now >= c.since+m.limits.ProposeTimeout {
			m.withdraw()
		}
		return
	}
	c.wait = nil
	conductor := m.Conductor() == m.self
	if !conductor && c.pending == nil || m.recovery != nil {
		return
	}
	if c.unfinished != 0 && now < c.unfinished+m.limits.ProposeTimeout/2 {
		return // another proposer is at work, as it seems
	}
	if c.pending != nil {
		m.obey(now)
		return
	}
	next, wait := ring.Next(m.doc, m.fact)
	c.wait = wait
	switch {
	case next != nil:
		m.propose(now, next)
	case wait != nil && m.hopeless(now, wait):
		if next, err := m.doc.Abort(); err == nil {
			m.event(Event{Kind: EventGaveUp, Epoch: m.doc.Epoch, Stage: m.doc.Stage, Text: wait.String()})
			m.propose(now, next)
		}
	case m.doc.Stage == ring.Stable && m.auto:
		m.plan(now)
	}
}

// propose begins a proposal of d, unless the document that it follows is not saved yet: a sole voter could decide both in one step, and
// nobody would ever have the first.
func (m *Machine) propose(now Time, d *ring.Document) {
	if m.save != nil && m.save.Document != nil {
		m.conduct.asked = false
		m.tickAt = now // again as soon as it is
		return
	}
	value, err := d.Encode()
	if err != nil || len(value) > paxos.MaxValue {
		m.fail(CodeRefused, fmt.Sprintf("a document of %d bytes cannot be decided: %v", len(value), err))
		return
	}
	c := &m.conduct
	c.proposing, c.hash, c.since = true, d.Hash(), now
	m.event(Event{Kind: EventProposed, Epoch: d.Epoch, Stage: d.Stage, Node: m.self, Text: note(d)})
	m.proposeValue(now, value)
}

func (m *Machine) proposeValue(now Time, value []byte) {
	if err := m.register.Propose(paxos.Time(now), value); err != nil {
		m.conduct.proposing = false
		m.fail(CodeRefused, err.Error())
		return
	}
	m.drain(now)
}

// note says for logs what a document brings.
func note(d *ring.Document) string {
	if d.Plan == nil {
		return d.Stage.String()
	}
	return fmt.Sprintf("%v: %d changes by %q, %d partitions, %d vnodes move", d.Stage, len(d.Plan.Changes), d.Plan.By, len(d.Moving), d.Plan.Moves)
}

// withdraw ends a proposal that took too long, so that what is proposed next fits what is known then.
func (m *Machine) withdraw() {
	m.register.Withdraw()
	m.conduct.proposing = false
	m.event(Event{Kind: EventWithdrawn, Epoch: m.doc.Epoch + 1, Stage: m.doc.Stage, Node: m.self})
	if m.conduct.asked {
		m.fail(CodeUnknown, "")
	}
}

// noteUnfinished looks whether a value is accepted here of which no more was heard.
func (m *Machine) noteUnfinished(now Time) {
	c := &m.conduct
	switch {
	case m.register == nil || m.register.Unfinished() == nil:
		c.unfinished = 0
	case c.unfinished == 0:
		c.unfinished = max(now, 1)
	}
}

// finishOthers proposes again what was accepted here long ago: its proposer is gone, and it may be decided. Not all voters do
// so at the same time.
func (m *Machine) finishOthers(now Time) {
	m.noteUnfinished(now)
	c := &m.conduct
	if c.unfinished == 0 || c.proposing || m.removed || m.recovery != nil {
		return
	}
	rank := slices.Index(m.doc.Voters, m.self)
	if rank < 0 || now < c.unfinished+m.limits.ProposeTimeout/2+Time(rank)*m.limits.ReportEvery {
		return
	}
	value := m.register.Unfinished()
	if d, err := m.judge(value); err == nil {
		c.proposing, c.hash, c.since, c.asked = true, d.Hash(), now, false
		m.event(Event{Kind: EventProposed, Epoch: d.Epoch, Stage: d.Stage, Node: m.self, Text: "again: " + note(d)})
		m.proposeValue(now, value)
	}
}

// settle takes in that there is a new document: a proposal has ended.
func (m *Machine) settle(now Time) {
	c := &m.conduct
	mine := c.proposing && c.asked && c.hash == m.hash
	c.proposing, c.asked, c.unfinished, c.wait = false, false, 0, nil
	if mine {
		m.answer(Outcome{Epoch: m.doc.Epoch})
	}
	m.lookAround(now)
}

// take takes a command in, at the node that is to carry it out.
func (m *Machine) take(now Time, o order) {
	c := &m.conduct
	if c.pending != nil && c.pending.same(&o) {
		return
	}
	for i := range c.answered {
		if c.answered[i].order.same(&o) {
			m.tell(o, c.answered[i].outcome)
			return
		}
	}
	switch {
	case m.doc == nil || m.removed || !slices.Contains(m.doc.Voters, m.self):
		m.tell(o, Outcome{Code: CodeElsewhere})
	case o.cmd.Kind == CommandStatus:
		s := m.Status()
		m.tell(o, Outcome{Epoch: m.doc.Epoch, Status: &s})
	case o.cmd.Kind == CommandPlan:
		m.tell(o, m.show(o.cmd))
	case o.cmd.Kind != CommandChange && o.cmd.Kind != CommandAbort:
		m.tell(o, Outcome{Code: CodeRefused, Text: fmt.Sprintf("unknown command %d", o.cmd.Kind)})
	case c.pending != nil:
		m.tell(o, Outcome{Code: CodeBusy})
	default:
		c.pending, c.until = &o, now+m.limits.ProposeTimeout
		m.evaluate(now)
	}
}

// tell answers a command.
func (m *Machine) tell(o order, x Outcome) {
	if o.from == m.self {
		if x.Code != CodeElsewhere {
			m.finish(o.id, x)
		}
		return
	}
	text, err := json.Marshal(x)
	if err != nil || len(text) > MaxCommand {
		text, _ = json.Marshal(Outcome{Code: x.Code, Epoch: x.Epoch, Text: "the answer is too long"})
	}
	m.send(o.from, appendPassed(nil, kindAnswer, passed{o.inc, o.id, text}))
}

// answer ends the command that is being carried out.
func (m *Machine) answer(x Outcome) {
	c := &m.conduct
	o := *c.pending
	c.pending, c.asked = nil, false
	m.tell(o, x)
	o.cmd = Command{}
	if len(c.answered) == maxAnswered {
		c.answered = slices.Delete(c.answered, 0, 1)
	}
	c.answered = append(c.answered, answered{o, x})
}

// fail ends the command that is being carried out, if there is one.
func (m *Machine) fail(code Code, text string) {
	if m.conduct.pending != nil {
		m.answer(Outcome{Code: code, Text: text, Epoch: m.doc.Epoch})
		return
	}
	m.event(Event{Kind: EventRefused, Epoch: m.doc.Epoch, Stage: m.doc.Stage, Text: text})
}

// show computes what a plan would do.
func (m *Machine) show(c Command) Outcome {
	p, err := m.doc.Propose(c.Changes, m.planOptions(c))
	if err != nil {
		return Outcome{Code: codeOf(err), Text: err.Error(), Epoch: m.doc.Epoch}
	}
	f := &Figures{
		Moves: p.Moves, Bound: p.Bound, Partitions: p.Partitions, Reordered: p.Reordered, Nodes: p.Nodes,
		NothingElse: p.Next.Stage == ring.Stable,
	}
	for _, w := range p.Warnings {
		f.Warnings = append(f.Warnings, w.String())
	}
	return Outcome{Epoch: m.doc.Epoch, Figures: f}
}

func (m *Machine) planOptions(c Command) ring.PlanOptions {
	return ring.PlanOptions{AcceptLoss: c.AcceptLoss, By: c.By, Alive: m.alive}
}

func codeOf(err error) Code {
	switch {
	case errors.Is(err, ring.ErrPlanned):
		return CodePlanned
	case errors.Is(err, ring.ErrLoss):
		return CodeLoss
	}
	return CodeRefused
}

// obey carries the command out as far as it goes now.
func (m *Machine) obey(now Time) {
	c := &m.conduct
	o := c.pending
	switch {
	case now >= c.until+m.limits.ProposeTimeout:
		m.fail(CodeUnknown, "") // nobody waits for it any more
		return
	case o.cmd.Kind == CommandAbort:
		m.abort(now, o.cmd.Base)
		return
	case m.doc.Plan != nil && sameChanges(m.doc.Plan.Changes, o.cmd.Changes):
		m.answer(Outcome{Epoch: m.doc.Epoch}) // it was passed on to two conductors
		return
	case o.cmd.Base != 0 && o.cmd.Base != m.doc.Epoch:
		m.fail(CodeMoved, "")
		return
	case m.doc.Stage != ring.Stable:
		m.fail(CodePlanned, m.doc.Stage.String())
		return
	}
	if c.wait = ring.Barrier(m.doc, m.fact); c.wait != nil {
		if now >= c.until {
			m.fail(CodeRefused, c.wait.String())
		}
		return
	}
	p, err := m.doc.Propose(o.cmd.Changes, m.planOptions(o.cmd))
	if err != nil {
		m.fail(codeOf(err), err.Error())
		return
	}
	c.asked = true
	m.propose(now, p.Next)
}

// abort gives up the plan that is copying; base is the epoch in which its operator saw it so, or 0.
func (m *Machine) abort(now Time, base ring.Epoch) {
	next, err := m.doc.Abort()
	switch {
	case base != 0 && m.doc.Epoch == base+1 && m.doc.Stage == ring.Stable:
		m.answer(Outcome{Epoch: m.doc.Epoch}) // by another conductor, to whom it was passed on as well
	case err != nil:
		m.fail(CodeRefused, err.Error())
	case base != 0 && m.doc.Epoch != base:
		m.fail(CodeMoved, "")
	default:
		m.conduct.asked = true
		m.propose(now, next)
	}
}

// sameChanges says whether two plans are for the same nodes. What Propose fills in does not count.
func sameChanges(a, b []ring.Change) bool {
	return slices.EqualFunc(a, b, func(x, y ring.Change) bool {
		return x.Kind == y.Kind && x.ID == y.ID && x.Member.ID == y.Member.ID && x.Replicas == y.Replicas
	})
}
