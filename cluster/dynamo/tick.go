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
			p.works = append(p.works, work{kind: workOwnRows, own: h})
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
	p.forEach(work{kind: workDead, node: node})
	p.doWork(now)
}

func (p *Partition) nodeDied(now Time, op *operation, node object.NodeID) {
	if op.phase == passed {
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
	at, ok := Time(0), false
	earlier := func(t Time) {
		if !ok || t < at {
			at, ok = t, true
		}
	}
	for _, op := range p.ops {
		if op.expired {
			earlier(op.deposits[0].due)
			continue
		}
		earlier(op.deadline)
		if op.speculate != 0 {
			earlier(op.speculate)
		}
		if op.again {
			earlier(op.againAt)
		}
		for _, d := range op.deposits {
			earlier(d.due)
		}
	}
	for _, r := range p.replays {
		earlier(r.due)
	}
	if slices.ContainsFunc(p.hinted, p.host.Alive) {
		earlier(p.nextReplay)
	}
	return at, ok
}

// Tick does what the time has come for.
func (p *Partition) Tick(now Time) {
	p.beginStep()
	p.replays = slices.DeleteFunc(p.replays, func(r *replay) bool { return r.due <= now })
	p.forEach(work{kind: workTick})
	if len(p.hinted) > 0 && p.nextReplay <= now {
		p.nextReplay = now + replayPause
		p.works = append(p.works, work{kind: workReplay})
	}
	p.doWork(now)
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
		p.keepHints(op.ids[d.home], op.slot, op.sent.Rows)
		op.covered |= 1 << d.home
	}
	if op.deadline <= now {
		p.expire(now, op)
		return
	}
	if op.speculate != 0 && op.speculate <= now {
		p.askRest(op)
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
	if op.req != nil {
		p.stats.Timeouts++
		acks := op.acks()
		if op.phase == passed {
			acks = quorum.Count{Need: 1, Of: len(p.homes)}
		}
		p.answer(op.req, &TimeoutError{Acks: acks}, 0)
		op.req, op.again = nil, false
		op.reads = object.ReadSet{}
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
