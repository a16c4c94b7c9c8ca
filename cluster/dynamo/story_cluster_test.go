package dynamo

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rondokv/rondo/cluster/hlc"
	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/memstore"
	"github.com/rondokv/rondo/engine/object"
)

// storyEpochMillis is the wall clock's reading, in ms, at which every story begins: it is printed as 0.
const storyEpochMillis = 1_700_000_000_000

var errStoreFull = errors.New("the disk is full")

// stage is a cluster on which a story is played: real cores, the real clock and the store in memory, a network of queues, and
// virtual time. All keys are of one partition, whose preference list is a, b, c ... in order; the nodes behind them are its
// fallbacks, in order.
type stage struct {
	now    Time
	nodes  []*actor
	ring   *ring.Ring
	moving string // of the latest plan, "abc>cde", or the lists as they are
	epochs map[*actor]*ring.Ring
	limits Limits

	queue    []letter // to deliver now, in order
	held     []letter
	holds    []rule
	cuts     []rule
	requests []*play
	seen     map[int][]object.Dot // what a VALUES had seen, by its number
	keys     []string             // every key that an operation named
	quiet    bool
	out      strings.Builder
}

// actor is one node of a stage.
type actor struct {
	Pace
	s     *stage
	name  string
	id    object.NodeID
	lives int // incarnations so far

	store    *memstore.Store
	p        *Partition // nil while the node is crashed
	clock    *hlc.Clock
	ceiling  object.HLC // durable
	wall     time.Duration
	suspects map[object.NodeID]bool
	full     bool // the store refuses batches
	slow     bool // batches wait for a sync
	unread   bool // rows cannot be read
	waiting  []storedBatch
	durable  uint64
	waiters  []*play // finished at once, answered when their batch is durable
	random   uint64
}

type storedBatch struct {
	number uint64
	commit object.Commit
}

// letter is a message on its way.
type letter struct {
	from, to *actor
	m        wire.Message
}

// play is one operation of a story.
type play struct {
	number int
	at     *actor
	life   int // of the node: answers of an earlier one never come
	text   string
	op     *storyOp
	r      *Request
	done   bool
	result string
}

func newStage(nodes, replicas int, dcs []string, limits Limits) (*stage, error) {
	s := &stage{seen: map[int][]object.Dot{}, epochs: map[*actor]*ring.Ring{}, limits: limits}
	for i := range nodes {
		a := &actor{s: s, name: string(rune('a' + i)), id: object.NodeID(i + 1), store: memstore.New(), suspects: map[object.NodeID]bool{}}
		s.nodes = append(s.nodes, a)
	}
	var err error
	if s.ring, err = s.ringOf(1, replicas, dcs); err != nil {
		return nil, err
	}
	for _, a := range s.nodes {
		s.epochs[a] = s.ring
		if err := a.start(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// ringOf places partition i on the nodes from i*replicas on, wrapping around.
func (s *stage) ringOf(epoch ring.Epoch, replicas int, dcs []string) (*ring.Ring, error) {
	const partitions = storyPartitions
	var members []ring.Node
	for i := range s.nodes {
		n := ring.Node{ID: ring.NodeID(i + 1), Weight: 1}
		if len(dcs) > 0 {
			n.DC = dcs[i%len(dcs)]
		}
		members = append(members, n)
	}
	lists := make([][]ring.NodeID, partitions)
	for p := range lists {
		for i := range replicas {
			lists[p] = append(lists[p], ring.NodeID((p*replicas+i)%len(members)+1))
		}
	}
	return ring.Load(epoch, ring.Slots/partitions, members, lists)
}

// start begins a life of the node over what its store holds.
func (a *actor) start() error {
	a.lives++
	a.random = 0 // so that the requests of two lives have the same numbers
	a.clock = hlc.New(hlc.Options{
		Now:       func() time.Time { return time.UnixMilli(storyEpochMillis).Add(time.Duration(a.s.now) + a.wall) },
		Monotonic: func() time.Duration { return time.Duration(a.s.now) },
		Ceiling:   a.ceiling,
		Raise:     func(to object.HLC) error { a.ceiling = to; return nil },
	})
	p, err := NewPartition(a, 0, a.s.epochs[a], Options{
		ID: a.id, Inc: object.Incarnation(a.lives), Secret: object.Secret{K0: 1, K1: 2}, DC: a.s.ring.DC(ring.NodeID(a.id)), Limits: a.s.limits,
	})
	a.p, a.waiting, a.durable, a.waiters = p, nil, 0, nil
	return err
}

// The Host of the node's core.

func (a *actor) Get(dst, key []byte) ([]byte, error) {
	if a.unread && key[0] == object.SpaceData {
		if k, err := object.ParseRowKey(key); err == nil && !k.Database {
			return nil, object.ErrCorrupt
		}
	}
	return a.store.Get(dst, key)
}

func (a *actor) Scan(lo, hi []byte, fn func(key, row []byte) bool) error {
	return a.store.Scan(lo, hi, fn)
}

func (a *actor) Now() object.HLC { return a.clock.Read() }

func (a *actor) Tick(above object.HLC, n int) (object.HLC, bool) {
	return a.clock.Tick(max(a.clock.Physical(), above+1), n)
}

func (a *actor) Observe(peer object.HLC) error {
	if err := a.clock.Observe(peer); err != nil {
		return err
	}
	return a.clock.MakeRoom(hlc.Low)
}

func (a *actor) Alive(id object.NodeID) bool { return !a.suspects[id] }

func (a *actor) HintRoom() bool { return true }

func (a *actor) Random() uint64 { a.random++; return a.random }

func (a *actor) Parse(_ object.Slot, body []byte) (PassedOp, error) {
	return parseStoryOp(a.s, string(body))
}

// visit is one step of a node and what came of it, for the printed line.
type visit struct {
	at    *actor
	what  string
	notes []string
}

func (v *visit) note(format string, args ...any) {
	v.notes = append(v.notes, fmt.Sprintf(format, args...))
}

// step runs one step of a core and all that its driver owes it, and prints what happened.
func (s *stage) step(a *actor, what string, step func(*Partition)) {
	v := &visit{at: a, what: what}
	s.stepInto(v, step)
	s.print(v)
}

func (s *stage) stepInto(v *visit, step func(*Partition)) {
	a := v.at
	if !a.clock.HasRoom(a.clock.Physical()) {
		if err := a.clock.MakeRoom(hlc.Low); err != nil {
			panic(err)
		}
	}
	step(a.p)
	s.drain(v)
	if len(a.waiting) > 0 && !a.slow {
		s.sync(v)
	}
}

// drain does what Ready asks for.
func (s *stage) drain(v *visit) {
	a := v.at
	r := a.p.Ready()
	if len(r.Writes) > 0 {
		if a.full {
			v.note("the store refuses")
			a.p.Refused(errStoreFull)
			r = a.p.Ready()
			if len(r.Writes) > 0 {
				panic("writes are left after Refused")
			}
		} else {
			commit, err := a.store.Apply(r.Writes)
			if err != nil {
				panic(err)
			}
			s.noteWrites(v, r.Writes)
			a.waiting = append(a.waiting, storedBatch{r.Batch, commit})
		}
	}
	for _, e := range r.Events {
		s.noteEvent(v, e)
	}
	s.post(v, r.Messages)
	for _, req := range r.Done {
		s.finished(v, req)
	}
	if r.More {
		a.p.More(s.now)
		s.drain(v)
	}
}

// sync makes all that the node has stored durable.
func (s *stage) sync(v *visit) {
	a := v.at
	for len(a.waiting) > 0 {
		last := a.waiting[len(a.waiting)-1]
		if err := last.commit.Wait(); err != nil {
			panic(err)
		}
		a.waiting = a.waiting[:0]
		a.durable = last.number
		a.p.Durable(s.now, last.number)
		s.drain(v)
	}
	a.waiters = slices.DeleteFunc(a.waiters, func(p *play) bool {
		if p.r.Seq > a.durable {
			return false
		}
		s.reply(v, p)
		return true
	})
}

// post hands messages to the network.
func (s *stage) post(v *visit, messages []Envelope) {
	for _, e := range messages {
		l := letter{v.at, s.nodes[e.To-1], e.Message}
		fate := ""
		switch {
		case matches(s.cuts, l):
			fate = " (lost)"
		case matches(s.holds, l):
			fate = " (held)"
			s.held = append(s.held, l)
		default:
			s.queue = append(s.queue, l)
		}
		v.note("%s to %s%s", describe(s, l.m), l.to.name, fate)
	}
}

// deliverAll delivers until nothing is on its way.
func (s *stage) deliverAll() {
	for len(s.queue) > 0 {
		l := s.queue[0]
		s.queue = s.queue[1:]
		s.deliver(l)
	}
}

func (s *stage) deliver(l letter) {
	if l.to.p == nil {
		return // nobody is there
	}
	frame := wire.AppendFrame(nil, l.m)
	m, err := wire.Decode(frame)
	if err != nil {
		panic(fmt.Sprintf("%s from %s to %s does not survive the wire: %v", describe(s, l.m), l.from.name, l.to.name, err))
	}
	s.step(l.to, fmt.Sprintf("%s from %s", describe(s, l.m), l.from.name), func(p *Partition) { p.Receive(s.now, l.from.id, m) })
}

// begin starts an operation at a node.
func (s *stage) begin(a *actor, text string) (*play, error) {
	levels, rest, err := takeLevels(strings.Fields(text))
	if err != nil {
		return nil, err
	}
	p := &play{number: len(s.requests) + 1, at: a, life: a.lives, text: strings.Join(rest, " ")}
	if p.op, err = parseStoryOp(s, fmt.Sprintf("%d %s", p.number, p.text)); err != nil {
		return nil, err
	}
	s.requests = append(s.requests, p)
	for _, ref := range p.op.reads.Keys {
		if !slices.Contains(s.keys, string(ref.Name)) {
			s.keys = append(s.keys, string(ref.Name))
		}
	}
	s.pass(Millisecond)
	p.r = &Request{Op: p.op, Write: p.op.write, ReadLevel: levels.read, WriteLevel: levels.write, Deadline: s.now + levels.within}
	v := &visit{at: a, what: fmt.Sprintf("#%d %s", p.number, text)}
	s.stepInto(v, func(core *Partition) { core.Begin(s.now, p.r) })
	if p.r.Finished && !p.done {
		if p.r.Seq > a.durable {
			a.waiters = append(a.waiters, p)
		} else {
			s.reply(v, p)
		}
	}
	s.print(v)
	s.deliverAll()
	return p, nil
}

// finished is for a request that Ready.Done lists.
func (s *stage) finished(v *visit, r *Request) {
	for i := len(s.requests) - 1; i >= 0; i-- {
		if s.requests[i].r == r {
			s.reply(v, s.requests[i])
			return
		}
	}
	panic("a request that nobody began is done")
}

func (s *stage) reply(v *visit, p *play) {
	if p.done {
		panic(fmt.Sprintf("#%d is answered twice", p.number))
	}
	p.done, p.result = true, outcome(p.op, p.r.Err)
	v.note("#%d answers %s", p.number, p.result)
}

// outcome is a reply as a client sees it.
func outcome(op *storyOp, err error) string {
	var unavailable *quorum.UnavailableError
	var timeout *TimeoutError
	switch {
	case err == nil:
		return op.reply
	case errors.As(err, &unavailable):
		return "UNAVAILABLE " + err.Error()
	case errors.As(err, &timeout):
		return "TIMEOUT " + strings.TrimPrefix(err.Error(), "dynamo: ")
	case errors.Is(err, ErrOverloaded):
		return "OVERLOADED"
	}
	return "ERROR " + err.Error()
}

// pass lets time pass, stopping wherever a timer is due.
func (s *stage) pass(d Time) {
	end := s.now + d
	for stuck := 0; ; stuck++ {
		if stuck > 1000 {
			panic("a timer is due for ever: nothing comes of its Tick")
		}
		at := end
		for _, a := range s.nodes {
			if a.p != nil {
				if t, ok := a.p.NextTimer(); ok {
					at = min(at, t)
				}
			}
		}
		if at > s.now {
			s.now, stuck = at, 0
		}
		ticked := false
		for _, a := range s.nodes {
			if a.p == nil {
				continue
			}
			if t, ok := a.p.NextTimer(); ok && t <= s.now {
				ticked = true
				s.step(a, "", func(p *Partition) { p.Tick(s.now) })
				s.deliverAll()
			}
		}
		if !ticked && s.now >= end {
			return
		}
	}
}

// suspect changes whether a node thinks that another is dead.
func (s *stage) suspect(a, other *actor, dead bool) {
	if a == other || a.suspects[other.id] == dead {
		return
	}
	a.suspects[other.id] = dead
	if dead && a.p != nil {
		s.step(a, "suspects "+other.name, func(p *Partition) { p.Unreachable(s.now, other.id) })
	}
}

// crash ends a node's process. Of the batches that no sync covered the first keep survive.
func (s *stage) crash(a *actor, keep int) {
	a.store = a.store.Crash(keep)
	a.p = nil
}

// rule matches letters. Empty fields match all.
type rule struct {
	from, to *actor
	what     string // the kind, as describe names it
}

func (r rule) matches(s *stage, l letter) bool {
	return (r.from == nil || r.from == l.from) && (r.to == nil || r.to == l.to) &&
		(r.what == "" || isCalled(describe(s, l.m), r.what))
}

// isCalled reports whether a message is of the kind that a rule names: hint-for is every hint-for-x, no every no:reason.
func isCalled(name, what string) bool {
	return name == what || what == "hint-for" && strings.HasPrefix(name, "hint-for-") || what == "no" && strings.HasPrefix(name, "no:")
}

func matches(rules []rule, l letter) bool {
	return slices.ContainsFunc(rules, func(r rule) bool { return r.matches(l.from.s, l) })
}
