package sim

import (
	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/engine/object"
)

// disk is a node's log: batches become durable in their order, several with one sync.
type disk struct {
	batches   []batch // not durable yet
	syncing   int     // how many of them the sync under way covers; 0: none is
	durable   []uint64
	waiting   []waiting
	slowUntil Time
	fullUntil Time
	fullShare float64
}

type batch struct {
	part   int
	number uint64
	commit object.Commit
}

// waiting is an answer that waits for a batch of its partition to be durable.
type waiting struct {
	part int
	seq  uint64
	call *call
}

func (d *disk) forget() {
	d.batches, d.syncing, d.waiting = nil, 0, nil
}

// full reports whether the store refuses a batch now.
func (n *node) full() bool {
	return n.fullUntil > n.w.now && n.w.phase == chaos && n.w.disk.chance(n.fullShare)
}

func (n *node) apply(p int, number uint64, writes []object.Write) {
	w := n.w
	w.totals.Batches++
	var crcs uint64
	for i := range writes {
		crcs = crcs*31 + uint64(len(writes[i].Key))<<32 + uint64(len(writes[i].Row))
		if row := writes[i].Row; len(row) >= 4 {
			crcs += uint64(row[len(row)-1])<<24 | uint64(row[len(row)-2])<<16 | uint64(row[len(row)-3])<<8 | uint64(row[len(row)-4])
		}
	}
	w.trace.line(w.now, n.index, onApply, [3]uint64{uint64(p), number, crcs}, func() string { return n.describeWrites(writes) })
	w.spy.look(w, n, writes)
	commit, err := n.store.Apply(writes)
	if err != nil {
		panic(err)
	}
	n.batches = append(n.batches, batch{p, number, commit})
	n.sync()
}

// sync starts one unless one is under way.
func (n *node) sync() {
	if n.syncing > 0 || len(n.batches) == 0 {
		return
	}
	w := n.w
	n.syncing = len(n.batches)
	in := 10*microsecond + w.disk.around(w.plan.syncMean)
	if n.slowUntil > w.now && w.phase == chaos {
		in += w.disk.around(min(n.slowUntil-w.now, second))
	}
	w.after(in, n, n.synced)
}

func (n *node) synced() {
	w := n.w
	done := n.batches[:n.syncing]
	n.batches = n.batches[n.syncing:]
	n.syncing = 0
	if err := done[len(done)-1].commit.Wait(); err != nil {
		panic(err)
	}
	w.trace.line(w.now, n.index, onSync, [3]uint64{uint64(len(done)), 0, 0}, nil)
	for p := range n.parts {
		latest := uint64(0)
		for i := range done {
			if done[i].part == p {
				latest = done[i].number
			}
		}
		if latest > 0 {
			n.durable[p] = latest
			n.step(p, func(part *dynamo.Partition) { part.Durable(n.time(), latest) })
			n.answerWaiting(p)
		}
	}
	n.sync()
}

func (n *node) answerWaiting(p int) {
	kept := n.waiting[:0]
	var out []*call
	for _, a := range n.waiting {
		if a.part == p && a.seq <= n.durable[p] {
			out = append(out, a.call)
		} else {
			kept = append(kept, a)
		}
	}
	n.waiting = kept
	for _, c := range out {
		c.answered(false)
	}
}

func (n *node) describeWrites(writes []object.Write) (text string) {
	for i := range writes {
		text += n.describeWrite(&writes[i])
	}
	return text
}

func (n *node) describeWrite(wr *object.Write) string {
	key, hint := wr.Key, ""
	if key[0] == object.SpaceHint {
		id, ok := object.ParseHintPrefix(key)
		if !ok {
			return " [?]"
		}
		hint, key = "hint for "+nodeName(n.w, id)+" ", key[object.HintPrefixLen:]
	}
	k, err := object.ParseRowKey(key)
	if err != nil {
		return " [" + err.Error() + "]"
	}
	return " [" + hint + string(k.Ref.Name) + subName(k.Sub) + " " + describeRow(len(k.Sub) > 0, wr.Row) + "]"
}
