package dynamo

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
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
	c       *trial
	id      object.NodeID
	inc     object.Incarnation
	rows    map[string][]byte
	dead    map[object.NodeID]bool // in this node's view
	last    object.HLC
	skew    Time
	p       *Partition
	batch   uint64
	full    bool
	lazy    bool // durable only when synced
	ceiling bool // the clock has no room
	scanned int
	answers []*Request
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
func (n *party) Random() uint64              { n.c.random++; return n.c.random }
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
	for _, db := range o.read.Flush {
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

// R1. An operation that waits to be stamped again is answered meanwhile, and then stamped again without its request.
//
// N=5. A newer value of b's is at b alone. a runs SET 1 and then SET 2; b answers hidden to SET 1 first: SET 2 covers it and
// still waits, so SET 1 waits for it (again). Now c and d ack SET 1: it is answered and lingers, for e has not acked. 5 ms
// later the timer stamps it again: there is no request any more.
func TestReviewStampedAgainAfterTheAnswer(t *testing.T) {
	c := newTrial(t, 5, 5, Limits{})
	a, b := c.node(1), c.node(2)
	c.plant(b, 2, 100*Millisecond, opSet("k", "b"))
	one := c.write(a, opSet("k", "1"))
	c.deliver(between(1, 2)) // SET 1 to b alone; its answer stays in the mail
	two := c.write(a, opSet("k", "2"))
	c.deliver(between(2, 1))
	var first *wire.Write
	c.deliver(func(d parcel) bool { // SET 1 to c and d, and their acks
		w, ok := d.m.(*wire.Write)
		if ok && first == nil {
			first = w
		}
		return d.to != 5 && (ok && w == first || d.to == 1)
	})
	if !one.Finished || two.Finished {
		t.Fatalf("the schedule does not fit: finished %v, %v", one.Finished, two.Finished)
	}
	survives(t, func() { c.pass(20) })
}

// R2. A value of another coordinator reaches the primary's own row before the answer hidden does, and is taken for a later
// one of the primary's own: the operation is not stamped again, yet acked. It is never seen.
//
// b's clock is ahead. b wrote "b", which c acked: a QUORUM. b's message to a is slow. a runs SET "a": b and c answer hidden.
// Before those answers b's message arrives at a. Own row: "b". isNewest says no, the row "still shows", so a sends the row
// of "b" around and counts the acks of that.
func TestReviewHiddenByWhatCameMeanwhile(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{})
	a, b, third := c.node(1), c.node(2), c.node(3)
	c.plant(b, 2, 1000*Millisecond, opSet("k", "b"))
	late := c.plant(third, 2, 1000*Millisecond, opSet("k", "b"))
	r := c.write(a, opSet("k", "a"))
	c.deliver(between(1, 0)) // both answer hidden; the answers wait
	a.step(func(p *Partition) { p.Receive(c.now, 2, late) })
	c.deliver(anything)
	c.pass(900)
	c.deliver(anything)
	if r.Err == nil {
		if got := c.get(third, "k"); got != "a" {
			t.Fatalf("SET a was acked after SET b was; a read shows %q", got)
		}
	}
}

// R3. A blind SET is stamped again over a later INCR of the same primary: isNewest looks at the value field alone, and an
// INCR (an EXPIRE, a PERSIST) leaves that as it was.
//
// c alone has a newer value of its own. a runs SET 5 (its ack from b is slow) and INCR, which b acks: 6. Then c's hidden
// answer to SET 5 comes: SET is stamped again, sees the increment and resets it. The client was told 6 and reads 5.
func TestReviewStampedAgainOverALaterIncrement(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{})
	a, b, third := c.node(1), c.node(2), c.node(3)
	c.plant(third, 3, 1000*Millisecond, opSet("k", "c"))
	set := c.write(a, opSet("k", "5"))
	c.deliver(between(1, 0))
	var slow []parcel // both answers to SET
	for _, d := range c.mail {
		if _, ok := d.m.(*wire.WriteReply); ok {
			slow = append(slow, d)
		}
	}
	c.mail = nil
	incr := c.write(a, opIncr("k"))
	c.deliver(amid(1, 2))
	c.done(incr, "6")
	c.mail = nil
	for _, d := range slow {
		if d.from == third.id {
			a.step(func(p *Partition) { p.Receive(c.now, d.from, d.m) })
		}
	}
	c.deliver(amid(1, 2))
	if got := c.get(b, "k", 1, 2); got == "5" {
		t.Fatalf("INCR answered 6, then a read shows %s; SET: finished %v, %v", got, set.Finished, set.Err)
	}
}

// R4. What a replica answers late is not looked at: linger empties op.reads, and takeRows goes by its length. repairLate then
// compares digests that nobody filled in: zeros, or those of the operation that used the room before.
func TestReviewLateAnswersAreCompared(t *testing.T) {
	t.Run("same", func(t *testing.T) {
		c := newTrial(t, 3, 3, Limits{RepairOneIn: 1})
		a := c.node(1)
		c.write(a, opSet("k", "v"))
		c.deliver(anything)
		r := c.begin(a, opGet("k"), false, strict, strict)
		c.deliver(amid(1, 2))
		c.done(r, "v")
		c.deliver(anything) // c's answer: it has the same
		if n := a.p.Stats().Repairs; n != 0 {
			t.Fatalf("%d repairs of a replica that has the same", n)
		}
	})
	t.Run("stale", func(t *testing.T) {
		c := newTrial(t, 3, 3, Limits{RepairOneIn: 1})
		a, third := c.node(1), c.node(3)
		c.write(a, opSet("k", "v"))
		c.deliver(anything)
		all := quorum.Choice{Level: quorum.All}
		r := c.begin(a, opGet("k"), false, all, all) // leaves c's digest in the room of its operation
		c.deliver(anything)
		c.done(r, "v")
		clear(third.rows) // c has lost its rows
		r = c.begin(a, opGet("k"), false, strict, strict)
		c.deliver(amid(1, 2))
		c.done(r, "v")
		c.deliver(anything)
		if len(third.rows) == 0 {
			t.Fatalf("the late answer of a stale replica repaired nothing")
		}
	})
}

// R5. A SLOPPY read at a fallback that holds no hint for the key says "absent": of other fallbacks only those that hold one
// count (StatusNoHint), of this node itself it is not asked.
func TestReviewFallbackWithoutAHintKnowsNothing(t *testing.T) {
	c := newTrial(t, 5, 3, Limits{})
	c.write(c.node(1), opSet("k", "v"))
	c.deliver(anything)
	d := c.node(4)
	d.dead = map[object.NodeID]bool{1: true, 2: true, 3: true}
	one := quorum.Choice{Level: quorum.One, Sloppy: true}
	r := c.begin(d, opGet("k"), false, one, one)
	if r.Finished && r.Err == nil {
		t.Fatalf("a node that knows nothing of k answers %q", r.Op.(*trialOp).reply)
	}
}

// R6. A write at strict QUORUM whose connection reads at QUORUM/SLOPPY gathers from hints: gatherLevel takes any majority for
// good enough. It does not see what a strict quorum acked, and overwrites it.
//
// d keeps an old hint (v) for b. a misses APPEND x, which b and c acked. Now b is dead and c slow to answer: a's APPEND y gathers
// own "v" and d's hint "v".
func TestReviewStrictWritesGatherStrictly(t *testing.T) {
	c := newTrial(t, 5, 3, Limits{})
	a, b := c.node(1), c.node(2)
	a.dead[2] = true
	r := c.write(a, opSet("k", "v")) // d gets the hint for b
	c.deliver(anything)
	c.done(r, "OK")
	a.dead[2] = false
	c.node(4).dead[2] = true // d does not replay yet
	b.dead[1] = true         // b does not hear a
	r = c.write(b, opAppend("k", "x"))
	c.deliver(amid(2, 3))
	c.pass(20)
	c.deliver(amid(2, 3))
	c.done(r, "vx")
	c.mail = nil
	c.pass(10)
	a.dead[2] = true
	r = c.begin(a, opAppend("k", "y"), true, quorum.Choice{Level: quorum.Quorum, Sloppy: true}, strict)
	slow := kind[*wire.ReadReply](between(3, 1))
	for range 5 {
		c.deliver(func(d parcel) bool { return !slow(d) && amid(1, 3, 4)(d) })
		c.pass(10)
	}
	c.deliver(amid(1, 3, 4))
	if r.Finished && r.Err == nil && r.Op.(*trialOp).reply != "vxy" {
		t.Fatalf("APPEND x was acked by a strict quorum; APPEND y at strict QUORUM answers %q", r.Op.(*trialOp).reply)
	}
}

// R7. Replicas' acks of the row "as it is then" are counted even where that row is hidden: after a reissue the Write carries the
// new stamp, under which nothing was written on keys that a later operation covers, so Hides never says so.
//
// N=5. c's value "c" (stamp far ahead) was acked by c, d, e. b has an older one of its own. a: SET 1, below both; then, once
// its clock is between the two, SET 2, all of whose messages are lost. b's answer hidden comes: SET 2 covers b's value, so a
// sends the row of SET 2 for SET 1 and c, d, e ack it, though it does not show there.
func TestReviewAckOfAHiddenRow(t *testing.T) {
	c := newTrial(t, 5, 5, Limits{})
	a, b := c.node(1), c.node(2)
	for id := object.NodeID(3); id <= 5; id++ {
		c.plant(c.node(id), 3, 5000*Millisecond, opSet("k", "c"))
	}
	c.plant(b, 2, 100*Millisecond, opSet("k", "b"))
	one := c.write(a, opSet("k", "1"))
	c.deliver(between(1, 2))
	c.lose(between(1, 0))
	c.now += 200 * Millisecond
	two := c.write(a, opSet("k", "2"))
	c.lose(between(1, 0))
	c.deliver(between(2, 1)) // hidden, by b's value
	c.deliver(amid(1, 3, 4))
	if two.Finished && two.Err == nil {
		t.Fatal("the schedule does not fit")
	}
	if slices.Contains(a.answers, one) && one.Err == nil {
		if got := c.get(c.node(3), "k", 3, 4, 5); got == "c" {
			t.Fatalf("SET 1 was acked after SET c was; a read shows %q", got)
		}
	}
}

// R8. A write-back leaves out the database's clear that the answer depends on, when it came between the gather and the
// evaluation: storeView sends it only if the gather found something.
//
// N=5, k=v everywhere. GETDEL at a looks: all the same. Then a FLUSHDB reaches a alone. GETDEL finds nothing, and answers nil
// once a quorum acked the row of k: without the clear. Its coordinator is gone; others read v.
func TestReviewWriteBackOfADatabaseClear(t *testing.T) {
	c := newTrial(t, 5, 5, Limits{})
	a := c.node(1)
	c.write(a, opSet("k", "v"))
	c.deliver(anything)
	c.pass(1)
	r := c.write(a, opGetDel("k"))
	c.deliver(kind[*wire.Read](anything))
	c.plant(a, 5, 0, &trialOp{read: object.ReadSet{Flush: []uint8{0}}, eval: func(*object.Input, *object.View, *object.Mutation) string { return "OK" }})
	c.deliver(amid(1, 2, 3, 4))
	c.done(r, "nil")
	if got := c.get(c.node(2), "k", 2, 3, 4); got != "nil" {
		t.Fatalf("a QUORUM operation answered that k is absent, then a read shows %q", got)
	}
}

// R9. An ack of hints is taken from anybody who knows the batch's number: the hint is let go though the target has nothing.
func TestReviewHintsAreAckedByTheirTarget(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{})
	a := c.node(1)
	a.dead[3] = true
	c.write(a, opSet("k", "v"))
	c.deliver(anything)
	a.dead[3] = false
	c.pass(5)
	var sent *wire.Write
	for _, d := range c.mail {
		if w, ok := d.m.(*wire.Write); ok && w.Reason == wire.ReasonHint {
			sent = w
		}
	}
	if sent == nil {
		t.Fatal("no hint was sent home")
	}
	ack := &wire.WriteReply{Header: wire.Header{Epoch: 1, HLC: a.last, ID: sent.ID, Asker: a.inc}}
	a.step(func(p *Partition) { p.Receive(c.now, 2, ack) })
	for key := range a.rows {
		if key[0] == object.SpaceHint {
			return
		}
	}
	t.Fatal("an ack of node 2 let the hint for node 3 go")
}

// R10. An answer to a Read from a node that was not asked: a fallback that joined the operation after the digests were made.
func TestReviewAnswerOfANodeThatWasNotAsked(t *testing.T) {
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

// R11. ANY is refused although fallbacks are alive: the one that is asked sees another before itself and may not pass it on.
//
// All homes are dead. Of the fallbacks 4, 5, 6, node 6 does not hear 4 and passes a SET at ANY to 5, which does hear 4.
func TestReviewAnyAtAFallbackThatIsNotTheFirst(t *testing.T) {
	c := newTrial(t, 6, 3, Limits{})
	for _, n := range c.nodes {
		n.dead = map[object.NodeID]bool{1: true, 2: true, 3: true}
	}
	sixth := c.node(6)
	sixth.dead[4] = true
	least := quorum.Choice{Level: quorum.Any}
	r := c.begin(sixth, opSet("k", "v"), true, least, least)
	survives(t, func() { c.deliver(amid(5, 6)) })
	if !r.Finished || r.Err != nil {
		t.Fatalf("a SET at ANY with three live nodes: finished %v, %v", r.Finished, r.Err)
	}
}

// R12. A replica reads all elements of a hash whenever one of them is written at QUORUM: Tell is set for every client's write,
// and mergeWrite then loads the key whole. Only a clear needs that.
func TestReviewOneElementIsNotTheWholeHash(t *testing.T) {
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

// R13. What a peer passed on to the only home replica of a partition is never answered when the store refuses it: Refused drops
// the answer with the batch and knows no request.
func TestReviewRefusedAtTheOnlyHome(t *testing.T) {
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

// R14. A refused batch takes with it what the same step let out for others: Refused throws away all messages.
//
// Durable(1) frees the ack of b's write and lets a's own APPEND go on; the store refuses what APPEND stores.
func TestReviewRefusedKeepsOthersAcks(t *testing.T) {
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

// R15. A node without room cannot be read: an answer that merged something newer must store it first, and when the store
// refuses the read fails.
func TestReviewReadWithoutRoom(t *testing.T) {
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

// R16. What an operation read at QUORUM is answered when its own row is written at ONE: MULTI GET a, SET b with READ QUORUM
// WRITE ONE. The rows of a go out with the write, but nobody waits until a quorum has them.
//
// N=5. a's value is at node 2 alone, of a write that timed out. MULTI at node 1 answers 1, its messages are lost; a read of 3, 4, 5
// then answers nil.
func TestReviewReadPartOfAWriteAtOne(t *testing.T) {
	c := newTrial(t, 5, 5, Limits{})
	a := c.node(1)
	c.plant(c.node(2), 2, 0, opSet("a", "1"))
	multi := &trialOp{name: "multi", read: object.ReadSet{Keys: keysOf("a", "b"), Ticks: 2}, eval: func(_ *object.Input, v *object.View, m *object.Mutation) string {
		m.Set(1, []byte("x"), 0)
		return showText(&v.Keys[0])
	}}
	r := c.begin(a, multi, true, strict, quorum.Choice{Level: quorum.One})
	c.deliver(kind[*wire.Read](anything))
	c.deliver(kind[*wire.ReadReply](anything))
	c.lose(between(1, 0))
	if !slices.Contains(a.answers, r) || r.Err != nil {
		return // it waits for the level that it reads at
	}
	if got := c.get(c.node(3), "a", 3, 4, 5); got != r.Op.(*trialOp).reply {
		t.Fatalf("read at QUORUM in a MULTI: %s, then: %s", r.Op.(*trialOp).reply, got)
	}
}

// R17. Operations that are answered and linger for a silent replica count as under way: one replica that does not answer makes
// all writes fail with ErrOverloaded.
func TestReviewOneSilentReplicaIsNoOverload(t *testing.T) {
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

// R18. Hints of a database's clear are not looked at when a fallback reads its hints: what was flushed shows.
func TestReviewHintedFlush(t *testing.T) {
	c := newTrial(t, 4, 3, Limits{})
	d := c.node(4)
	d.dead = map[object.NodeID]bool{1: true, 2: true, 3: true}
	sloppy := quorum.Choice{Level: quorum.One, Sloppy: true}
	r := c.begin(d, opSet("k", "v"), true, sloppy, sloppy)
	if !slices.Contains(d.answers, r) {
		t.Fatal("the schedule does not fit")
	}
	c.pass(1)
	rows := appendDatabaseRow(nil, 0, object.Stamp{HLC: d.Now() + 1, Node: 1, Inc: 100})
	m := &wire.Write{Header: wire.Header{Epoch: 1, HLC: d.Now() + 1, ID: 5, Asker: 100}, Reason: wire.ReasonClient, For: 2, Rows: rows}
	d.step(func(p *Partition) { p.Receive(c.now, 1, m) })
	r = c.begin(d, opGet("k"), false, sloppy, sloppy)
	if r.Err == nil && r.Op.(*trialOp).reply != "nil" {
		t.Fatalf("after FLUSHDB: %q", r.Op.(*trialOp).reply)
	}
}

// R19. More ticks than a message can say: the replica takes what the operation wrote in later ones for somebody else's, and does
// not tell that it is hidden.
func TestReviewManyTicks(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{})
	a := c.node(1)
	for id := object.NodeID(2); id <= 3; id++ {
		c.plant(c.node(id), 2, 5000*Millisecond, opSet("k", "b"))
	}
	const ticks = 1<<16 + 100
	long := &trialOp{name: "long", read: object.ReadSet{Keys: keysOf("k"), Blind: true, Ticks: ticks},
		eval: func(_ *object.Input, _ *object.View, m *object.Mutation) string {
			m.Set(0, []byte("a"), 0)
			m.Changes[0].Tick = ticks - 1
			return "OK"
		}}
	r := c.write(a, long)
	c.deliver(anything)
	if r.Finished && r.Err != nil {
		return // refused
	}
	if got := c.get(c.node(3), "k"); got != "a" {
		t.Fatalf("acked after SET b was; a read shows %q", got)
	}
}

// R20. The clock's ceiling in the way of an operation that was passed on comes back as an error in words: nobody begins it again,
// though nothing was stored.
func TestReviewCeilingOfAPassedOperation(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{})
	c.node(1).ceiling = true
	r := c.write(c.node(2), opSet("k", "v"))
	c.deliver(anything)
	var remote *RemoteError
	if errors.As(r.Err, &remote) {
		t.Fatalf("%v", r.Err)
	}
}

// R21. A hint that its target cannot take holds up all hints behind it for ever: the replay begins at the first each time.
func TestReviewOneBadRowHoldsUpNoHints(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{ReplayRows: 1})
	a, third := c.node(1), c.node(3)
	a.dead[3] = true
	for i := range 4 {
		c.write(a, opSet(fmt.Sprintf("k%d", i), "v"))
		c.deliver(anything)
	}
	var hints []string
	for key := range a.rows {
		if key[0] == object.SpaceHint {
			hints = append(hints, key)
		}
	}
	slices.Sort(hints)
	data := hints[0][9:]
	third.rows[data] = []byte("cannot be read")
	a.dead[3] = false
	for range 300 {
		c.pass(20)
		c.deliver(anything)
	}
	for _, key := range hints[1:] {
		if third.rows[key[9:]] == nil {
			t.Fatal("the hints behind a row that cannot be read never come home")
		}
	}
}

// R22. The room in which a partition works keeps the size of the largest row that it ever met.
func TestReviewIdleRoomIsBounded(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{})
	b := c.node(2)
	c.plant(b, 1, 0, opSet("k", string(make([]byte, 1<<20))))
	c.plant(b, 1, 0, opSet("j", "v"))
	b.p.Release()
	if n := cap(b.p.bufs.out) + cap(b.p.bufs.rows); n > 2*maxIdleScratch {
		t.Fatalf("an idle partition keeps %d bytes of room", n)
	}
}

// R24. What hides a blind write may have seen it: then it is no reason to stamp it again, which takes back what came after.
//
// a: SET 1, which b has; b's ack is slow. a hangs, b becomes primary and runs APPEND x on it: "1x", acked by b and c. c gets a's
// SET 1 late: hidden. a comes back, stamps SET 1 again and so removes the x. (The value that hides names what it replaced: SET 1.)
func TestReviewHiddenByWhoSawIt(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{})
	b := c.node(2)
	c.write(c.node(1), opSet("k", "1"))
	slow := kind[*wire.WriteReply](between(2, 1))
	c.deliver(between(1, 2))
	b.dead[1] = true
	c.pass(1)
	r := c.write(b, opAppend("k", "x"))
	c.deliver(amid(2, 3))
	c.done(r, "1x")
	c.lose(kind[*wire.Write](between(2, 1)))
	c.deliver(func(d parcel) bool { return !slow(d) && amid(1, 3)(d) }) // SET 1 to c: hidden; the new stamp to c
	c.deliver(anything)
	if got := c.get(b, "k"); got != "1x" {
		t.Fatalf("APPEND answered 1x, then a read shows %q", got)
	}
}

// R25. A blind write is stamped again over a later FLUSHDB of the same primary: overtake looks at keys only.
//
// a: SET v, slow; b reads v at QUORUM. FLUSHDB at a is acked. Then c's hidden answer (it has a value of its own) comes: SET v is
// stamped again, above the flush.
func TestReviewStampedAgainOverALaterFlush(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{})
	a, b, third := c.node(1), c.node(2), c.node(3)
	c.plant(third, 3, 100*Millisecond, opSet("k", "c"))
	c.write(a, opSet("k", "v"))
	c.deliver(between(1, 0))
	var slow []parcel
	for _, d := range c.mail {
		if d.from == third.id {
			slow = append(slow, d)
		}
	}
	c.mail = nil
	if got := c.get(b, "k", 1, 2); got != "v" {
		t.Fatalf("the schedule does not fit: %q", got)
	}
	c.now += 200 * Millisecond
	flush := &trialOp{name: "flush", read: object.ReadSet{Flush: []uint8{0}}, eval: func(*object.Input, *object.View, *object.Mutation) string { return "OK" }}
	r := c.write(a, flush)
	c.deliver(amid(1, 2))
	c.done(r, "OK")
	for _, d := range slow {
		a.step(func(p *Partition) { p.Receive(c.now, d.from, d.m) })
	}
	c.deliver(anything)
	if got := c.get(b, "k"); got != "nil" {
		t.Fatalf("a read showed v, FLUSHDB was acked, then a read shows %q", got)
	}
}

// R26. A read is evaluated at a time that nobody else has heard of: the coordinator's clock when the last answer came. What it
// says is expired shows again at a slower clock.
//
// a's clock is a second ahead. It asks b one millisecond before k expires and hears of it three milliseconds later: expired. A
// read of b and c, who know a's clock as of the question, shows k. Evaluated at the reading that went out with the question, each
// later quorum has a member that is not behind it.
func TestReviewExpiredStaysExpired(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{})
	a, b := c.node(1), c.node(2)
	at := int64((c.now + 1000*Millisecond) / Millisecond)
	for _, n := range c.nodes {
		c.plant(n, 2, 0, &trialOp{name: "setex", read: object.ReadSet{Keys: keysOf("k"), Blind: true},
			eval: func(_ *object.Input, _ *object.View, m *object.Mutation) string {
				m.Set(0, []byte("v"), at)
				return "OK"
			}})
	}
	a.skew = 1000 * Millisecond
	c.now -= Millisecond
	r := c.begin(a, opGet("k"), false, strict, strict)
	c.deliver(between(1, 2))
	c.now += 3 * Millisecond
	c.deliver(between(2, 1))
	if !r.Finished || r.Err != nil {
		t.Fatal("the schedule does not fit")
	}
	first := r.Op.(*trialOp).reply
	if second := c.get(b, "k", 2, 3); first == "nil" && second != "nil" {
		t.Fatalf("QUORUM reads: %s, then %s", first, second)
	}
}

// R28. An operation that waits for the level that it read at must not wait for less than it writes at: READ TWO WRITE THREE
// on seven replicas (neither is a majority).
func TestReviewWriteLevelIsNotLowered(t *testing.T) {
	c := newTrial(t, 7, 7, Limits{})
	a := c.node(1)
	c.plant(c.node(2), 2, 0, opSet("a", "1"))
	multi := &trialOp{name: "multi", read: object.ReadSet{Keys: keysOf("a", "b"), Ticks: 2}, eval: func(_ *object.Input, v *object.View, m *object.Mutation) string {
		m.Set(1, []byte("x"), 0)
		return showText(&v.Keys[0])
	}}
	r := c.begin(a, multi, true, quorum.Choice{Level: quorum.Two}, quorum.Choice{Level: quorum.Three})
	c.deliver(amid(1, 2)) // of the write, too, nobody else hears
	if r.Finished && r.Err == nil {
		t.Fatal("a write at THREE was answered when two nodes had it")
	}
}

// R29. A write at QUORUM/SLOPPY whose connection reads at strict QUORUM answers what a fallback's hint was counted for.
//
// N=3, b is dead. a's value of k is on nobody else; MULTI GET k, SET j at a: d's hint acks. Then a read of b and c shows nothing.
func TestReviewStrictReadsAreAckedStrictly(t *testing.T) {
	c := newTrial(t, 5, 3, Limits{})
	a, b, third := c.node(1), c.node(2), c.node(3)
	c.plant(a, 2, 0, opSet("k", "1"))
	a.dead[2] = true
	multi := &trialOp{name: "multi", read: object.ReadSet{Keys: keysOf("k", "j"), Ticks: 2}, eval: func(_ *object.Input, v *object.View, m *object.Mutation) string {
		m.Set(1, []byte("x"), 0)
		return showText(&v.Keys[0])
	}}
	r := c.begin(a, multi, true, strict, quorum.Choice{Level: quorum.Quorum, Sloppy: true})
	c.deliver(kind[*wire.Read](amid(1, 3)))
	c.deliver(kind[*wire.ReadReply](amid(1, 3)))
	c.deliver(amid(1, 4)) // c does not get the rows
	if !r.Finished || r.Err != nil {
		return
	}
	c.mail = nil
	if got := c.get(third, "k", 2, 3); got != r.Op.(*trialOp).reply {
		t.Fatalf("read at strict QUORUM in a MULTI: %s, then: %s (%d)", r.Op.(*trialOp).reply, got, b.id)
	}
}

// R27. No message of a peer may end the process: replies of others, of other attempts, twice, cut short, with rows of other keys
// or of none, in every state of an operation.
func TestReviewBogusReplies(t *testing.T) {
	for seed := range uint64(300) {
		bogus(t, seed)
	}
}

func bogus(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 27))
	c := newTrial(t, 7, []int{1, 2, 3, 5}[rnd.IntN(4)], Limits{RepairOneIn: 2, ReplayRows: 2})
	var trace []string
	defer func() {
		if e := recover(); e != nil {
			t.Fatalf("seed %d: %v\n%s\n%s", seed, e, strings.Join(trace[max(0, len(trace)-12):], "\n"), debug.Stack())
		}
	}()
	levels := []quorum.Level{quorum.One, quorum.Quorum, quorum.All, quorum.Any}
	level := func() quorum.Choice {
		return quorum.Choice{Level: levels[rnd.IntN(len(levels))], Sloppy: rnd.IntN(2) == 0}
	}
	var begun []*Request
	for range 200 {
		n := c.nodes[rnd.IntN(len(c.nodes))]
		key := string(rune('a' + rnd.IntN(2)))
		switch rnd.IntN(8) {
		case 0, 1:
			o := []*trialOp{opSet(key, "v"), opAppend(key, "x"), opIncr("n"), opGet(key), opGetDel(key)}[rnd.IntN(5)]
			trace = append(trace, fmt.Sprint("begin ", n.id, o.name))
			begun = append(begun, c.begin(n, o, o.name[0] != 'g' || o.name[3] == 'd', level(), level()))
		case 2:
			other := object.NodeID(rnd.IntN(len(c.nodes)) + 1)
			n.dead[other] = !n.dead[other]
			if n.dead[other] {
				trace = append(trace, fmt.Sprint("dead ", n.id, other))
				n.step(func(p *Partition) { p.Unreachable(c.now, other) })
			}
		case 3:
			c.pass(rnd.IntN(30))
		case 4:
			n.full = rnd.IntN(4) == 0
			n.lazy = rnd.IntN(3) == 0
			if !n.lazy {
				n.step(func(p *Partition) { p.Tick(c.now) })
			}
		default:
			for range 3 {
				if len(c.mail) > 0 {
					i := rnd.IntN(len(c.mail))
					d := c.mail[i]
					if rnd.IntN(4) > 0 {
						c.mail = slices.Delete(c.mail, i, i+1)
					}
					_, pass := d.m.(*wire.Pass)
					if !pass && rnd.IntN(3) == 0 {
						d = distort(rnd, c, d)
					}
					trace = append(trace, fmt.Sprintf("%d to %d: %+v", d.from, d.to, d.m))
					c.node(d.to).step(func(p *Partition) { p.Receive(c.now, d.from, d.m) })
				}
			}
		}
	}
	for _, n := range c.nodes {
		n.lazy, n.full = false, false
		n.sync()
	}
	c.mail = nil
	c.pass(2000)
	for i, r := range begun {
		answered := 0
		for _, n := range c.nodes {
			for _, a := range n.answers {
				if a == r {
					answered++
				}
			}
		}
		if !r.Finished || answered > 1 {
			t.Fatalf("seed %d: request %d, %s: finished %v, answered %d times", seed, i, r.Op.(*trialOp).name, r.Finished, answered)
		}
	}
	for _, n := range c.nodes {
		if n.p.ops.len() > 0 {
			t.Fatalf("seed %d: node %d keeps %d operations", seed, n.id, n.p.ops.len())
		}
	}
}

// distort makes another message of one.
func distort(rnd *rand.Rand, c *trial, d parcel) parcel {
	status := wire.Status(rnd.IntN(14))
	var rows []wire.Row
	for range rnd.IntN(3) {
		k := object.KeyState{Row: object.KeyRow{Cleared: object.Stamp{HLC: object.HLCOf(int64(c.now / Millisecond)), Node: 9, Inc: 9}}}
		names := []string{"a", "b", "n", "z"}
		rows = appendKeyRows(rows, keysOf(names[rnd.IntN(4)])[0], &k, nil)
		if rnd.IntN(3) == 0 {
			rows = appendDatabaseRow(rows, 0, object.Stamp{HLC: 5, Node: 9, Inc: 9})
		}
	}
	switch m := d.m.(type) {
	case *wire.ReadReply:
		m2 := *m
		m2.Status, m2.Rows, m2.Same = status, rows, nil
		if rnd.IntN(3) > 0 {
			m2.Status = wire.StatusOK
		}
		d.m = &m2
	case *wire.WriteReply:
		m2 := *m
		m2.Status, m2.Attempt, m2.Rows = status, uint8(rnd.IntN(2)), rows
		d.m = &m2
	case *wire.PassReply:
		m2 := *m
		if m2.Status = status; status == wire.StatusOK {
			m2.Body = nil
		}
		d.m = &m2
	case *wire.Write:
		m2 := *m
		m2.Rows, m2.Tell = rows, true
		if rnd.IntN(2) == 0 {
			m2.For = object.NodeID(rnd.IntN(8))
		}
		d.m = &m2
	case *wire.Read:
		m2 := *m
		m2.Hints = !m2.Hints
		m2.Keys = m2.Keys[:0]
		d.m = &m2
	}
	if rnd.IntN(2) == 0 {
		d.from = object.NodeID(rnd.IntN(len(c.nodes)) + 1)
	}
	return d
}

// R30. As R26, of an operation that may write and finds the key expired: GETDEL answers nil and writes nothing. The replicas'
// answers to the gather must not count as knowing the time at which it was evaluated.
func TestReviewExpiredForAWriterStaysExpired(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{})
	a, b := c.node(1), c.node(2)
	at := int64((c.now + 1000*Millisecond) / Millisecond)
	for _, n := range c.nodes {
		c.plant(n, 2, 0, &trialOp{name: "setex", read: object.ReadSet{Keys: keysOf("k"), Blind: true},
			eval: func(_ *object.Input, _ *object.View, m *object.Mutation) string {
				m.Set(0, []byte("v"), at)
				return "OK"
			}})
	}
	a.skew = 1000 * Millisecond
	c.now -= Millisecond
	r := c.write(a, opGetDel("k"))
	c.deliver(between(1, 2))
	c.now += 3 * Millisecond
	c.deliver(amid(1, 2))
	c.done(r, "nil")
	if second := c.get(b, "k", 2, 3); second != "nil" {
		t.Fatalf("GETDEL at QUORUM: nil, then a read: %s", second)
	}
}

// R31. ANY is refused by a fallback that hears a home replica which the node that passed the operation on does not: it may not
// pass it on again, but it could keep it.
func TestReviewAnyAtAFallbackThatHearsAHome(t *testing.T) {
	c := newTrial(t, 6, 3, Limits{})
	c.node(6).dead = map[object.NodeID]bool{1: true, 2: true, 3: true, 5: true}
	least := quorum.Choice{Level: quorum.Any}
	r := c.begin(c.node(6), opSet("k", "v"), true, least, least)
	survives(t, func() { c.deliver(amid(4, 6)) })
	c.deliver(anything)
	if !r.Finished || r.Err != nil {
		t.Fatalf("a SET at ANY: finished %v, %v", r.Finished, r.Err)
	}
}

// R32. A deadline far away becomes one that has passed: the budget on the wire is cut to 32 bits.
func TestReviewFarDeadline(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{})
	b := c.node(2)
	o := opSet("k", "v")
	r := &Request{Op: o, Write: true, ReadLevel: strict, WriteLevel: strict, Deadline: c.now + 1<<32*Millisecond}
	b.step(func(p *Partition) { p.Begin(c.now, r) })
	for _, d := range c.mail {
		if budget := d.m.Head().Budget; budget < 800 {
			t.Fatalf("a budget of %d ms for an operation that may take 49 days", budget)
		}
	}
}

// R33. With one silent replica all answered operations linger until their deadline. A timer's step must not work on all of them
// when one is due: the next is due a moment later, and so on.
func TestReviewTickWorksOnWhatIsDue(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{})
	a := c.node(1)
	for i := range 1000 {
		if i%100 == 0 {
			c.now += 10 * Millisecond
		}
		c.write(a, opSet(fmt.Sprintf("k%d", i), "v"))
		c.deliver(amid(1, 2))
		c.mail = nil
	}
	if a.p.ops.len() != 1000 {
		t.Fatal("the schedule does not fit")
	}
	c.now += 705 * Millisecond
	a.step(func(p *Partition) { p.Tick(c.now) })
	if n := cap(a.p.works); n > 500 {
		t.Fatalf("100 of 1000 operations were due, and there was work for %d", n)
	}
}

// R34. As R24, but what has seen the operation is on the primary's own row by now, and not in the answer hidden: that carries
// another value, whose writer had not seen it.
//
// N=5. c alone has a value of its own, a little ahead. a: SET 1; b has it, c's answer is slow. Later b, to whom 4 passed it on, runs
// an operation on it, acked by 4 and 5, and stored at a too. Then c's answer comes: SET 1 must not be stamped above that.
func TestReviewOwnRowMayHaveSeenIt(t *testing.T) {
	expire := &trialOp{name: "expire", read: object.ReadSet{Keys: keysOf("k")}, eval: func(_ *object.Input, v *object.View, m *object.Mutation) string {
		if showText(&v.Keys[0]) != "nil" {
			m.Expire(0, 1e9)
		}
		return showText(&v.Keys[0])
	}}
	show := &trialOp{name: "show", read: object.ReadSet{Keys: keysOf("k")}, eval: func(_ *object.Input, v *object.View, _ *object.Mutation) string {
		return fmt.Sprint(showText(&v.Keys[0]), " until ", v.Keys[0].ExpireAt())
	}}
	for _, try := range []struct {
		op     *trialOp
		reply  string
		not    string // what a read must not show then
		reason string
	}{
		{opAppend("k", "x"), "1x", "1 until 0", "the x is gone"},
		{opIncr("k"), "2", "1 until 0", "the increment is gone"},
		{expire, "1", "1 until 0", "the expiry is gone"},
	} {
		t.Run(try.op.name, func(t *testing.T) {
			c := newTrial(t, 5, 5, Limits{})
			a, b, fourth := c.node(1), c.node(2), c.node(4)
			c.plant(c.node(3), 3, 100*Millisecond, opSet("k", "c"))
			c.write(a, opSet("k", "1"))
			c.deliver(between(1, 2))
			c.deliver(between(1, 3))
			slow := c.mail
			c.mail = nil
			c.now += 200 * Millisecond
			b.dead[3], fourth.dead[1] = true, true
			r := c.write(fourth, try.op)
			c.deliver(amid(2, 4, 5))
			c.done(r, try.reply)
			c.deliver(between(2, 1))
			b.dead[3], fourth.dead[1] = false, false
			for _, d := range slow {
				if d.from == 3 {
					a.step(func(p *Partition) { p.Receive(c.now, d.from, d.m) })
				}
			}
			c.deliver(anything)
			all := quorum.Choice{Level: quorum.All}
			r = c.begin(b, show, false, all, all)
			c.deliver(anything)
			if got := r.Op.(*trialOp).reply; r.Err != nil || got == try.not {
				t.Fatalf("%s answered %s, then a read shows %s, %v: %s", try.op.name, try.reply, got, r.Err, try.reason)
			}
		})
	}
}

// R35. A message for a slot of another partition is stored all the same: past that partition's mutex and counts.
func TestReviewSlotOfAnotherPartition(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{})
	b := c.node(2)
	m := *c.plant(c.node(3), 1, 0, opSet("k", "v"))
	m.Slot = ring.Slots - 1
	b.step(func(p *Partition) { p.Receive(c.now, 1, &m) })
	if len(b.rows) > 0 {
		t.Fatal("rows of another partition's slot were stored")
	}
}

// R36. What a coordinator merged is stored and sent only if its quorum lacks it. When both others answer before this node's own
// rows are durable, a stale coordinator stays stale, and differs again at each read.
func TestReviewStaleCoordinatorIsRepaired(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{RepairOneIn: 1})
	a := c.node(1)
	for _, id := range []object.NodeID{2, 3} {
		c.plant(c.node(id), 2, 0, opSet("k", "v"))
	}
	a.lazy = true
	c.plant(a, 2, 0, opSet("other", "v")) // not yet durable
	r := c.begin(a, opGet("k"), false, strict, strict)
	c.deliver(anything)
	c.done(r, "v")
	a.lazy = false
	a.sync()
	c.pass(900)
	if got := a.p.Stats(); len(a.rows) < 2 {
		t.Fatalf("the coordinator answered v and still does not have it: %+v", got)
	}
}

// R38. An operation that looked goes over a pending blind write without having seen it: what it gathered hid that write. The blind
// one is then acked as "covered by a later one", though nobody ever saw it.
//
// b and c hold "b", acked, of a clock that is ahead. a: SET a, below it; the answers are slow. a: APPEND x finds "b" at b: "bx". Now the
// answers hidden come: the key was written by a later operation of a's, whose row shows, so acks of that count for SET a. One Redis
// would have: b, a, ax or b, bx, a.
func TestReviewOvertakenUnseen(t *testing.T) {
	c := newTrial(t, 3, 3, Limits{})
	a, b, third := c.node(1), c.node(2), c.node(3)
	c.plant(b, 2, 100*Millisecond, opSet("k", "b"))
	c.plant(third, 2, 100*Millisecond, opSet("k", "b"))
	set := c.write(a, opSet("k", "a"))
	c.deliver(between(1, 2)) // hidden
	c.deliver(between(1, 3)) // hidden
	slow := c.mail
	c.mail = nil
	r := c.write(a, opAppend("k", "x"))
	c.deliver(anything)
	if !r.Finished || r.Err != nil {
		t.Fatal("the schedule does not fit")
	}
	c.mail = append(c.mail, slow...)
	c.deliver(anything)
	c.pass(900)
	c.deliver(anything)
	if !set.Finished {
		t.Fatal("SET is not finished")
	}
	got := c.get(b, "k")
	if reply := r.Op.(*trialOp).reply; set.Err == nil && got == "bx" {
		t.Fatalf("SET b was acked, then SET a began and was acked, APPEND x beside it answered %q, and a read shows %q", reply, got)
	}
}
