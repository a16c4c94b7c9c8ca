package dynamo

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/rondokv/rondo/cluster/merkle"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// No message about a move may end the process: answers to nothing, of others, with rows of other ranges, cut short or made up.
func TestBogusMoves(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 5))
		s, err := newStageOf("cluster nodes=6 replicas=3")
		if err != nil {
			t.Fatal(err)
		}
		s.quiet = true
		for _, c := range []string{"a: SET k 1", "a: HFILL h 700", "a: FLUSH", "a: SET l 1", "plan copying abc>cde", "adopt all"} {
			if err := s.run(c); err != nil {
				t.Fatal(err)
			}
		}
		s.holds = []rule{{}}
		for i := range 120 {
			a := s.nodes[r.IntN(len(s.nodes))]
			if i == 60 {
				s.holds = nil
				if err := s.runAll([]string{"plan reading abc>cde", "adopt all", "plan stable cde", "adopt all"}); err != nil {
					t.Fatal(err)
				}
				s.holds = []rule{{}}
			}
			switch r.IntN(4) {
			case 0:
				s.step(a, "moves", func(p *Partition) { p.Move(s.now) })
			case 1:
				s.pass(Time(r.IntN(700)) * Millisecond)
			case 2:
				if len(s.held) > 0 {
					s.queue = append(s.queue, s.held[0])
					s.held = s.held[1:]
					s.deliverAll()
				}
			default:
				bogusMove(r, s, a)
			}
		}
	}
}

// bogusMove lets a node receive what nobody sent.
func bogusMove(r *rand.Rand, s *stage, a *actor) {
	from := object.NodeID(r.IntN(len(s.nodes)) + 1)
	h := wire.Header{Epoch: uint64(s.ring.Epoch()), Asker: object.Incarnation(1 + r.IntN(2)), ID: a.p.lastID - uint64(r.IntN(20)), HLC: a.Now()}
	if t := a.p.transfer; t != nil && t.x != nil && len(t.x.asks) > 0 {
		from, h.ID, h.Asker = t.x.peer, t.x.asks[r.IntN(len(t.x.asks))].id, object.Incarnation(a.lives)
	}
	junk := func() []byte { return []byte(fmt.Sprint("d\x00", r.Uint64())[:r.IntN(12)]) }
	status := wire.Status(0)
	if r.IntN(3) == 0 {
		status = wire.Status(r.IntN(14))
	}
	lo, hi := a.p.bounds()
	var m wire.Message
	switch r.IntN(5) {
	case 0:
		q, ok := walkQuestion(r, a)
		m = &wire.Compare{Header: h, Body: junk()}
		if ok {
			m = &wire.Compare{Header: h, Body: q}
		}
	case 1:
		m = &wire.Compared{Header: h, Status: status, Body: bogusReply(r, a)}
	case 2:
		m = &wire.Fetch{Header: h, From: append(lo, junk()...), To: slices.Concat(hi[:2], junk()), Limit: r.Uint32()}
	case 3:
		f := &wire.Fetched{Header: h, Status: status}
		if r.IntN(2) == 0 {
			f.Next = append(lo, junk()...)
		}
		for range r.IntN(3) {
			f.Rows = append(f.Rows, bogusRow(r))
		}
		m = f
	default:
		m = &wire.WriteReply{Header: h, Status: status}
	}
	s.step(a, "bogus", func(p *Partition) { p.Receive(s.now, from, m) })
	s.deliverAll()
}

func bogusRow(r *rand.Rand) wire.KeyedRow {
	k := object.KeyRow{Cleared: object.Stamp{HLC: 5, Node: 9, Inc: 9}}
	row := wire.KeyedRow{Slot: object.Slot(r.IntN(2000)), Row: wire.Row{Ref: object.KeyRef{Name: []byte{byte('k' + r.IntN(2))}}, Bytes: k.AppendRow(nil)}}
	switch r.IntN(5) {
	case 0:
		row.Database, row.Ref.Name = true, nil
	case 1:
		row.Sub = hashSub("1")
	case 2:
		row.Sub = hashSub("1")
		e := object.ElementRow{Stamp: object.Stamp{HLC: 5, Node: 9, Inc: 9}}
		row.Bytes = e.AppendRow(nil)
	case 3:
		row.Bytes = row.Bytes[:r.IntN(len(row.Bytes))]
	}
	return row
}

func walkQuestion(r *rand.Rand, a *actor) ([]byte, bool) {
	w := merkle.Begin(a.p.shape(), r.Uint32())
	q, ok := w.Next(a.p.shape().New())
	if r.IntN(2) == 0 {
		q.Level, q.Root, q.Nodes = 1, 0, []uint16{uint16(r.IntN(40))}
	}
	return merkle.AppendQuestion(nil, &q), ok
}

func bogusReply(r *rand.Rand, a *actor) []byte {
	t := a.p.transfer
	if t == nil || t.x == nil || !t.x.walks {
		return []byte{1, 'r'}
	}
	other := a.p.shape().New()
	other.Change(merkle.Leaf(r.IntN(1024)), 0, r.Uint64())
	q, ok := t.x.walk.Next(t.x.scan.tree)
	if !ok {
		return nil
	}
	reply, err := other.Answer(&q)
	if err != nil {
		return nil
	}
	return merkle.AppendReply(nil, &reply)
}
