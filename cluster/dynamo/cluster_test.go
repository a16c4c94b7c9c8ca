package dynamo

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// member is a node of a test cluster with one partition; its store is a map and all is durable when settle says so.
type member struct {
	Pace
	c       *testCluster
	id      object.NodeID
	inc     object.Incarnation
	rows    map[string][]byte
	last    object.HLC
	p       *Partition
	batch   uint64     // stored and not yet durable
	ceiling object.HLC // nothing at or above it is issued; 0 for none
}

func (m *member) Get(_, key []byte) ([]byte, error) { return m.rows[string(key)], nil }

func (m *member) Scan(lo, hi []byte, fn func(key, row []byte) bool) error {
	for _, k := range sortedKeys(m.rows) {
		if k >= string(lo) && k < string(hi) && !fn([]byte(k), m.rows[k]) {
			return nil
		}
	}
	return nil
}

func (m *member) Now() object.HLC {
	m.last = max(m.last, object.HLCOf(int64(m.c.now/Millisecond)))
	return m.last
}

func (m *member) Tick(above object.HLC, n int) (object.HLC, bool) {
	first := max(m.Now(), above) + 1
	if m.ceiling != 0 && first >= m.ceiling {
		return 0, false
	}
	m.last = first + object.HLC(n-1)
	return first, true
}

func (m *member) Observe(h object.HLC) error  { m.last = max(m.last, h); return nil }
func (m *member) Alive(id object.NodeID) bool { return !m.c.down[id] }
func (m *member) HintRoom() bool              { return true }

func (m *member) Random() uint64 { m.c.random++; return m.c.random }
func (m *member) Parse(_ object.Slot, body []byte) (PassedOp, error) {
	return parseOp(string(body)), nil
}

type testCluster struct {
	t       testing.TB
	now     Time
	random  uint64
	members map[object.NodeID]*member
	order   []object.NodeID
	down    map[object.NodeID]bool
	queue   []delivery
	cut     func(from, to object.NodeID, m wire.Message) bool
	lazy    bool // batches become durable only with sync

}

type delivery struct {
	from, to object.NodeID
	m        wire.Message
}

func newTestCluster(t testing.TB, nodes, replicas int) *testCluster {
	c := &testCluster{t: t, now: 1e6 * Millisecond, members: map[object.NodeID]*member{}, down: map[object.NodeID]bool{}}
	var list []ring.Node
	for i := range nodes {
		list = append(list, ring.Node{ID: ring.NodeID(i + 1), Weight: 1})
	}
	r, err := ring.Build(list, ring.Options{Replicas: replicas, SlotsPerPartition: 16384})
	if err != nil {
		t.Fatal(err)
	}
	for i := range nodes {
		m := &member{c: c, id: object.NodeID(i + 1), inc: object.Incarnation(i + 100), rows: map[string][]byte{}}
		if m.p, err = NewPartition(m, 0, r, Options{ID: m.id, Inc: m.inc, Secret: object.Secret{K0: 1, K1: 2}}); err != nil {
			t.Fatal(err)
		}
		c.members[m.id] = m
		c.order = append(c.order, m.id)
	}
	return c
}

// home returns the i-th node of the preference list, fallback the i-th off it.
func (c *testCluster) home(i int) *member { return c.members[c.members[1].p.ids[i]] }

func (c *testCluster) drain(m *member) {
	r := m.p.Ready()
	for _, w := range r.Writes {
		if w.Row == nil {
			delete(m.rows, string(w.Key))
		} else {
			m.rows[string(w.Key)] = append([]byte(nil), w.Row...)
		}
	}
	for _, e := range r.Messages {
		c.queue = append(c.queue, delivery{m.id, e.To, e.Message})
	}
	batch := r.Batch
	if r.More {
		m.p.More(c.now)
		c.drain(m)
	}
	if batch != 0 {
		m.batch = max(m.batch, batch)
		if !c.lazy {
			c.sync(m)
		}
	}
}

func (c *testCluster) sync(m *member) {
	m.p.Durable(c.now, m.batch)
	c.drain(m)
}

func (c *testCluster) deliver() {
	for len(c.queue) > 0 {
		d := c.queue[0]
		c.queue = c.queue[1:]
		if c.down[d.to] || c.down[d.from] || c.cut != nil && c.cut(d.from, d.to, d.m) {
			continue
		}
		m := c.members[d.to]
		m.p.Receive(c.now, d.from, d.m)
		c.drain(m)
	}
}

// advance lets time pass in steps of 10 ms.
func (c *testCluster) advance(ms int) {
	for range ms / 10 {
		c.now += 10 * Millisecond
		for _, id := range c.order {
			if m := c.members[id]; !c.down[id] {
				m.p.Tick(c.now)
				c.drain(m)
			}
		}
		c.deliver()
	}
}

func (c *testCluster) begin(m *member, text string, read, write quorum.Level) (*Request, *testOp) {
	o := parseOp(text)
	r := &Request{
		Op: o, Write: o.verb != "GET", ReadLevel: quorum.Choice{Level: read}, WriteLevel: quorum.Choice{Level: write},
		Deadline: c.now + 800*Millisecond,
	}
	m.p.Begin(c.now, r)
	c.drain(m)
	return r, o
}

// run runs an operation to its end.
func (c *testCluster) run(m *member, text string, level quorum.Level) (string, error) {
	c.t.Helper()
	r, o := c.begin(m, text, level, level)
	c.deliver()
	for range 100 {
		if r.Finished {
			return o.reply, r.Err
		}
		c.advance(10)
	}
	c.t.Fatalf("%s: not finished", text)
	return "", nil
}

func (c *testCluster) must(m *member, text string, level quorum.Level, want string) {
	c.t.Helper()
	if got, err := c.run(m, text, level); err != nil || got != want {
		c.t.Fatalf("%s: %q, %v, want %q", text, got, err, want)
	}
}

// testOp is "SET k v", "GET k", "APPEND k v", "INCR k".
type testOp struct {
	verb, key, value, reply string
}

func parseOp(text string) *testOp {
	f := append(strings.Fields(text), "", "")
	return &testOp{verb: f[0], key: f[1], value: f[2]}
}

func (o *testOp) Reads() object.ReadSet {
	return object.ReadSet{Keys: []object.KeyRef{{Name: []byte(o.key)}}, Blind: o.verb == "SET"}
}

func (o *testOp) Eval(_ *object.Input, v *object.View, m *object.Mutation) {
	text, _ := v.Keys[0].Text()
	have := string(text.AppendTo(nil))
	switch o.verb {
	case "GET":
		o.reply = have
	case "SET":
		o.reply = "OK"
		m.Set(0, []byte(o.value), 0)
	case "APPEND":
		o.reply = have + o.value
		m.Write(0, []byte(o.reply))
	case "INCR":
		m.Add(0, 1)
		o.reply = fmt.Sprint(text.Int + 1)
	}
}

func (o *testOp) AppendBody(dst []byte) []byte {
	return append(dst, o.verb+" "+o.key+" "+o.value...)
}
func (o *testOp) AppendReply(dst []byte) []byte { return append(dst, o.reply...) }
func (o *testOp) TakeReply(b []byte)            { o.reply = string(b) }

func sortedKeys(m map[string][]byte) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	for i := 1; i < len(keys); i++ {
		for j := i; j > 0 && keys[j] < keys[j-1]; j-- {
			keys[j], keys[j-1] = keys[j-1], keys[j]
		}
	}
	return keys
}

func TestQuorumOperations(t *testing.T) {
	c := newTestCluster(t, 5, 3)
	for i, id := range c.order {
		m := c.members[id]
		c.must(m, fmt.Sprintf("SET k v%d", i), quorum.Quorum, "OK")
		c.must(m, "GET k", quorum.Quorum, fmt.Sprintf("v%d", i))
		c.must(m, "APPEND k x", quorum.Quorum, fmt.Sprintf("v%dx", i))
		c.must(m, "INCR n", quorum.Quorum, fmt.Sprint(i+1))
	}
	for i := range 3 {
		c.must(c.home(i), "GET k", quorum.One, "v4x")
	}
	c.advance(2000)
	for _, id := range c.order {
		if p := c.members[id].p; p.Busy() {
			t.Errorf("node %d is still busy", id)
		}
	}
}

func TestHintComesHome(t *testing.T) {
	c := newTestCluster(t, 5, 3)
	away := c.home(2)
	c.down[away.id] = true
	c.must(c.home(0), "SET k v", quorum.Quorum, "OK")
	if _, err := c.run(c.home(0), "SET k w", quorum.All); err == nil {
		t.Fatal("ALL with a node down")
	}
	c.advance(1000)
	c.down[away.id] = false
	c.advance(1000)
	c.must(away, "GET k", quorum.One, "v")
	for _, id := range c.order {
		if h := c.members[id].p.Hinted(); len(h) != 0 {
			t.Errorf("node %d keeps hints for %v", id, h)
		}
	}
}

func TestClockCeiling(t *testing.T) {
	c := newTestCluster(t, 5, 3)
	a := c.home(0)
	c.must(a, "SET k v", quorum.Quorum, "OK")
	for _, text := range []string{"SET k w", "APPEND k w", "INCR n"} {
		a.ceiling = a.Now()
		if _, err := c.run(a, text, quorum.Quorum); !errors.Is(err, ErrClockCeiling) {
			t.Errorf("%s at the ceiling: %v", text, err)
		}
		for i := range 3 {
			c.must(c.home(i), "GET k", quorum.One, "v")
		}
		a.ceiling = 0
	}
	c.must(a, "APPEND k w", quorum.Quorum, "vw")
	c.advance(2000)
	if a.p.Busy() {
		t.Error("still busy")
	}
}

// A request that found no room below the clock's ceiling is begun again, as it is: it is not finished by what it was before.
func TestBegunAgainAfterTheCeiling(t *testing.T) {
	c := newTestCluster(t, 3, 3)
	a := c.home(0)
	a.ceiling = a.Now()
	r, o := c.begin(a, "SET k v", quorum.Quorum, quorum.Quorum)
	if !r.Finished || !errors.Is(r.Err, ErrClockCeiling) {
		t.Fatalf("at the ceiling: finished %v, %v", r.Finished, r.Err)
	}
	a.ceiling = 0
	a.p.Begin(c.now, r)
	c.drain(a)
	if r.Finished || r.Err != nil {
		t.Fatalf("begun again, before anybody has acked: finished %v, %v", r.Finished, r.Err)
	}
	c.deliver()
	if !r.Finished || r.Err != nil || o.reply != "OK" {
		t.Fatalf("acked: finished %v, %v, %q", r.Finished, r.Err, o.reply)
	}
}
