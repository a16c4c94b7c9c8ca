package command

import (
	"bytes"

	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
)

// Multi is the operation of EXEC: operations of one slot run as one. Operation i has the stamp i ticks above the
// transaction's and sees what those before it did. An operation that fails is an error among the replies; the others
// stand, as in Redis.
type Multi struct {
	ops     []Op
	blind   bool
	union   union
	place   []int32 // of the keys of the ops, one op after the other, in union.keys
	counts  []int32 // how many of place are each op's
	watched []Watched
	guards  []int32 // of the watched keys, in union.keys
}

// NewMulti returns the transaction of ops, each made by a Parser or Constant, none of them a Multi. When a watched key's
// version is another by then nothing is done and the reply is the nil array. All keys, the watched ones too, are of one
// slot.
func NewMulti(ops []Op, watched []Watched) *Multi {
	t := &Multi{ops: ops, blind: len(watched) == 0, watched: watched}
	t.counts = make([]int32, len(ops))
	for i, op := range ops {
		r := op.Reads()
		t.blind = t.blind && r.Blind
		t.counts[i] = int32(len(r.Keys))
		for _, k := range r.Keys {
			t.place = append(t.place, t.union.add(k))
		}
	}
	for i := range watched {
		t.guards = append(t.guards, t.union.add(watched[i].Key))
	}
	return t
}

// Reads implements Op: the union of what its operations and its watches touch. It is blind when all its operations are.
func (t *Multi) Reads() object.ReadSet {
	return object.ReadSet{Keys: t.union.keys, Blind: t.blind, Ticks: len(t.ops)}
}

// Eval implements Op.
func (t *Multi) Eval(in *object.Input, v *object.View, m *object.Mutation) resp.Value {
	for i, g := range t.guards {
		if v.Keys[g].Version() != t.watched[i].Version {
			return resp.NilArray()
		}
	}
	run := execution{in: *in, blind: t.blind}
	if !t.blind {
		run.states = append(run.states, v.Keys...) // the view is not ours to change
	}
	replies := make([]resp.Value, len(t.ops))
	place := t.place
	for i, op := range t.ops {
		n := t.counts[i]
		replies[i] = run.step(op, i, place[:n], m)
		place = place[n:]
	}
	return resp.Array(replies...)
}

// execution is a transaction on its way through its operations.
type execution struct {
	in     object.Input
	blind  bool
	states []object.KeyState // of the union, with what was done so far
	view   object.View       // scratch: what one operation sees
	own    object.Mutation   // scratch: what one operation changes
}

// step evaluates operation i, whose keys are at place, and adds its changes to m as changes of the union's keys.
func (x *execution) step(op Op, i int, place []int32, m *object.Mutation) resp.Value {
	stamp := x.in.Stamp.Tick(i)
	x.view.Keys = x.view.Keys[:0]
	if !x.blind {
		for _, p := range place {
			x.states[p].Look(stamp.HLC)
			x.view.Keys = append(x.view.Keys, x.states[p])
		}
	}
	x.own.Reset()
	reply := op.Eval(&object.Input{Stamp: stamp, Rand: draw(x.in.Rand, i)}, &x.view, &x.own)
	for _, c := range x.own.Changes {
		c.Key, c.Tick = int(place[c.Key]), i
		if !x.blind {
			x.states[c.Key].Apply(&c, stamp)
		}
		m.Changes = append(m.Changes, c)
	}
	return reply
}

// draw makes the i-th of many random numbers out of one (splitmix64: Steele, Lea, Flood, "Fast Splittable Pseudorandom
// Number Generators", 2014).
func draw(seed uint64, i int) uint64 {
	z := seed + uint64(i+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// union is a list of keys without equals, in the order of their first mention.
type union struct {
	keys []object.KeyRef
	seen map[unionKey]int32 // only once there are many
}

type unionKey struct {
	db   uint8
	name string
}

// add returns the index of k in keys, which it joins unless it is there.
func (u *union) add(k object.KeyRef) int32 {
	if i, ok := u.find(k); ok {
		return i
	}
	i := int32(len(u.keys))
	u.keys = append(u.keys, k)
	switch {
	case u.seen != nil:
		u.seen[unionKey{k.DB, string(k.Name)}] = i
	case len(u.keys) > fewKeys:
		u.seen = make(map[unionKey]int32)
		for j := range u.keys {
			u.seen[unionKey{u.keys[j].DB, string(u.keys[j].Name)}] = int32(j)
		}
	}
	return i
}

func (u *union) find(k object.KeyRef) (int32, bool) {
	if u.seen != nil {
		i, ok := u.seen[unionKey{k.DB, string(k.Name)}]
		return i, ok
	}
	for i := range u.keys {
		if u.keys[i].DB == k.DB && bytes.Equal(u.keys[i].Name, k.Name) {
			return int32(i), true
		}
	}
	return 0, false
}
