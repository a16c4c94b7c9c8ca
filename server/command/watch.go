package command

import (
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
)

// Watched is a key under WATCH and what it was like then.
type Watched struct {
	Key     object.KeyRef
	Version object.Stamp // object.KeyState.Version
}

// Watch is the operation of WATCH: it reads the versions of keys of one slot, for NewMulti to compare. The versions are its
// reply, an array of three integers a key, so that it can run on another node.
type Watch struct {
	union union
}

// NewWatch returns the operation for keys, which may name one more than once.
func NewWatch(keys []object.KeyRef) *Watch {
	w := new(Watch)
	for _, k := range keys {
		w.union.add(k)
	}
	return w
}

// Reads implements Op.
func (w *Watch) Reads() object.ReadSet { return object.ReadSet{Keys: w.union.keys} }

// Eval implements Op.
func (w *Watch) Eval(_ *object.Input, v *object.View, _ *object.Mutation) resp.Value {
	versions := make([]resp.Value, 0, 3*len(w.union.keys))
	for i := range w.union.keys {
		at := v.Keys[i].Version()
		versions = append(versions, resp.Int(int64(at.HLC)), resp.Int(int64(at.Node)), resp.Int(int64(at.Inc)))
	}
	return resp.Array(versions...)
}

// Versions returns what the reply of Eval says, each key once; false when it is no such reply.
func (w *Watch) Versions(reply resp.Value) ([]Watched, bool) {
	if reply.Kind != resp.KindArray || len(reply.Elems) != 3*len(w.union.keys) {
		return nil, false
	}
	watched := make([]Watched, len(w.union.keys))
	for i, k := range w.union.keys {
		e := reply.Elems[3*i : 3*i+3]
		watched[i] = Watched{Key: k, Version: object.Stamp{
			HLC: object.HLC(e[0].Int), Node: object.NodeID(e[1].Int), Inc: object.Incarnation(e[2].Int),
		}}
	}
	return watched, true
}

// AppendBody appends the operation as a Table reads it.
func (w *Watch) AppendBody(dst []byte) []byte {
	dst = append(dst, bodyVersion, bodyWatch)
	return appendKeys(dst, w.union.keys)
}
