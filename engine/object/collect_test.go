package object

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// collect lets go of r's copy what may go at g, as a store does: dead elements before the clear that keeps them dead.
func (r *replica) collect(g HLC) {
	k := &r.k
	clear := k.Row.CollectClear(k.Database, g)
	k.Elements = slices.DeleteFunc(k.Elements, func(e ElementState) bool { return e.Row.Collect(clear, g) })
	k.Row.HasElements = len(k.Elements) > 0
	if k.Row.Collect(k.Database, g) {
		k.Row = KeyRow{}
	}
}

// twinWorlds are one history in two worlds; the second lets go at g, once all replicas have everything not after g.
type twinWorlds struct{ keep, drop *world }

func (w *twinWorlds) exchange(to, from int) {
	w.keep.exchange(w.keep.rs[to], w.keep.rs[from])
	w.drop.exchange(w.drop.rs[to], w.drop.rs[from])
}

// do does one operation in both worlds at one stamp; contexts are those that clients got there.
func (w *twinWorlds) do(at, from int, siblings bool) {
	a, b := w.keep.rs[at], w.drop.rs[at]
	mu := w.keep.anyChanges(a, siblings)
	for _, r := range []*replica{a, b} {
		r.last = max(a.last, b.last, a.k.Latest().HLC, b.k.Latest().HLC)
	}
	for i, r := range []*replica{a, b} {
		here := []*world{w.keep, w.drop}[i]
		for j := range mu.Changes {
			if c := &mu.Changes[j]; c.HasContext {
				c.Context = here.rs[from].k.Context()
			}
		}
		here.do(r, &mu)
	}
	w.drop.ops = w.drop.ops[:0]
}

// After every replica let go at one watermark what it may, nothing that is visible later differs.
func TestCollectLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := history(t, 30)
		w.exchangeAll()
		var g HLC
		for _, r := range w.rs {
			g = max(g, r.k.Latest().HLC, r.last)
		}
		g += HLC(rapid.IntRange(0, 40<<16).Draw(t, "beyond"))
		w.now = max(w.now, g.Millis())
		both := &twinWorlds{keep: w, drop: &world{t: t, now: w.now}}
		for _, r := range w.rs {
			r.last = g
			c := *r
			c.k, c.known = copyState(&r.k), map[int]bool{}
			both.drop.rs = append(both.drop.rs, &c)
		}
		same := func() {
			t.Helper()
			for i, r := range w.rs {
				now := max(HLCOf(w.now+5), r.k.Latest().HLC, both.drop.rs[i].k.Latest().HLC) + 1
				if a, b := visible(&r.k, now), visible(&both.drop.rs[i].k, now); a != b {
					t.Fatalf("replica %d shows %s, and %s where dead things went at %v\n%+v\n%+v", i, a, b, g, r.k.Row, both.drop.rs[i].k.Row)
				}
			}
		}
		siblings := rapid.Bool().Draw(t, "siblings")
		later := func(name string) {
			for range rapid.IntRange(0, 10).Draw(t, name) {
				w.now += rapid.Int64Range(0, 6).Draw(t, "wait")
				both.drop.now = w.now
				at, from := rapid.IntRange(0, len(w.rs)-1).Draw(t, "at"), rapid.IntRange(0, len(w.rs)-1).Draw(t, "from")
				if rapid.Bool().Draw(t, "exchange") && at != from {
					both.exchange(at, from)
				} else {
					both.do(at, from, siblings)
				}
				same()
			}
		}
		later("before it goes")
		for _, r := range both.drop.rs {
			r.collect(g)
		}
		same()
		later("after it went")
	})
}

// A row whose elements may be stored stays: its clear keeps them dead.
func TestCollectKeepsTheClearOfElements(t *testing.T) {
	var k KeyState
	apply(&k, 10, 1, func(m *Mutation) { m.SetElement(0, subs[0], []byte("v")) })
	s := apply(&k, 20, 1, func(m *Mutation) { m.Delete(0) })
	g := HLCOf(1000)
	if k.Row.Collect(Stamp{}, g) {
		t.Fatal("the clear went before the element")
	}
	if c := k.Row.CollectClear(Stamp{}, g); c != s || !k.Elements[0].Row.Collect(c, g) {
		t.Fatalf("the dead element stays: clear %v", c)
	}
	if k.Row.HasElements = false; !k.Row.Collect(Stamp{}, g) {
		t.Fatal("the row stays without elements")
	}
}

// What tells that a sibling was replaced stays while a replica may hold that sibling.
func TestCollectKeepsContext(t *testing.T) {
	var k KeyState
	apply(&k, 10, 1, func(m *Mutation) { m.PutSibling(0, nil, false, []byte("x")) })
	other := sentState(t, &k)
	s := apply(&k, 20, 1, func(m *Mutation) { m.DropSiblings(0, nil, false) })
	if k.Row.Collect(Stamp{}, s.HLC-1) {
		t.Fatal("the row went before the watermark reached its last update")
	}
	if _, err := k.Merge(&other); err != nil {
		t.Fatal(err)
	}
	if visible(&k, s.HLC) != "nothing" {
		t.Fatal("a deleted sibling is back")
	}
	if !k.Row.Collect(Stamp{}, s.HLC) || !k.Row.Own.IsZero() {
		t.Fatal("the row, or its actor, stays")
	}
}

// A reset after the watermark saw an increment before it. A replica without the reset must not bring the increment back.
func TestCollectKeepsWhatAResetSaw(t *testing.T) {
	var a KeyState
	apply(&a, 10, 1, func(m *Mutation) { m.Add(0, 5) })
	b, g := sentState(t, &a), HLCOf(20)
	apply(&a, 30, 1, func(m *Mutation) { m.Write(0, []byte("100")) })
	for _, k := range []*KeyState{&a, &b} {
		if k.Row.Collect(Stamp{}, g) {
			t.Fatal("a living row may go")
		}
	}
	if _, err := a.Merge(&b); err != nil {
		t.Fatal(err)
	}
	a.Look(HLCOf(40))
	if text, _ := a.Text(); text.Int != 100 {
		t.Errorf("shows %d, want 100", text.Int)
	}
}

// A PERSIST after the watermark outlives what it was written beside.
func TestCollectKeepsALaterPersist(t *testing.T) {
	var k KeyState
	apply(&k, 10, 1, func(m *Mutation) { m.Delete(0) })
	s := apply(&k, 30, 1, func(m *Mutation) { m.Expire(0, 0) })
	if k.Row.Collect(Stamp{}, HLCOf(20)) {
		t.Error("the row went with a field that other replicas do not have")
	}
	if !k.Row.Collect(Stamp{}, s.HLC) {
		t.Error("the row stays")
	}
}

func TestCollectWaitsForTheWatermark(t *testing.T) {
	late := Stamp{HLC: HLCOf(30), Node: 1, Inc: 5}
	gone := ElementRow{Stamp: late, Tombstone: true}
	if gone.Collect(Stamp{}, HLCOf(20)) || !gone.Collect(Stamp{}, late.HLC) {
		t.Error("a tombstone goes at its own stamp, not before")
	}
	seen := KeyRow{Seen: []Seen{{Name: Stamp{1, 1, 1}, N: 1, Sum: 1, Stamp: late}}}
	if seen.Collect(Stamp{}, HLCOf(20)) || !seen.Collect(Stamp{}, late.HLC) {
		t.Error("a seen entry goes at the stamp of its reset, not before")
	}
}

// An incarnation does not go on under the names of the one before, whose last writes may be lost.
func TestNamesEndWithTheIncarnation(t *testing.T) {
	for name, c := range map[string]Change{"total": {Add: true, Int: 1}, "actor": {PutSibling: true, HasContext: true}} {
		var k KeyState
		k.Apply(&c, Stamp{10, 1, 5})
		if k.Apply(&c, Stamp{11, 1, 6}); k.Row.Own != (Stamp{11, 1, 6}) {
			t.Errorf("%s: goes on as %v", name, k.Row.Own)
		}
	}
}
