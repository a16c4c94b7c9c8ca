package dynamo

import (
	"slices"

	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// The defaults of Limits.
const (
	defaultInFlight      = 4096
	defaultSpeculate     = 10 * Millisecond
	defaultRepairOneIn   = 16
	defaultHintTimeout   = 400 * Millisecond
	defaultHintWindow    = 3 * 3600 * 1000 * Millisecond
	defaultReplayTimeout = 1000 * Millisecond
	defaultReplayRows    = 128
	defaultReplayBytes   = 256 << 10
	defaultReissues      = 4

	// replayPause is how often hints are looked at while there are any and nothing is on its way.
	replayPause = 100 * Millisecond
	// nextBatchPause is how long after a batch of hints came home the next one goes.
	nextBatchPause = 1 * Millisecond
)

func (l Limits) withDefaults() Limits {
	number := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	span := func(v *Time, d Time) {
		if *v <= 0 {
			*v = d
		}
	}
	number(&l.InFlight, defaultInFlight)
	number(&l.RepairOneIn, defaultRepairOneIn)
	number(&l.ReplayRows, defaultReplayRows)
	number(&l.ReplayBytes, defaultReplayBytes)
	number(&l.Reissues, defaultReissues)
	span(&l.Speculate, defaultSpeculate)
	span(&l.HintTimeout, defaultHintTimeout)
	span(&l.HintWindow, defaultHintWindow)
	span(&l.ReplayTimeout, defaultReplayTimeout)
	return l
}

// Durable says that all batches up to one are as durable as the policy says.
func (p *Partition) Durable(now Time, batch uint64) {
	p.beginStep()
	p.durable = max(p.durable, batch)
	for {
		h, ok := p.held.pop(p.durable)
		if !ok {
			break
		}
		if h.op != 0 {
			p.works = append(p.works, h.work())
			continue
		}
		p.letOut(h)
	}
	p.doWork(now)
}

// Unreachable says that a node was found dead: nobody needs to wait for it any more.
func (p *Partition) Unreachable(now Time, node object.NodeID) {
	p.beginStep()
	p.replays = slices.DeleteFunc(p.replays, func(r *replay) bool { return r.target == node })
	p.transferLost(now, node)
	p.forEach(work{kind: workDead, node: node}, nil)
	p.doWork(now)
}

func (p *Partition) nodeDied(now Time, op *operation, node object.NodeID) {
	if op.phase == passed {
		if op.fenced {
			return
		}
		if op.tried[len(op.tried)-1] == node {
			p.passLost(now, op)
		}
		return
	}
	i := op.index(node)
	switch {
	case i < 0 || i == op.self:
	case op.phase == gathering:
		p.readFailed(now, op, i)
	case op.sent != nil && op.covered>>op.home(i)&1 == 0:
		p.missed(now, op, i)
	}
}

// NextTimer returns when Tick is due, false when nothing waits for the time to pass. A step can change it, and so can a
// node that comes back: hints wait for it.
func (p *Partition) NextTimer() (Time, bool) {
	at := p.timer
	if slices.ContainsFunc(p.hinted, func(h hinted) bool { return p.host.Alive(h.node) || !p.owns(h.node) }) && (at == 0 || p.nextReplay < at) {
		at = max(1, p.nextReplay)
	}
	return at, at != 0
}

// wake lets the next tick be at t at the latest. Invariant: timer is not later than anything that is due.
func (p *Partition) wake(t Time) {
	t = max(t, 1)
	if p.timer == 0 || t < p.timer {
		p.timer = t
	}
}

// setTimer finds out anew when something is due.
func (p *Partition) setTimer() {
	p.timer = 0
	for _, e := range p.ops.entries {
		if e.op != nil {
			p.wake(e.op.due())
		}
	}
	for _, r := range p.replays {
		p.wake(r.due)
	}
	if p.transfer != nil {
		p.wakeTransfer()
	}
	p.wakeCompares()
}

// Operations end in groups: thousands that linger for a silent replica must not take a tick each.
const group = 8 * Millisecond

// ends returns when the operation's time is up, by groups: early while a client waits, late after.
func (op *operation) ends() Time {
	if op.req != nil && op.deadline >= group {
		return op.deadline - op.deadline%group
	}
	return op.deadline + group - op.deadline%group
}

// due returns when the operation has something to do.
func (op *operation) due() Time {
	at := op.ends()
	if op.expired {
		at = op.deposits[0].due
	}
	if op.speculate != 0 {
		at = min(at, op.speculate)
	}
	if op.again {
		at = min(at, op.againAt)
	}
	for _, d := range op.deposits {
		at = min(at, d.due)
	}
	return at
}

// Tick does what the time has come for.
func (p *Partition) Tick(now Time) {
	p.beginStep()
	p.replays = slices.DeleteFunc(p.replays, func(r *replay) bool { return r.due <= now })
	p.forEach(work{kind: workTick}, func(op *operation) bool { return op.due() <= now })
	if len(p.hinted) > 0 && p.nextReplay <= now {
		p.nextReplay = now + replayPause
		p.works = append(p.works, work{kind: workReplay})
	}
	if p.transfer != nil {
		p.tickTransfer(now)
	}
	if len(p.compares) > 0 {
		p.works = append(p.works, work{kind: workCompares})
	}
	p.doWork(now)
	p.setTimer()
}

func (p *Partition) tickOperation(now Time, op *operation) {
	for i := 0; i < len(op.deposits); {
		d := op.deposits[i]
		if d.due > now {
			i++
			continue
		}
		// The fallback did not take it in time: the hint stays here.
		op.deposits = slices.Delete(op.deposits, i, i+1)
		p.keepHints(op, d.home)
	}
	if op.expired || op.ends() <= now {
		p.expire(now, op)
		return
	}
	if op.speculate != 0 && op.speculate <= now {
		p.speculate(now, op)
	}
	if op.again && op.againAt <= now {
		op.again = false
		p.reissue(now, op)
		return
	}
	p.finishLingering(op)
}

// expire ends an operation at its deadline: the client is told that nobody knows, and replicas that have not acked get a
// hint.
func (p *Partition) expire(now Time, op *operation) {
	if op.fenced {
		r := op.req
		p.forgetPassed(op)
		p.unavailable(r)
		return
	}
	if op.req != nil {
		p.stats.Timeouts++
		acks := op.acks()
		if op.phase == passed {
			acks = quorum.Count{Need: 1, Of: len(p.homes)}
		}
		p.answer(op.req, &TimeoutError{Acks: acks}, 0)
		op.req, op.again = nil, false
		op.reads = object.ReadSet{}
		p.settled(op)
	}
	if op.sent == nil || op.sent.Reason != wire.ReasonClient {
		p.forget(op)
		return
	}
	op.phase = lingering
	if !op.expired {
		op.expired = true
		for home := range op.homes {
			if home != op.self && op.covered>>home&1 == 0 && !op.hasDeposit(home) {
				p.handOff(now, op, home)
			}
		}
	}
	if len(op.deposits) == 0 {
		p.forget(op)
	}
}
