package dynamo

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// trial is a cluster whose every message and sync is in the test's hands. The homes of the partition are nodes 1 to
// replicas in order, the fallbacks those after them in order.
type trial struct {
	t        *testing.T
	now      Time
	random   uint64
	nodes    []*party
	mail     []parcel
	operands map[string]func() *trialOp
}

type parcel struct {
	from, to object.NodeID
	m        wire.Message
}

// party is one node of a trial.
type party struct {
	Pace
	c     *trial
	id    object.NodeID
	inc   object.Incarnation
	rows  map[string][]byte
	dead  map[object.NodeID]bool // in this node's view
	last  object.HLC
	skew  Time
	p     *Partition
	batch uint64
	full  bool
	// hintsFull: no more hints are taken.
	hintsFull bool
	lazy      bool // durable only when synced
	ceiling   bool // the clock has no room
	scanned   int
	answers   []*Request
}

func newTrial(t *testing.T, nodes, replicas int, limits Limits) *trial {
	t.Helper()
	c := &trial{t: t, now: 1e6 * Millisecond, operands: map[string]func() *trialOp{}}
	members := make([]ring.Node, nodes)
	for i := range members {
		members[i] = ring.Node{ID: ring.NodeID(i + 1), Weight: 1}
	}
	const partitions = 16
	lists := make([][]ring.NodeID, partitions)
	for p := range lists {
		for i := range replicas {
			lists[p] = append(lists[p], ring.NodeID((p*replicas+i)%nodes+1))
		}
	}
	r, err := ring.Load(1, ring.Slots/partitions, members, lists)
	if err != nil {
		t.Fatal(err)
	}
	for i := range nodes {
		n := &party{c: c, id: object.NodeID(i + 1), inc: object.Incarnation(i + 100), rows: map[string][]byte{}, dead: map[object.NodeID]bool{}}
		n.p, err = NewPartition(n, 0, r, Options{ID: n.id, Inc: n.inc, Secret: object.Secret{K0: 1, K1: 2}, Limits: limits})
		if err != nil {
			t.Fatal(err)
		}
		c.nodes = append(c.nodes, n)
	}
	return c
}

func (n *party) Get(_, key []byte) ([]byte, error) { return n.rows[string(key)], nil }

func (n *party) Scan(lo, hi []byte, fn func(key, row []byte) bool) error {
	var keys []string
	for k := range n.rows {
		if k >= string(lo) && k < string(hi) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		n.scanned++
		if !fn([]byte(k), n.rows[k]) {
			break
		}
	}
	return nil
}

func (n *party) Now() object.HLC {
	n.last = max(n.last, object.HLCOf(int64((n.c.now+n.skew)/Millisecond)))
	return n.last
}

func (n *party) Tick(above object.HLC, count int) (object.HLC, bool) {
	if n.ceiling {
		return 0, false
	}
	first := max(n.Now(), above) + 1
	n.last = first + object.HLC(count-1)
	return first, true
}

func (n *party) Observe(h object.HLC) error  { n.last = max(n.last, h); return nil }
func (n *party) Alive(id object.NodeID) bool { return !n.dead[id] }
func (n *party) HintRoom() bool              { return !n.hintsFull }

func (n *party) Random() uint64 { n.c.random++; return n.c.random }
func (n *party) Parse(_ object.Slot, body []byte) (PassedOp, error) {
	return n.c.operands[string(body)](), nil
}

// step runs one step and all that the driver owes it.
func (n *party) step(f func(*Partition)) {
	n.c.t.Helper()
	f(n.p)
	n.drain()
	if n.batch > 0 && !n.lazy {
		n.sync()
	}
}

func (n *party) drain() {
	r := n.p.Ready()
	if len(r.Writes) > 0 && n.full {
		n.p.Refused(errReviewFull)
		r = n.p.Ready()
	}
	for _, w := range r.Writes {
		if w.Row == nil {
			delete(n.rows, string(w.Key))
		} else {
			n.rows[string(w.Key)] = slices.Clone(w.Row)
		}
	}
	for _, e := range r.Messages {
		n.c.mail = append(n.c.mail, parcel{n.id, e.To, e.Message})
	}
	n.answers = append(n.answers, r.Done...)
	n.batch = max(n.batch, r.Batch)
	if r.More {
		n.p.More(n.c.now)
		n.drain()
	}
}

func (n *party) sync() {
	for n.batch > 0 {
		b := n.batch
		n.batch = 0
		n.p.Durable(n.c.now, b)
		n.drain()
	}
}

var errReviewFull = errors.New("full")

// deliver delivers what match names, and what comes of that, until there is no more; the rest stays in the mail.
func (c *trial) deliver(match func(parcel) bool) {
	c.t.Helper()
	for {
		i := slices.IndexFunc(c.mail, match)
		if i < 0 {
			return
		}
		d := c.mail[i]
		c.mail = slices.Delete(c.mail, i, i+1)
		c.node(d.to).step(func(p *Partition) { p.Receive(c.now, d.from, d.m) })
	}
}

// lose takes messages out of the mail.
func (c *trial) lose(match func(parcel) bool) { c.mail = slices.DeleteFunc(c.mail, match) }

func (c *trial) node(id object.NodeID) *party { return c.nodes[id-1] }

// pass lets time pass in steps of a millisecond, without delivering anything.
func (c *trial) pass(ms int) {
	c.t.Helper()
	for range ms {
		c.now += Millisecond
		for _, n := range c.nodes {
			if at, ok := n.p.NextTimer(); ok && at <= c.now {
				n.step(func(p *Partition) { p.Tick(c.now) })
			}
		}
	}
}

func anything(parcel) bool { return true }

func between(from, to object.NodeID) func(parcel) bool {
	return func(d parcel) bool { return (from == 0 || d.from == from) && (to == 0 || d.to == to) }
}

// amid matches messages among some nodes only.
func amid(ids ...object.NodeID) func(parcel) bool {
	return func(d parcel) bool { return slices.Contains(ids, d.from) && slices.Contains(ids, d.to) }
}

func kind[M wire.Message](match func(parcel) bool) func(parcel) bool {
	return func(d parcel) bool {
		_, ok := d.m.(M)
		return ok && match(d)
	}
}

// trialOp is an operation made of its parts.
type trialOp struct {
	name  string
	read  object.ReadSet
	eval  func(in *object.Input, v *object.View, m *object.Mutation) string
	reply string
}

func (o *trialOp) Reads() object.ReadSet { return o.read }
func (o *trialOp) Eval(in *object.Input, v *object.View, m *object.Mutation) {
	o.reply = o.eval(in, v, m)
}
func (o *trialOp) AppendBody(dst []byte) []byte  { return append(dst, o.name...) }
func (o *trialOp) AppendReply(dst []byte) []byte { return append(dst, o.reply...) }
func (o *trialOp) TakeReply(b []byte)            { o.reply = string(b) }

func keysOf(names ...string) (refs []object.KeyRef) {
	for _, n := range names {
		refs = append(refs, object.KeyRef{Name: []byte(n)})
	}
	return refs
}

func showText(k *object.KeyState) string {
	t, ok := k.Text()
	if !ok {
		return "nil"
	}
	return string(t.AppendTo(nil))
}

func opSet(key, value string) *trialOp {
	return &trialOp{name: "set " + key + value, read: object.ReadSet{Keys: keysOf(key), Blind: true},
		eval: func(_ *object.Input, _ *object.View, m *object.Mutation) string {
			m.Set(0, []byte(value), 0)
			return "OK"
		}}
}

func opGet(key string) *trialOp {
	return &trialOp{name: "get " + key, read: object.ReadSet{Keys: keysOf(key)},
		eval: func(_ *object.Input, v *object.View, _ *object.Mutation) string { return showText(&v.Keys[0]) }}
}

func opAppend(key, value string) *trialOp {
	return &trialOp{name: "append " + key + value, read: object.ReadSet{Keys: keysOf(key)},
		eval: func(_ *object.Input, v *object.View, m *object.Mutation) string {
			t, _ := v.Keys[0].Text()
			out := string(t.AppendTo(nil)) + value
			m.Write(0, []byte(out))
			return out
		}}
}

func opIncr(key string) *trialOp {
	return &trialOp{name: "incr " + key, read: object.ReadSet{Keys: keysOf(key)},
		eval: func(_ *object.Input, v *object.View, m *object.Mutation) string {
			t, _ := v.Keys[0].Text()
			m.Add(0, 1)
			return fmt.Sprint(t.Int + 1)
		}}
}

// opGetDel answers the value and removes the key; of one that is absent it writes nothing.
func opGetDel(key string) *trialOp {
	return &trialOp{name: "getdel " + key, read: object.ReadSet{Keys: keysOf(key)},
		eval: func(_ *object.Input, v *object.View, m *object.Mutation) string {
			s := showText(&v.Keys[0])
			if s != "nil" {
				m.Delete(0)
			}
			return s
		}}
}

var strict = quorum.Choice{Level: quorum.Quorum}

func (c *trial) begin(n *party, o *trialOp, write bool, read, level quorum.Choice) *Request {
	c.t.Helper()
	c.operands[o.name] = func() *trialOp { again := *o; return &again }
	r := &Request{Op: o, Write: write, ReadLevel: read, WriteLevel: level, Deadline: c.now + 800*Millisecond}
	n.step(func(p *Partition) { p.Begin(c.now, r) })
	return r
}

func (c *trial) write(n *party, o *trialOp) *Request {
	c.t.Helper()
	return c.begin(n, o, true, strict, strict)
}

// done demands that a request was answered without an error.
func (c *trial) done(r *Request, want string) {
	c.t.Helper()
	if !r.Finished || r.Err != nil || r.Op.(*trialOp).reply != want {
		c.t.Fatalf("%s: finished %v, %v, reply %q, want %q", r.Op.(*trialOp).name, r.Finished, r.Err, r.Op.(*trialOp).reply, want)
	}
}

// get reads at a node, at QUORUM, delivering among the nodes given only.
func (c *trial) get(n *party, key string, among ...object.NodeID) string {
	c.t.Helper()
	r := c.begin(n, opGet(key), false, strict, strict)
	match := anything
	if len(among) > 0 {
		match = amid(among...)
	}
	for range 100 {
		c.deliver(match)
		if r.Finished {
			break
		}
		c.pass(10)
	}
	if r.Err != nil || !r.Finished {
		c.t.Fatalf("GET %s at %d: finished %v, %v", key, n.id, r.Finished, r.Err)
	}
	return r.Op.(*trialOp).reply
}

// plant lets a node receive a write of another coordinator, whose clock is ahead by so much: of the messages of that write
// it is one that arrived. It returns the message.
func (c *trial) plant(to *party, writer object.NodeID, ahead Time, o *trialOp) *wire.Write {
	c.t.Helper()
	stamp := object.Stamp{HLC: object.HLCOf(int64((c.now+ahead)/Millisecond)) + 1, Node: writer, Inc: c.node(writer).inc}
	var x Execution
	x.Begin(len(o.read.Keys))
	x.Step(o, stamp, 0)
	m := &wire.Write{
		Header: wire.Header{Epoch: 1, HLC: stamp.HLC, ID: 1, Asker: c.node(writer).inc, Budget: 800},
		Reason: wire.ReasonClient, Stamp: stamp, Last: stamp.HLC,
	}
	for i := range x.View.Keys {
		m.Rows = appendKeyRows(m.Rows, o.read.Keys[i], &x.View.Keys[i], nil)
	}
	for db := range o.read.Flush.All() {
		m.Rows = appendDatabaseRow(m.Rows, db, stamp)
	}
	to.step(func(p *Partition) { p.Receive(c.now, writer, m) })
	c.lose(between(to.id, writer))
	return m
}

// survives fails the test when f panics, and lets the other tests run.
func survives(t *testing.T, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if e := recover(); e != nil {
			t.Fatalf("panic: %v", e)
		}
	}()
	f()
}
