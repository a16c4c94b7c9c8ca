package dynamo

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// An answer to a Read from a node that was not asked: a fallback that joined the operation after the digests were made.
func TestAnswerOfANodeThatWasNotAsked(t *testing.T) {
	c := newTrial(t, 7, 5, Limits{})
	a := c.node(1)
	r := c.write(a, opAppend("k", "x"))
	c.deliver(kind[*wire.Read](anything))
	c.deliver(kind[*wire.ReadReply](anything)) // stored and sent
	for _, id := range []object.NodeID{4, 5} {
		a.dead[id] = true
		a.step(func(p *Partition) { p.Unreachable(c.now, id) }) // 6 and 7 get the hints
	}
	var id uint64
	for _, d := range c.mail {
		if w, ok := d.m.(*wire.Write); ok {
			id = w.ID
		}
	}
	if r.Finished || id == 0 {
		t.Fatal("the schedule does not fit")
	}
	survives(t, func() {
		for from := object.NodeID(2); from <= 7; from++ {
			m := &wire.ReadReply{Header: wire.Header{Epoch: 1, HLC: a.last, ID: id, Asker: a.inc}}
			a.step(func(p *Partition) { p.Receive(c.now, from, m) })
		}
	})
}

// A replica reads all elements of a hash whenever one of them is written at QUORUM: Tell is set for every client's write,
// and mergeWrite then loads the key whole. Only a clear needs that.
func TestOneElementIsNotTheWholeHash(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{})
	a, b := c.node(1), c.node(2)
	field := func(i int) []byte { return []byte(fmt.Sprintf("\x01f%03d", i)) }
	fill := &trialOp{name: "fill", read: object.ReadSet{Keys: keysOf("h")}, eval: func(_ *object.Input, _ *object.View, m *object.Mutation) string {
		for i := range 500 {
			m.SetElement(0, field(i), []byte("v"))
		}
		return "OK"
	}}
	c.write(a, fill)
	c.deliver(anything)
	b.scanned = 0
	hset := &trialOp{name: "hset", read: object.ReadSet{Keys: keysOf("h"), Elements: []object.ElementRef{{Key: 0, Sub: field(7)}}},
		eval: func(_ *object.Input, _ *object.View, m *object.Mutation) string {
			m.SetElement(0, field(7), []byte("w"))
			return "OK"
		}}
	r := c.write(a, hset)
	c.deliver(anything)
	c.done(r, "OK")
	if b.scanned > 10 {
		t.Fatalf("a replica read %d rows to store one", b.scanned)
	}
}

// What a peer passed on to the only home replica of a partition is never answered when the store refuses it: Refused drops
// the answer with the batch and knows no request.
func TestRefusedAtTheOnlyHome(t *testing.T) {
	c := newTrial(t, 2, 1, Limits{})
	a, b := c.node(1), c.node(2)
	a.full = true
	least := quorum.Choice{Level: quorum.One}
	r := c.begin(b, opSet("k", "v"), true, least, least)
	c.deliver(anything)
	if !r.Finished || r.Err == nil {
		t.Fatalf("the store refused: finished %v, %v", r.Finished, r.Err)
	}
}

// A refused batch takes with it what the same step let out for others: Refused throws away all messages.
//
// Durable(1) frees the ack of b's write and lets a's own APPEND go on; the store refuses what APPEND stores.
func TestRefusedKeepsOthersAcks(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{})
	a, b := c.node(1), c.node(2)
	a.lazy = true
	b.dead[1] = true
	other := c.write(b, opSet("other", "v"))
	b.dead[1] = false
	c.lose(between(2, 3))
	sent := other.exec.View.Keys[0]
	m := &wire.Write{Header: wire.Header{Epoch: 1, HLC: b.Now(), ID: 77, Asker: b.inc}, Reason: wire.ReasonRepair + 1, Rows: appendKeyRows(nil, keysOf("other")[0], &sent, nil)}
	a.step(func(p *Partition) { p.Receive(c.now, 2, m) }) // stored, not yet durable: the ack waits
	c.write(a, opAppend("k", "x"))
	c.deliver(amid(1, 2)) // b's answer is there; the own rows are not yet durable
	a.full = true
	a.sync()
	if !slices.ContainsFunc(c.mail, func(d parcel) bool {
		w, ok := d.m.(*wire.WriteReply)
		return ok && w.ID == 77 && w.Status == wire.StatusOK
	}) {
		t.Fatal("the ack of a durable batch went with the refused one")
	}
}

// A node without room cannot be read: an answer that merged something newer must store it first, and when the store
// refuses the read fails.
func TestReadWithoutRoom(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{})
	a, b := c.node(1), c.node(2)
	c.plant(b, 2, 0, opSet("k", "v"))
	c.plant(c.node(3), 2, 0, opSet("k", "v"))
	a.full = true
	r := c.begin(a, opGet("k"), false, strict, strict)
	c.deliver(anything)
	c.pass(20)
	c.deliver(anything)
	c.done(r, "v")
}

// Operations that are answered and linger for a silent replica count as under way: one replica that does not answer makes
// all writes fail with ErrOverloaded.
func TestOneSilentReplicaIsNoOverload(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{InFlight: 8})
	a := c.node(1)
	for i := range 50 {
		r := c.write(a, opSet(fmt.Sprintf("k%d", i), "v"))
		c.deliver(amid(1, 2))
		if r.Err != nil {
			t.Fatalf("write %d, each answered before the next: %v", i, r.Err)
		}
	}
}

// The clock's ceiling in the way of an operation that was passed on comes back as an error in words: nobody begins it again,
// though nothing was stored.
func TestCeilingOfAPassedOperation(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{})
	c.node(1).ceiling = true
	r := c.write(c.node(2), opSet("k", "v"))
	c.deliver(anything)
	var remote *RemoteError
	if errors.As(r.Err, &remote) {
		t.Fatalf("%v", r.Err)
	}
}

// The room in which a partition works keeps the size of the largest row that it ever met.
func TestIdleRoomIsBounded(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{})
	b := c.node(2)
	c.plant(b, 1, 0, opSet("k", string(make([]byte, 1<<20))))
	c.plant(b, 1, 0, opSet("j", "v"))
	b.p.Release()
	if n := cap(b.p.bufs.out) + cap(b.p.bufs.rows); n > 2*maxIdleScratch {
		t.Fatalf("an idle partition keeps %d bytes of room", n)
	}
}
