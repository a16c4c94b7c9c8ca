package cluster

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/cluster/epoch"
	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/memstore"
	"github.com/rondokv/rondo/engine/object"
)

// hamlet is nodes with keepers, whose ring changes. Messages are delivered at once, each by a goroutine of its own.
type hamlet struct {
	t     *testing.T
	mu    sync.Mutex
	homes map[object.NodeID]*home
	out   sync.WaitGroup
}

type home struct {
	hamlet *hamlet
	id     object.NodeID
	keeper *Keeper
	node   *Node
	ready  chan *ring.Document // what a node without a ring is to adopt first
	gone   chan struct{}
}

func (h *home) Send(to object.NodeID, m wire.Message) bool {
	v := h.hamlet
	v.mu.Lock()
	defer v.mu.Unlock()
	there := v.homes[to]
	if there == nil {
		return false
	}
	m, err := wire.Decode(wire.AppendFrame(nil, m))
	if err != nil {
		panic(err)
	}
	v.out.Go(func() {
		if r, ok := m.(*wire.Ring); ok {
			there.keeper.Receive(h.id, r)
			return
		}
		v.mu.Lock()
		n := there.node
		v.mu.Unlock()
		if n != nil {
			n.Receive(h.id, []wire.Message{m})
		}
	})
	return true
}

func member(id object.NodeID) ring.Member {
	return ring.Member{Node: ring.Node{ID: ring.NodeID(id), Weight: 1}, Client: fmt.Sprintf("h:%d", id)}
}

// settler makes a node: with a document it serves at once, without it waits to be admitted.
func (v *hamlet) settler(id object.NodeID, d *ring.Document) *home {
	h := &home{hamlet: v, id: id, ready: make(chan *ring.Document, 16), gone: make(chan struct{}, 16)}
	k, err := NewKeeper(KeeperOptions{
		Self: id, Inc: 1, Document: d, Auto: true, Seed: uint64(id), Limits: epoch.Limits{StableFor: epoch.Second},
		Send: h.Send, Save: func(epoch.Save) error { return nil },
		Adopt: func(d *ring.Document) bool {
			v.mu.Lock()
			n := h.node
			v.mu.Unlock()
			if n == nil {
				h.ready <- d
				return false
			}
			r, err := d.Ring()
			if err != nil {
				v.t.Error(err)
				return false
			}
			n.SwitchRing(r)
			return true
		},
		Event: func(e epoch.Event) {
			if e.Kind == epoch.EventRemoved {
				h.gone <- struct{}{}
			}
		},
	})
	if err != nil {
		v.t.Fatal(err)
	}
	h.keeper = k
	v.mu.Lock()
	v.homes[id] = h
	v.mu.Unlock()
	if d != nil {
		h.serve(d)
	}
	k.Start()
	return h
}

func (h *home) serve(d *ring.Document) {
	v := h.hamlet
	r, err := d.Ring()
	if err != nil {
		v.t.Fatal(err)
	}
	n, err := NewNode(Options{
		Store: memstore.WithLock(memstore.New()), ID: h.id, Inc: 1, Secret: object.Secret{K0: 1, K1: 2}, SlotsPerPartition: 1024,
		RaiseCeiling: func(object.HLC) error { return nil }, Ring: r, Links: h, Alive: func(object.NodeID) bool { return true },
		Parse:  func(_ object.Slot, body []byte) (dynamo.PassedOp, error) { return parseTownOp(string(body)), nil },
		Keeper: h.keeper,
	})
	if err != nil {
		v.t.Fatal(err)
	}
	v.mu.Lock()
	h.node = n
	v.mu.Unlock()
}

// look gives all keepers the same view.
func (v *hamlet) look(waiting []ring.Member, leaving ...ring.NodeID) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, h := range v.homes {
		h.keeper.View(epoch.View{Waiting: waiting, Leaving: leaving})
		for _, other := range v.homes {
			if other != h {
				h.keeper.Newer(other.id, ring.Epoch(other.keeper.newest.Load()))
			}
		}
	}
}

func (v *hamlet) close() {
	for _, h := range v.homes {
		h.keeper.Close()
	}
	v.out.Wait()
	for _, h := range v.homes {
		if h.node != nil {
			h.node.Close()
		}
	}
	v.out.Wait()
}

func (h *home) do(text string, level Level) (string, error) {
	op := parseTownOp(text)
	c := &Call{Request: dynamo.Request{Op: op, Slot: object.Slot(len(op.key)) * 4321 % object.SlotCount, Write: op.verb == "SET", ReadLevel: level, WriteLevel: level}}
	h.node.Start(c)
	h.node.Finish([]*Call{c})
	return op.reply, c.Err
}

func hamletKeys() []string { return []string{"a", "bb", "ccc", "dddd", "eeeee"} }

// writeAll sets all keys on all replicas.
func (h *home) writeAll(t *testing.T, value string) {
	t.Helper()
	for _, k := range hamletKeys() {
		if _, err := h.do("SET "+k+" "+value, Level{Level: LevelAll}); err != nil {
			t.Fatalf("%s: %v", k, err)
		}
	}
}

// readAll expects the value of all keys on all replicas.
func (h *home) readAll(t *testing.T, value string) {
	t.Helper()
	for _, k := range hamletKeys() {
		if got, err := h.do("GET "+k, Level{Level: LevelAll}); err != nil || got != value {
			t.Fatalf("%s: %q, %v; want %s", k, got, err, value)
		}
	}
}

// admit lets all see that h waits, until stop, and has it serve once it is a member.
func (v *hamlet) admit(h *home) (stop func()) {
	stopped := make(chan struct{})
	v.out.Go(func() {
		for {
			select {
			case <-stopped:
				return
			case <-time.After(100 * time.Millisecond):
				v.look([]ring.Member{member(h.id)})
			}
		}
	})
	admitted := <-h.ready
	h.serve(admitted)
	h.keeper.Adopted(admitted.Epoch)
	return func() { close(stopped) }
}

// A node that is alone takes another in while it serves, and is left alone again: nothing that it had acknowledged is missing at
// either, at any time, and what was alone sweeps and flushes by itself only while it is.
func TestAloneAndNotAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &hamlet{t: t, homes: map[object.NodeID]*home{}}
		defer v.close()
		d, err := ring.Found(ring.Founding{Cluster: "aa", Name: "n", Replicas: 2, Slots: 1024, Members: []ring.Member{member(1)}})
		if err != nil {
			t.Fatal(err)
		}
		first := v.settler(1, d)
		first.writeAll(t, "1")
		second := v.settler(2, nil)
		stop := v.admit(second)
		for second.node.Ring().Epoch() < 4 {
			first.writeAll(t, "2")
			time.Sleep(50 * time.Millisecond)
		}
		stop()
		if first.node.alone.Load() || len(second.node.Ring().Members()) != 2 {
			t.Fatal("there are not two members")
		}
		if err := first.node.Flush(0); err == nil {
			t.Error("a node of two flushes by itself")
		}
		first.readAll(t, "2")
		second.readAll(t, "2")
		second.writeAll(t, "3")
		if err := (RingNode{first.node}).Flush(ScopeAll, 1, Level{Level: LevelAll}); err != nil {
			t.Error(err)
		}

		out, err := second.keeper.Do(t.Context(), epoch.Command{Kind: epoch.CommandChange, Changes: []ring.Change{{Kind: ring.Leave, ID: 1}}})
		if err != nil || out.Err() != nil {
			t.Fatal(err, out.Err())
		}
		<-first.gone
		if s, err := first.keeper.Status(t.Context()); err != nil || !s.Removed {
			t.Errorf("its keeper does not tell others any more what it knows: %+v, %v", s, err)
		}
		synctest.Wait()
		if !second.node.alone.Load() || second.node.Ring().Epoch() < 8 {
			t.Fatalf("epoch %d, alone %v", second.node.Ring().Epoch(), second.node.alone.Load())
		}
		second.readAll(t, "3")
		if size, err := (RingNode{second.node}).Size(ScopeAll, 0); err != nil || size != int64(len(hamletKeys())) {
			t.Errorf("%d keys, %v", size, err)
		}
		if err := second.node.Flush(-1); err != nil {
			t.Error(err)
		}
	})
}

// What comes of a later epoch than the node's waits for it, within bounds, and no longer than its asker.
func TestParked(t *testing.T) {
	v := &hamlet{t: t, homes: map[object.NodeID]*home{}}
	d, err := ring.Found(ring.Founding{Cluster: "aa", Name: "n", Replicas: 2, Slots: 1024, Members: []ring.Member{member(1), member(2)}})
	if err != nil {
		t.Fatal(err)
	}
	h := v.settler(1, d)
	defer v.close()
	read := func(budget uint32) *wire.Read { return &wire.Read{Header: wire.Header{Epoch: 2, Budget: budget}} }
	if !h.node.park(2, read(500)) || !h.node.park(2, &wire.Write{Header: wire.Header{Epoch: 2}}) {
		t.Error("requests are not parked")
	}
	if h.node.park(2, &wire.ReadReply{Header: wire.Header{Epoch: 2}}) {
		t.Error("a reply is parked: it needs no epoch")
	}
	if h.node.park(2, &wire.Read{Header: wire.Header{Epoch: 1}}) {
		t.Error("what is of the present epoch is parked")
	}
	q := &h.node.parked
	q.purge(h.node.Time() + 600*dynamo.Millisecond)
	if len(q.waiting) != 1 || q.dropped != 1 {
		t.Errorf("after 600 ms %d wait, %d dropped", len(q.waiting), q.dropped)
	}
	for range maxParked + 10 {
		h.node.park(2, read(900))
	}
	if len(q.waiting) != maxParked || q.dropped < 10 {
		t.Errorf("%d wait, %d dropped", len(q.waiting), q.dropped)
	}
	h.node.unpark()
	if len(q.waiting) > maxParked || q.bytes > maxParkedBytes {
		t.Errorf("%d wait, %d bytes", len(q.waiting), q.bytes)
	}
}

func TestBucket(t *testing.T) {
	b, now := bucket{rate: 1000}, time.Now()
	if w := b.wait(now); w != 0 {
		t.Errorf("the first byte waits %v", w)
	}
	moved := 0
	for at := now; at.Before(now.Add(10 * time.Second)); at = at.Add(time.Millisecond) {
		if b.wait(at) == 0 {
			b.take(250)
			moved += 250
		}
	}
	if moved < 9500 || moved > 10500 {
		t.Errorf("%d bytes in 10 s at 1000 a second", moved)
	}
}

// A switch stores hints for owners that have not acked, and lets in what was parked. Neither waits for the disk: operations wait for
// the switch.
func TestSwitchWaitsForNoDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newHeldStore()
		n := silent(t, store, 3, 0, raised)
		defer n.Close()
		defer store.Release()
		answered := 0
		for slot := object.Slot(0); slot < object.SlotCount; slot += 512 {
			if n.Ring().Lookup(ring.Slot(slot))[0] != 1 {
				continue
			}
			c := townCall("SET", slot, quorum.One)
			n.Start(c)
			n.Finish([]*Call{c})
			answered++
		}
		store.mu.Lock()
		store.held = true
		store.mu.Unlock()
		for i := range 8 {
			n.parked.waiting = append(n.parked.waiting, parkedMessage{from: object.NodeID(2 + i%2), until: n.Time() + parkFor, message: &wire.Write{
				Header: wire.Header{Epoch: 2, HLC: n.Present(), ID: uint64(i + 1), Asker: 1, Budget: 800, Partition: uint16(i)}, Slot: object.Slot(i * 512),
				Rows: []wire.Row{{Ref: object.KeyRef{Name: []byte("x")}, Bytes: (&object.KeyRow{Cleared: object.Stamp{HLC: 5, Node: 2, Inc: 1}}).AppendRow(nil)}},
			}})
		}
		plan, err := ring.Rebuild(n.Ring(), n.Ring().Members()[:2], ring.Options{Replicas: 2})
		if err != nil {
			t.Fatal(err)
		}
		switched := false
		go func() {
			n.SwitchRing(plan.Ring)
			switched = true
		}()
		synctest.Wait()
		if !switched {
			t.Error("the switch waits")
		}
		store.mu.Lock()
		waits := len(store.queue)
		store.held = false
		store.mu.Unlock()
		if waits < answered+8 {
			t.Errorf("%d batches wait for the disk, those of %d operations and 8 messages should", waits, answered)
		}
	})
}
