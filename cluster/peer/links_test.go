package peer

import (
	"bytes"
	"math/rand/v2"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// pair starts nodes 1 and 2 over loopback, up.
func pair(t testing.TB, change func(*Options)) (a, b *node) {
	t.Helper()
	var peers []Peer
	var nodes [2]*node
	for i := range nodes {
		l := listen(t)
		o := Options{Self: object.NodeID(i + 1), Listener: l}
		if change != nil {
			change(&o)
		}
		nodes[i] = newNode(t, o)
		peers = append(peers, Peer{ID: o.Self, Addr: l.Addr().String()})
	}
	for i, n := range nodes {
		n.links.SetPeers(peers)
		nodes[1-i].links.SetPeers(peers)
	}
	nodes[0].await(t, "up", nodes[0].has("up 2"))
	nodes[1].await(t, "up", nodes[1].has("up 1"))
	return nodes[0], nodes[1]
}

// TestDelivers sends messages of all lengths both ways at once: short ones, ones that the writer encodes and packs, and ones
// longer than any buffer.
func TestDelivers(t *testing.T) {
	a, b := pair(t, nil)
	r := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 4<<20)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	const n = 3000
	sizes := []int{0, 1, 50, 150, 900, 1100, 4000, 5000, 9000, 70_000, 300_000}
	bodies := make([][]byte, n)
	for i := range bodies {
		size := sizes[min(r.IntN(len(sizes)), r.IntN(len(sizes)))]
		if i%1000 == 999 {
			size = 3 << 20
		}
		if bodies[i] = noise[:size]; i%2 == 0 {
			bodies[i] = bytes.Repeat([]byte("ab"), size/2)
		}
	}
	for i, body := range bodies {
		for _, way := range []struct {
			links *Links
			to    object.NodeID
		}{{a.links, 2}, {b.links, 1}} {
			if !way.links.Send(way.to, &wire.Pass{Header: wire.Header{ID: uint64(i)}, Body: body}) {
				t.Fatalf("message %d was not taken: %+v", i, way.links.Stats())
			}
		}
	}
	for _, node := range []*node{a, b} {
		node.await(t, "all messages", func() bool { return node.count() == n })
		for i, m := range node.got {
			p, ok := m.(*wire.Pass)
			if !ok || p.ID != uint64(i) || !bytes.Equal(p.Body, bodies[i]) {
				t.Fatalf("node %d: message %d came in place of %d, %d bytes of %d", node.id, m.Head().ID, i, len(p.Body), len(bodies[i]))
			}
		}
		if s := node.links.Stats()[0]; s.Sent != n || s.Received != n || s.Lost+s.Expired+s.DroppedFull+s.DroppedNoLink != 0 || s.Latency <= 0 {
			t.Errorf("node %d: %+v", node.id, s)
		}
	}
}

// TestKillAndReturn is a node that ends, and comes back as another incarnation on the same port.
func TestKillAndReturn(t *testing.T) {
	a, b := pair(t, nil)
	addr := b.links.listener.Addr().String()
	back := a.links.listener.Addr().String()
	for inc := object.Incarnation(2); inc < 5; inc++ {
		if err := b.links.Close(); err != nil {
			t.Fatal(err)
		}
		a.await(t, "down", a.has("down 2"))
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		b = newNode(t, Options{Self: 2, Incarnation: inc, Listener: l})
		b.links.SetPeers([]Peer{{ID: 1, Addr: back}})
		a.await(t, "up", a.has("up 2"))
		b.await(t, "up", b.has("up 1"))
		if !a.links.Send(2, request(1, 0, 1)) || !b.links.Send(1, request(1, 0, 1)) {
			t.Fatal("not taken")
		}
		b.await(t, "a message", func() bool { return b.count() == 1 })
		a.await(t, "a message", func() bool { return a.count() == int(inc-1) })
	}
}

func TestSendRefuses(t *testing.T) {
	a, _ := pair(t, nil)
	if a.links.Send(3, request(1, 0, 1)) {
		t.Error("a message for a stranger was taken")
	}
	if a.links.Send(2, &wire.PassReply{Count: wire.Count{Have: 1, DC: string(make([]byte, 300))}}) {
		t.Error("a message beyond the bounds was taken")
	}
	if s := a.links.Stats()[0]; s.DroppedLong != 1 {
		t.Errorf("%+v", s)
	}
}

// TestAtMostOnce breaks connections again and again while numbered messages are sent.
func TestAtMostOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, nodes := inMemory(t, 2, Limits{})
		a, b := nodes[0], nodes[1]
		taken := uint64(0)
		for i := range uint64(3000) {
			if a.links.Send(2, request(i, 0, 10)) {
				taken++
			}
			if i%10 == 0 {
				time.Sleep(time.Millisecond)
			}
			if i%250 == 100 {
				net.sever()
			}
		}
		time.Sleep(time.Second)
		synctest.Wait()
		last := int64(-1)
		for _, m := range b.got {
			if id := int64(m.Head().ID); id <= last {
				t.Fatalf("message %d came after %d", id, last)
			} else {
				last = id
			}
		}
		s := a.links.Stats()[0]
		if s.Sent != taken || taken+s.DroppedNoLink != 3000 {
			t.Errorf("%d taken, %d came, %+v", taken, b.count(), s)
		}
		if b.count() < 1000 || s.Connects < 10 || s.Lost == 0 {
			t.Errorf("too mild: %d came, %+v", b.count(), s)
		}
	})
}

// TestSlowPeer has a peer that reads nothing: what waits for it is bounded, nobody waits with it, and it is down in the end.
func TestSlowPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const bound = 1 << 20
		net, nodes := inMemory(t, 3, Limits{QueueBytes: bound})
		a, c := nodes[0], nodes[2]
		net.set(net.stuck, 1, 2, true)
		most, refused := 0, 0
		for i := range uint64(5000) {
			if !a.links.Send(2, request(i, 0, 1000)) {
				refused++
			}
			if !a.links.Send(3, request(i, 0, 1000)) {
				t.Fatal("a slow peer costs another")
			}
			most = max(most, a.links.Stats()[0].Queued)
			synctest.Wait()
		}
		if most > bound || most < bound*9/10 || refused < 3900 || c.count() != 5000 {
			t.Errorf("%d bytes waited, %d messages were refused, %d reached the other", most, refused, c.count())
		}
		if !a.links.Crowded(0) || !a.links.Crowded(2) || a.links.Crowded(3) {
			t.Errorf("crowded: any %v, the slow one %v, the other %v", a.links.Crowded(0), a.links.Crowded(2), a.links.Crowded(3))
		}
		within(t, 2*time.Second, "down", a.has("down 2"))
		if s := a.links.Stats()[0]; s.Queued != 0 || s.Lost+1 != s.Sent || s.Sent != 5000-uint64(refused) || s.DroppedFull != uint64(refused) || s.Silences != 1 {
			t.Errorf("%+v", s)
		}
		net.set(net.stuck, 1, 2, false)
		within(t, 5*time.Second, "up", a.has("up 2"))
		if a.links.Crowded(0) || a.links.Crowded(2) {
			t.Error("still crowded")
		}
	})
}

// TestOneLongMessage: what is longer than the bound goes when nothing else waits.
func TestOneLongMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, nodes := inMemory(t, 2, Limits{QueueBytes: 1 << 10})
		if !nodes[0].links.Send(2, request(1, 0, 500_000)) {
			t.Error("not taken")
		}
		if nodes[0].links.Send(2, request(2, 0, 1)) {
			t.Error("one more was taken")
		}
		if !nodes[0].links.Crowded(2) {
			t.Error("not crowded")
		}
		synctest.Wait()
		if nodes[0].links.Crowded(0) {
			t.Error("crowded when all is written")
		}
		if n := nodes[1].count(); n != 1 {
			t.Errorf("%d came", n)
		}
	})
}

// TestExpired keeps frames from being written for a while: those that nobody waits for any more are not sent then, and the
// others tell how much of their time is left.
func TestExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, nodes := inMemory(t, 2, Limits{})
		a, b := nodes[0], nodes[1]
		net.set(net.stuck, 1, 2, true)
		for range 2 { // the first fills the relay, the second occupies the writer
			a.links.Send(2, request(1, 0, 40_000))
			synctest.Wait()
		}
		for i, budget := range []uint32{100, 290, 800, 0} {
			a.links.Send(2, request(uint64(100+i), budget, 10))
			a.links.Send(2, request(uint64(200+i), budget, 10_000))
		}
		time.Sleep(200 * time.Millisecond)
		a.links.Send(2, request(300, 300, 10)) // came late, behind the others
		a.links.Send(2, request(301, 150, 10))
		time.Sleep(200 * time.Millisecond)
		net.set(net.stuck, 1, 2, false)
		synctest.Wait()
		var ids []uint64
		for _, m := range b.got[2:] {
			ids = append(ids, m.Head().ID)
			if m.Head().ID%100 == 2 && (m.Head().Budget < 400 || m.Head().Budget > 425) {
				t.Errorf("message %d has %d ms left of 800 after 400", m.Head().ID, m.Head().Budget)
			}
		}
		if want := []uint64{102, 202, 103, 203, 300}; !slices.Equal(ids, want) {
			t.Errorf("came: %d, want %d", ids, want)
		}
		if s := a.links.Stats()[0]; s.Expired != 5 || s.Queued != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestSetPeers: who is no member any more is refused and down; one whose address changed is connected to anew.
func TestSetPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, nodes := inMemory(t, 3, Limits{})
		a, b, c := nodes[0], nodes[1], nodes[2]
		a.links.SetPeers([]Peer{{ID: 3, Addr: address(3)}})
		synctest.Wait()
		if e := a.take(); e != "[down 2]" {
			t.Errorf("events: %s", e)
		}
		if len(a.links.Stats()) != 1 || a.links.Send(2, request(1, 0, 1)) {
			t.Error("there still is a link")
		}
		within(t, time.Second, "down", b.has("down 1"))
		time.Sleep(time.Minute)
		if n := a.links.Refused()[RefusedUnknown]; n < 60 || n > 140 {
			t.Errorf("%d connections were refused", n)
		}
		a.links.SetPeers([]Peer{{ID: 1, Addr: "self"}, {ID: 2, Addr: address(2)}, {ID: 3, Addr: address(3)}})
		within(t, time.Second, "up", func() bool { return a.has("up 2")() && b.has("up 1")() })

		net.mu.Lock()
		net.listeners["moved"] = net.listeners[address(3)]
		delete(net.listeners, address(3))
		net.mu.Unlock()
		a.links.SetPeers([]Peer{{ID: 2, Addr: address(2)}, {ID: 3, Addr: "moved"}})
		synctest.Wait()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if s := a.links.Stats()[1]; s.Connects != 2 || !s.Up || s.Addr != "moved" {
			t.Errorf("%+v", s)
		}
		if e := c.take(); e != "[]" {
			t.Errorf("events: %s", e)
		}
	})
}

func TestQueueKeepsOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var q queue
	var got []uint64
	next, now := uint64(0), time.Second
	w := writer{link: &link{links: &Links{start: time.Now()}}}
	for range 300 {
		for range r.IntN(50) {
			m := request(next, 0, r.IntN(3)*r.IntN(3000))
			size, err := wire.Size(m)
			if err != nil {
				t.Fatal(err)
			}
			now += time.Duration(r.IntN(10)) * time.Millisecond
			q.add(m, size, now*time.Duration(r.IntN(2)))
			next++
		}
		w.pieces = q.take(w.pieces[:0])
		if !q.empty() {
			t.Fatal("something is left")
		}
		bytes, count, spare := sum(w.pieces)
		var buf []byte
		w.link.links.start = time.Now().Add(-now)
		for i := range w.pieces {
			buf = w.append(&packer{}, buf, &w.pieces[i])
		}
		for len(buf) > 0 {
			frame, rest, err := wire.Next(buf)
			if err != nil {
				t.Fatal(err)
			}
			m, err := wire.Decode(frame)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, m.Head().ID)
			buf = rest
		}
		if q.done(bytes, count, spare); q.bytes != 0 || q.count != 0 {
			t.Fatalf("%d bytes and %d messages are left on the account", q.bytes, q.count)
		}
	}
	if uint64(len(got)) != next || !slices.IsSorted(got) {
		t.Errorf("%d of %d came, sorted: %t", len(got), next, slices.IsSorted(got))
	}
}
