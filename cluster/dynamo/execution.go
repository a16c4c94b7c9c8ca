package dynamo

import "github.com/rondokv/rondo/engine/object"

// Execution is the state of one operation's step at the primary. It may be used again after Begin.
type Execution struct {
	// View holds the rows that the operation sees; the driver fills Row and Database of each key between Begin and Step.
	// After Step the keys that are Dirty hold the whole rows to store.
	View object.View

	mutation object.Mutation
	in       object.Input
	released bool // all that View.Keys has room for is zero
}

// Begin makes room for n keys, all without rows.
func (x *Execution) Begin(n int) {
	if !x.released {
		clear(x.View.Keys) // what is behind them is clear
	}
	x.released = false
	if cap(x.View.Keys) < n {
		x.View.Keys = make([]object.KeyState, n)
		return
	}
	x.View.Keys = x.View.Keys[:n]
}

// Step evaluates op at stamp and applies what it changes to the rows of the view. It reports whether any row changed.
// REQUIRES: stamp and the ticks that op takes above it are after every stamp in the rows; a read's stamp has no node.
func (x *Execution) Step(op Op, stamp object.Stamp, random uint64) bool {
	for i := range x.View.Keys {
		x.View.Keys[i].Look(stamp.HLC)
	}
	x.mutation.Reset()
	x.in = object.Input{Stamp: stamp, Rand: random}
	op.Eval(&x.in, &x.View, &x.mutation)
	for i := range x.mutation.Changes {
		c := &x.mutation.Changes[i]
		k := &x.View.Keys[c.Key]
		at := stamp.Tick(c.Tick)
		k.Look(at.HLC)
		k.Apply(c, at)
	}
	return len(x.mutation.Changes) > 0
}

// Release lets go of the rows, so that an idle Execution keeps no values alive.
func (x *Execution) Release() {
	clear(x.View.Keys)
	x.released = true
	x.mutation.Reset()
	if cap(x.View.Keys) > maxIdleKeys {
		x.View.Keys = nil
	}
	if cap(x.mutation.Changes) > maxIdleKeys {
		x.mutation = object.Mutation{}
	}
}

const maxIdleKeys = 16

// again applies the mutation of the last Step once more at stamp, to the keys that which names.
func (x *Execution) again(stamp object.Stamp, which func(key int) bool) {
	for i := range x.mutation.Changes {
		c := &x.mutation.Changes[i]
		if which(c.Key) {
			k := &x.View.Keys[c.Key]
			at := stamp.Tick(c.Tick)
			k.Look(at.HLC)
			k.Apply(c, at)
		}
	}
}

// wrote reports whether the last Step changed a key.
func (x *Execution) wrote(key int) bool {
	for i := range x.mutation.Changes {
		if x.mutation.Changes[i].Key == key {
			return true
		}
	}
	return false
}

// latest returns the latest reading in the view.
func (x *Execution) latest() (h object.HLC) {
	for i := range x.View.Keys {
		k := &x.View.Keys[i]
		r := &k.Row
		if len(r.Totals)+len(r.Seen)+len(k.Elements) > 0 || r.Siblings != nil {
			h = max(h, k.Latest().HLC)
			continue
		}
		// The row of a plain string: comparing readings costs a tenth of comparing stamps.
		h = max(h, k.Database.HLC, r.Cleared.HLC, r.Expiry.Stamp.HLC, r.Value.Stamp.HLC)
	}
	return h
}
