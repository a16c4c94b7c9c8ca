package object

import (
	"errors"
	"fmt"
	"testing"
)

// lostAt merges each into the other and returns whether a write was lost; both ways must agree.
func lostAt(t *testing.T, name string, a, b *KeyState) bool {
	t.Helper()
	x, y := copyState(a), copyState(b)
	in := sentState(t, b)
	l1, err := x.Merge(&in)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	in = sentState(t, a)
	l2, err := y.Merge(&in)
	if err != nil || l1 != l2 {
		t.Fatalf("%s: lost %v one way, %v the other: %v", name, l1, l2, err)
	}
	return l1
}

func TestLostWrites(t *testing.T) {
	set := func(m *Mutation) { m.Set(0, []byte("v"), 0) }
	write := func(m *Mutation) { m.Write(0, []byte("w")) }
	del := func(m *Mutation) { m.Delete(0) }
	hset := func(m *Mutation) { m.SetElement(0, subs[0], []byte("e")) }
	type ops []func(*Mutation)
	for _, c := range []struct {
		name           string
		both, one, two ops // two writes after one
		want           bool
	}{
		{"SET on both sides", ops{set}, ops{set}, ops{set}, true},
		{"SET on both sides of a key that was not there", nil, ops{set}, ops{set}, true},
		{"one side behind", ops{set}, nil, ops{set}, false},
		{"one side far behind", ops{set}, nil, ops{set, set, write, set}, false},
		{"APPEND on both sides", ops{set}, ops{write}, ops{write}, true},
		{"a replica that missed a DEL and the SET after it", ops{set}, nil, ops{del, set}, false},
		{"a DEL over what it had not seen", ops{set}, ops{set}, ops{del}, false},
		{"DEL, then a SET that had not seen it", ops{set}, ops{del}, ops{set}, false},
		{"HSET on both sides", ops{hset}, ops{hset}, ops{hset}, true},
		{"HSET, one side behind", ops{hset}, nil, ops{hset, hset}, false},
		{"a replica that missed a DEL and the HSET after it", ops{hset}, nil, ops{del, hset}, false},
		{"HSET under a later SET", ops{hset}, ops{hset}, ops{set}, false},
	} {
		var a KeyState
		ms := int64(10)
		run := func(k *KeyState, n NodeID, fs ops) {
			for _, f := range fs {
				ms++
				apply(k, ms, n, f)
			}
		}
		run(&a, 1, c.both)
		b := sentState(t, &a)
		run(&a, 1, c.one)
		run(&b, 2, c.two)
		if got := lostAt(t, c.name, &a, &b); got != c.want {
			t.Errorf("%s: lost %v", c.name, got)
		}
	}
}

// A replica that missed an EXPIRE, and a key that expired in peace, lose nothing.
func TestExpiryAloneLosesNothing(t *testing.T) {
	var a KeyState
	apply(&a, 10, 1, func(m *Mutation) { m.Set(0, []byte("v"), 0) })
	b := sentState(t, &a)
	apply(&a, 20, 1, func(m *Mutation) { m.Expire(0, 100) })
	apply(&a, 200, 1, func(m *Mutation) { m.Write(0, []byte("new")) })
	apply(&a, 201, 1, func(m *Mutation) { m.Expire(0, 900) })
	if lostAt(t, "missed an EXPIRE", &a, &b) {
		t.Error("counted")
	}
}

func TestSiblingsOfOneDotMustBeEqual(t *testing.T) {
	var a KeyState
	apply(&a, 10, 1, func(m *Mutation) { m.PutSibling(0, nil, false, []byte("x")) })
	b := sentState(t, &a)
	b.Row.Siblings.Values[0].Bytes = []byte("y")
	if _, err := a.Merge(&b); !errors.Is(err, ErrCorrupt) {
		t.Errorf("got %v", err)
	}
}

func TestTooManySiblings(t *testing.T) {
	var k KeyState
	put := func(i int) {
		apply(&k, int64(10+i), NodeID(i+1), func(m *Mutation) { m.PutSibling(0, nil, true, []byte(fmt.Sprint(i))) })
	}
	for i := range MaxSiblings {
		if k.TooManySiblings(nil, true) {
			t.Fatalf("refused with %d", i)
		}
		put(i)
	}
	if len(k.LiveSiblings()) != MaxSiblings {
		t.Fatalf("%d siblings", len(k.LiveSiblings()))
	}
	if !k.TooManySiblings(nil, true) {
		t.Error("one more is taken")
	}
	if k.TooManySiblings(nil, false) || k.TooManySiblings(k.Context(), true) {
		t.Error("a writer that leaves no more than it found is refused")
	}
}

// A DEL that a third writer made between two HSETs took the first: the second overruled nothing.
func TestElementUnderAThirdsDelete(t *testing.T) {
	var a, b, c KeyState
	apply(&a, 11, 1, func(m *Mutation) { m.SetElement(0, subs[0], []byte("e")) })
	apply(&b, 13, 2, func(m *Mutation) { m.SetElement(0, subs[0], []byte("f")) })
	apply(&c, 12, 3, func(m *Mutation) { m.Delete(0) })
	if _, err := b.Merge(&c); err != nil {
		t.Fatal(err)
	}
	if lostAt(t, "third", &a, &b) {
		t.Error("counted")
	}
}

// A merge that knows more of this node's own writes than its row ends the name, for a total as for an actor.
func TestForgottenNamesEnd(t *testing.T) {
	for name, write := range map[string]func(*Mutation){
		"total": func(m *Mutation) { m.Add(0, 1) },
		"actor": func(m *Mutation) { m.PutSibling(0, nil, true, []byte("x")) },
	} {
		var k KeyState
		apply(&k, 10, 1, write)
		old := copyState(&k)
		apply(&k, 11, 1, write)
		if k.Row.Own != old.Row.Own {
			t.Errorf("%s: the second write has another name", name)
		}
		in := sentState(t, &k)
		if _, err := old.Merge(&in); err != nil || !old.Row.Own.IsZero() {
			t.Errorf("%s: goes on as %v, %v", name, old.Row.Own, err)
		}
	}
}

// An expiry that the database's cleared covers is none: writing another over it clears nothing.
func TestFlushedExpiryClearsNothing(t *testing.T) {
	var k KeyState
	apply(&k, 10, 1, func(m *Mutation) { m.Set(0, []byte("v"), 100) })
	k.Database = Stamp{HLC: HLCOf(20), Node: 1, Inc: 5}
	apply(&k, 50, 1, func(m *Mutation) { m.SetElement(0, subs[0], []byte("e")) })
	apply(&k, 200, 1, func(m *Mutation) { m.Expire(0, 900) })
	if _, ok := k.Element(subs[0]); !ok {
		t.Error("a write after FLUSHDB died of an expiry from before it")
	}
}

// After a keyspace began to keep siblings, a plain value is replaced by who saw it.
func TestPlainValueAmongSiblings(t *testing.T) {
	var k KeyState
	apply(&k, 10, 1, func(m *Mutation) { m.Add(0, 5) })
	unseen := copyState(&k)
	apply(&k, 20, 1, func(m *Mutation) { m.PutSibling(0, k.Context(), true, []byte("x")) })
	if got := k.LiveSiblings(); len(got) != 1 || string(got[0].Bytes) != "x" {
		t.Errorf("left %v", got)
	}
	apply(&unseen, 20, 1, func(m *Mutation) { m.PutSibling(0, nil, true, []byte("x")) })
	got := unseen.LiveSiblings()
	if len(got) != 2 || string(got[1].Bytes) != "5" {
		t.Errorf("left %v", got)
	}
	if text, _ := unseen.Text(); text.string() != "x" {
		t.Errorf("GET shows %q", text.string())
	}
	apply(&unseen, 30, 1, func(m *Mutation) { m.DropSiblings(0, unseen.Context(), true) })
	if unseen.Exists() {
		t.Errorf("left %v", unseen.LiveSiblings())
	}
}
