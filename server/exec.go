package server

import (
	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
	"github.com/rondokv/rondo/server/command"
)

// execution is one EXEC. The queue is cut into segments: runs of operations on keys, with the commands among them that
// neither see nor change keys (PING, SELECT ...), and single other commands (INFO, DBSIZE, FLUSHALL ...). A segment's
// operations on one slot are one atomic operation of the node; on the cluster face there is one slot.
type execution struct {
	s       *session
	queue   []queued
	plans   []plan
	replies []resp.Value
	watched []command.Watched
	slot    object.Slot // of watched
}

// plan is what becomes of one queued command: an operation, one in parts, or neither for what a handler runs.
type plan struct {
	op    command.Op
	slot  object.Slot
	parts *scattered
}

// group is the operations of a segment on one slot.
type group struct {
	slot  object.Slot
	ops   []command.Op
	dst   []*resp.Value // where their replies go
	write bool
	step  step
}

func execCommand(s *session, c *resp.Command, args [][]byte) resp.Value {
	if !s.tx.open {
		return resp.ErrExecNoMulti.Value()
	}
	x := execution{s: s, queue: s.tx.queue, watched: s.tx.watched, slot: s.tx.slot}
	failed := s.tx.failed
	s.tx.close()
	s.showTransaction()
	if failed && s.face == forwardFace {
		return resp.ErrExecAbort.Value()
	}
	if failed {
		x.watched = nil // they are not compared any more
	}
	x.replies = make([]resp.Value, len(x.queue))
	if bad := x.prepare(); bad != "" {
		return bad.Value()
	}
	if failed { // a Redis of a cluster looks at the slots first
		return resp.ErrExecAbort.Value()
	}
	reply := x.run()
	x.showMonitors(c, args)
	x.account()
	return reply
}

// prepare makes the operations and finds their slots.
func (x *execution) prepare() resp.Error {
	x.plans = make([]plan, len(x.queue))
	db := x.s.db
	slots := slotSet{cluster: x.s.face == clusterFace}
	if len(x.watched) > 0 {
		slots.fix(x.slot)
	}
	for i, q := range x.queue {
		if q.e.parse[x.s.face] == nil {
			if q.e.cmd.Name == "select" {
				if to, bad := x.s.parseDB(q.args[1]); bad == "" {
					db = to
				}
			}
			continue
		}
		if bad := x.planOperation(i, db, &slots); bad != "" {
			return bad
		}
	}
	if slots.several {
		x.s.srv.totals.splitMulti.Add(1)
	}
	return ""
}

func (x *execution) planOperation(i int, db uint8, slots *slotSet) resp.Error {
	q, p := x.queue[i], &x.plans[i]
	op, reply := q.e.parse[x.s.face](q.args, db)
	if op == nil {
		x.replies[i] = reply
		if slot, any := q.firstSlot(); any && x.s.face == clusterFace {
			return slots.add(slot)
		}
		return ""
	}
	slot, one := slotOf(op)
	if one {
		p.op, p.slot = op, slot
		return slots.add(slot)
	}
	if x.s.face == clusterFace || q.e.scatter == scatterNone {
		return resp.ErrCrossSlot
	}
	w := split(q.e.scatter, q.args)
	if bad, ok := w.parse(q.e, x.s.face, db); !ok {
		x.replies[i] = bad
		return ""
	}
	p.parts = w
	for j := range w.parts {
		if bad := slots.add(w.parts[j].slot); bad != "" {
			return bad
		}
	}
	return ""
}

// slotSet is the slots of a transaction, as far as it matters: on the cluster face, and under WATCH, there may be one.
type slotSet struct {
	cluster, fixed bool
	any, several   bool
	first          object.Slot
}

func (t *slotSet) fix(slot object.Slot) { t.fixed, t.any, t.first = true, true, slot }

func (t *slotSet) add(slot object.Slot) resp.Error {
	switch {
	case !t.any:
		t.any, t.first = true, slot
	case slot == t.first:
	case t.cluster || t.fixed:
		return resp.ErrCrossSlot
	default:
		t.several = true
	}
	return ""
}

// run runs the segments in order.
func (x *execution) run() resp.Value {
	for i := 0; i < len(x.queue); {
		end := x.segment(i)
		groups := x.groups(i, end)
		if len(x.watched) > 0 && len(groups) == 0 {
			groups = append(groups, &group{slot: x.slot})
		}
		if touched, failed := x.runGroups(groups); touched {
			return resp.NilArray()
		} else if failed.IsError() {
			return failed
		}
		x.finishSegment(i, end)
		i = end
	}
	if len(x.watched) > 0 { // an empty queue under WATCH
		if touched, failed := x.runGroups([]*group{{slot: x.slot}}); touched {
			return resp.NilArray()
		} else if failed.IsError() {
			return failed
		}
	}
	return resp.Array(x.replies...)
}

// segment returns the end of the segment that begins at i.
func (x *execution) segment(i int) int {
	for j := i; j < len(x.queue); j++ {
		if e := x.queue[j].e; e.run != nil && !e.free {
			return max(j, i+1)
		}
	}
	return len(x.queue)
}

// groups joins the operations of a segment by slot, in order of the slots' first appearance.
func (x *execution) groups(from, to int) []*group {
	var all []*group
	index := make(map[object.Slot]*group)
	add := func(slot object.Slot, op command.Op, write bool, dst *resp.Value) {
		g := index[slot]
		if g == nil {
			g = &group{slot: slot}
			index[slot] = g
			all = append(all, g)
		}
		g.ops, g.dst, g.write = append(g.ops, op), append(g.dst, dst), g.write || write
	}
	for i := from; i < to; i++ {
		p, write := &x.plans[i], x.queue[i].e.write
		if p.op != nil {
			add(p.slot, p.op, write, &x.replies[i])
		}
		if p.parts != nil {
			for j := range p.parts.parts {
				part := &p.parts.parts[j]
				add(part.slot, part.op, write, &part.reply)
			}
		}
	}
	return all
}

// runGroups runs the groups one after the other and waits once. touched tells that a watched key has changed: nothing was
// done then. failed is an error when the versions could not be compared. Watches are compared by the first group run.
func (x *execution) runGroups(groups []*group) (touched bool, failed resp.Value) {
	if len(groups) == 0 {
		return false, resp.Value{}
	}
	guarded := len(x.watched) > 0
	calls := make([]*cluster.Call, 0, len(groups))
	for _, g := range groups {
		g.step.op = command.NewMulti(g.ops, x.watched)
		x.watched = nil
		c := &g.step.call
		c.Op, c.Slot, c.Write = &g.step, g.slot, g.write
		x.s.srv.node.Start(c)
		x.s.checkPanic(&g.step)
		calls = append(calls, c)
	}
	x.s.srv.node.Finish(calls)
	for i, g := range groups {
		if err := g.step.call.Err; err != nil {
			bad := x.s.srv.callError(err)
			if guarded && i == 0 {
				return false, bad
			}
			for _, dst := range g.dst {
				*dst = bad
			}
			continue
		}
		if g.step.reply.IsError() {
			return false, g.step.reply // the evaluation panicked
		}
		if guarded && i == 0 && g.step.reply.IsNil() {
			return true, resp.Value{}
		}
		for j, dst := range g.dst {
			*dst = g.step.reply.Elems[j]
		}
	}
	return false, resp.Value{}
}

// finishSegment gathers what was scattered and runs the handlers.
func (x *execution) finishSegment(from, to int) {
	for i := from; i < to; i++ {
		q := x.queue[i]
		if x.plans[i].parts != nil {
			x.replies[i] = x.plans[i].parts.gather()
		}
		if q.e.run == nil {
			continue
		}
		x.replies[i] = q.e.run(x.s, q.e.cmd, q.args)
		if x.replies[i].Kind == resp.KindNone {
			x.replies[i] = resp.Nil() // an array cannot leave an element out
		}
	}
}

// account counts the commands that ran. Their time is EXEC's.
func (x *execution) account() {
	for i, q := range x.queue {
		q.e.stats.calls.Add(1)
		if x.replies[i].IsError() {
			q.e.stats.failed.Add(1)
			x.s.srv.countError(x.replies[i].Str)
		}
	}
	x.s.srv.totals.commands.Add(int64(len(x.queue)))
}

// showMonitors shows what EXEC ran and then EXEC, which hides itself, as Redis does.
func (x *execution) showMonitors(c *resp.Command, args [][]byte) {
	if !x.s.srv.monitors.active() {
		return
	}
	for _, q := range x.queue {
		x.s.showMonitors(q.e, q.args)
	}
	x.s.publish(c, args)
}
