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

// Watch is the operation of WATCH: it reads the versions of keys of one slot, for NewMulti to compare.
type Watch struct {
	union   union
	watched []Watched
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

// Eval implements Op. The versions it leaves in w, those of the last view that it saw.
func (w *Watch) Eval(_ *object.Input, v *object.View, _ *object.Mutation) resp.Value {
	w.watched = make([]Watched, len(w.union.keys))
	for i, k := range w.union.keys {
		w.watched[i] = Watched{Key: k, Version: v.Keys[i].Version()}
	}
	return resp.OK()
}

// Versions returns what Eval saw, each key once.
func (w *Watch) Versions() []Watched { return w.watched }
