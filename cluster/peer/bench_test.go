package peer

import (
	"bytes"
	"fmt"
	"runtime"
	"sync"
	"syscall"
	"testing"

	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// answerer answers each Read with the same row.
type answerer struct {
	nodeStub
	ready chan struct{} // links is set
	links *Links
	row   []byte
}

func (a *answerer) Receive(from object.NodeID, ms []wire.Message) {
	<-a.ready
	for _, m := range ms {
		q, ok := m.(*wire.Read)
		if !ok {
			continue
		}
		h := q.Header
		h.Budget = 0
		a.links.Send(from, &wire.ReadReply{Header: h, Rows: []wire.Row{{Ref: q.Keys[0].Ref, Bytes: a.row}}})
	}
}

// asker wakes whoever waits for a reply.
type asker struct {
	nodeStub
	waiting []chan struct{} // by the request's id
}

func (a *asker) Receive(_ object.NodeID, ms []wire.Message) {
	for _, m := range ms {
		a.waiting[m.Head().ID] <- struct{}{}
	}
}

// ask makes n round trips, one after the other.
func (a *asker) ask(b *testing.B, links *Links, id uint64, n int) {
	for range n {
		if !links.Send(2, &wire.Read{
			Header: wire.Header{Partition: 7, Epoch: 1, ID: id, Asker: 1, Budget: 800}, Slot: 5, Compare: true,
			Keys: []wire.KeyRead{{Ref: object.KeyRef{Name: benchName}, Digest: 1 << 60}},
		}) {
			b.Error("dropped")
			return
		}
		<-a.waiting[id]
	}
}

var benchName = []byte("user:00000000001")

// nodeStub hears Up.
type nodeStub struct {
	once sync.Once
	up   chan struct{}
}

func (s *nodeStub) Up(object.NodeID)   { s.once.Do(func() { close(s.up) }) }
func (s *nodeStub) Down(object.NodeID) {}

func benchRow() []byte {
	row := object.KeyRow{Value: object.Value{Stamp: object.Stamp{HLC: 1 << 50, Node: 1, Inc: 1}, Kind: object.ValueBytes, Bytes: bytes.Repeat([]byte("v"), 60)}}
	return row.AppendRow(nil)
}

func newAsker(flight int) *asker {
	a := &asker{nodeStub: nodeStub{up: make(chan struct{})}}
	for range flight {
		a.waiting = append(a.waiting, make(chan struct{}, 1))
	}
	return a
}

// BenchmarkRoundTrip is a Read and its ReadReply, a row of 100 bytes, between two nodes over loopback, each asked for by a
// goroutine that waits for it: CPU of both ends together, user and system.
func BenchmarkRoundTrip(b *testing.B) {
	for _, flight := range []int{1, 50, 500} {
		b.Run(fmt.Sprintf("flight=%d", flight), func(b *testing.B) { benchmarkRoundTrip(b, flight) })
	}
}

func benchmarkRoundTrip(b *testing.B, flight int) {
	server := &answerer{nodeStub: nodeStub{up: make(chan struct{})}, row: benchRow(), ready: make(chan struct{})}
	client := newAsker(flight)
	one, two := listen(b), listen(b)
	server.links = start(b, Options{Self: 2, Incarnation: 1, Listener: two, Handler: server})
	close(server.ready)
	links := start(b, Options{Self: 1, Incarnation: 1, Listener: one, Handler: client})
	peers := []Peer{{ID: 1, Addr: one.Addr().String()}, {ID: 2, Addr: two.Addr().String()}}
	server.links.SetPeers(peers)
	links.SetPeers(peers)
	<-server.up
	<-client.up

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	b.ResetTimer()
	was := cpu(b, syscall.RUSAGE_SELF)
	trips := float64(client.flood(b, links, flight))
	used := cpu(b, syscall.RUSAGE_SELF) - was
	b.StopTimer()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(used.Nanoseconds())/1e3/trips, "cpu-us/rt")
	s := links.Stats()[0]
	b.ReportMetric(float64(s.Sent)/float64(s.Writes), "msgs/write")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/trips, "allocs/rt")
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/trips, "B/rt")
}

func TestSendAllocatesNothing(t *testing.T) {
	k := newLink(&Links{limits: Limits{}.withDefaults()}, Peer{ID: 2})
	k.out, k.awake = &half{}, true
	m := request(1, 800, 16)
	if n := testing.AllocsPerRun(1000, func() {
		if !k.send(m) {
			t.Fatal("not taken")
		}
		k.queue.open, k.queue.bytes, k.queue.count = k.queue.open[:0], 0, 0
	}); n != 0 {
		t.Errorf("%v allocations to send", n)
	}
}
