package dynamo

import "github.com/rondokv/rondo/engine/object"

// A step stores one batch, and the rows of that batch are not in the Host's store until the driver has put them there. So no
// two operations may read and write rows in one step: the second would not see what the first put. What one input brings
// for several operations is done one after the other, each in a step of its own.

// workKind says what is to be done.
type workKind uint8

const (
	workOwnRows  workKind = iota + 1 // own rows have become durable: they count
	workDead                         // a node was found dead
	workTick                         // the time has come for something
	workReplay                       // hints may go home
	workSwitch                       // there is another ring
	workCompares                     // somebody compares rows with this node's
)

// maxIdleWork is for how much work an idle partition keeps room.
const maxIdleWork = 256

// work is something to do for one operation.
type work struct {
	kind workKind
	op   uint64
	node object.NodeID
	// of own rows: what they count for
	phase   phase
	attempt uint8
}

// More takes a further step of what the last input brought. Call it as long as Ready.More says so, before any other input.
func (p *Partition) More(now Time) {
	p.beginStep()
	p.doWork(now)
}

// doWork does what there is to do until something of it makes a batch.
func (p *Partition) doWork(now Time) {
	for p.workDone < len(p.works) && !p.step.batch {
		w := p.works[p.workDone]
		p.workDone++
		p.undo.op, p.doing.alone = nil, nil // of what was done before in this step, which made no batch
		switch w.kind {
		case workOwnRows:
			p.ownRowsDurable(now, w)
		case workReplay:
			p.replayHints(now)
		case workCompares:
			p.tickCompares(now)
		default:
			if op := p.find(w.op); op != nil {
				p.workOn(now, op, w)
			}
		}
	}
	if p.workDone == len(p.works) {
		p.works, p.workDone = p.works[:0], 0
		if cap(p.works) > maxIdleWork {
			p.works = nil
		}
	}
	p.ready.More = len(p.works) > 0
}

func (p *Partition) workOn(now Time, op *operation, w work) {
	switch w.kind {
	case workDead:
		p.nodeDied(now, op, w.node)
	case workSwitch:
		p.switchOperation(now, op)
	default:
		p.tickOperation(now, op)
	}
}

// forEach adds work for every operation under way that wanted names; nil names all.
func (p *Partition) forEach(w work, wanted func(*operation) bool) {
	for _, e := range p.ops.entries {
		if e.op != nil && (wanted == nil || wanted(e.op)) {
			w.op = e.id
			p.works = append(p.works, w)
		}
	}
}
