package object

import (
	"errors"
	"testing"
)

func TestElementRowBytes(t *testing.T) {
	s, same, other := Stamp{9, 2, 3}, Stamp{5, 2, 3}, Stamp{5, 7, 3}
	for name, e := range map[string]ElementRow{
		"plain":            {Stamp: s, Value: []byte("v")},
		"empty":            {Stamp: s},
		"tombstone":        {Stamp: s, Replaced: same, Tombstone: true},
		"other replaced":   {Stamp: s, Replaced: other, Value: []byte("v")},
		"replaced at zero": {Stamp: s, Replaced: Stamp{0, 2, 3}},
	} {
		b := e.AppendRow([]byte("x"))[1:]
		var d ElementRow
		if err := CheckRow(b); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := d.DecodeRow(b); err != nil || len(b) != e.EncodedLen() || string(d.AppendRow(nil)) != string(b) ||
			d.Stamp != e.Stamp || d.Replaced != e.Replaced || d.Tombstone != e.Tombstone {
			t.Errorf("%s: got %+v, %v", name, d, err)
		}
		var k KeyRow
		if err := k.DecodeRow(b); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: read as a key row: %v", name, err)
		}
	}
	bad := ElementRow{Stamp: s, Tombstone: true, Value: []byte("v")}
	for name, e := range map[string]ElementRow{"tombstone with a value": bad, "no stamp": {Value: []byte("v")}} {
		var d ElementRow
		if err := d.DecodeRow(e.AppendRow(nil)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestElementMerge(t *testing.T) {
	first := ElementRow{Stamp: Stamp{1, 1, 1}, Value: []byte("a")}
	left := ElementRow{Stamp: Stamp{2, 1, 1}, Replaced: first.Stamp, Value: []byte("b")}
	right := ElementRow{Stamp: Stamp{3, 2, 1}, Replaced: first.Stamp, Tombstone: true}
	later := ElementRow{Stamp: Stamp{4, 2, 1}, Replaced: right.Stamp, Value: []byte("c")}
	for _, c := range []struct {
		name string
		a, b ElementRow
		lost bool
	}{{"concurrent", left, right, true}, {"had seen", right, later, false}, {"same", left, left, false}, {"none", ElementRow{}, left, false}} {
		x, y := c.a, c.b
		l1, err1 := x.Merge(&c.b)
		l2, err2 := y.Merge(&c.a)
		if l1 != c.lost || l2 != c.lost || err1 != nil || err2 != nil || string(x.AppendRow(nil)) != string(y.AppendRow(nil)) {
			t.Errorf("%s: lost %v %v, %v %v", c.name, l1, l2, err1, err2)
		}
	}
	for name, change := range map[string]func(*ElementRow){
		"value":     func(e *ElementRow) { e.Value = []byte("other") },
		"tombstone": func(e *ElementRow) { e.Tombstone = true },
		"replaced":  func(e *ElementRow) { e.Replaced = Stamp{} },
	} {
		x, y := left, left
		change(&y)
		if _, err := x.Merge(&y); !errors.Is(err, ErrCorrupt) {
			t.Errorf("another %s under one stamp: %v", name, err)
		}
	}
}

// A hash does what Redis's does with its TTL, and HSET makes the key row dirty only when that changes.
func TestElementsAndTheKeyRow(t *testing.T) {
	var k KeyState
	set := func(ms int64) { apply(&k, ms, 1, func(m *Mutation) { m.SetElement(0, subs[1], []byte("v")) }) }
	set(10)
	if !k.Dirty() || !k.Elements[0].Dirty() || !k.Row.HasElements || k.Type() != TypeHash || !k.Row.IsZero() {
		t.Fatalf("first element: %+v", k)
	}
	k.Settle()
	if set(11); k.Dirty() || !k.Elements[0].Dirty() {
		t.Fatal("a second write changes the element alone")
	}
	apply(&k, 12, 1, func(m *Mutation) { m.Expire(0, 100) })
	apply(&k, 13, 1, func(m *Mutation) { m.SetElement(0, subs[0], []byte("w")) })
	if k.ExpireAt() != 100 || string(k.Elements[0].Sub) != string(subs[0]) {
		t.Fatalf("HSET beside a TTL: %+v", k)
	}
	apply(&k, 14, 1, func(m *Mutation) { m.DropElement(0, subs[0]); m.DropElement(0, subs[1]) })
	if k.Exists() {
		t.Fatal("an emptied hash exists")
	}
	if set(15); k.ExpireAt() != 0 {
		t.Fatal("an emptied hash kept its TTL")
	}
	apply(&k, 16, 1, func(m *Mutation) {
		m.ClearOld(0, 300)
		m.SetElement(0, subs[2], []byte("1"))
		m.SetElement(0, subs[2], []byte("2"))
	})
	if v, ok := k.Element(subs[2]); !ok || string(v) != "2" || k.ExpireAt() != 300 || k.Type() != TypeHash {
		t.Fatalf("COPY of a hash: %q, expires %d", v, k.ExpireAt())
	}
	if _, ok := k.Element(subs[1]); ok {
		t.Fatal("COPY leaves an old field alive")
	}
	apply(&k, 17, 1, func(m *Mutation) { m.Set(0, []byte("s"), 0) })
	if k.Type() != TypeString {
		t.Fatal("SET leaves elements alive")
	}
}

// Of two types the one with the greatest stamp shows.
func TestTwoTypes(t *testing.T) {
	var a, b KeyState
	apply(&a, 10, 1, func(m *Mutation) { m.Write(0, []byte("s")) })
	apply(&b, 20, 2, func(m *Mutation) { m.SetElement(0, subs[0], []byte("v")) })
	if _, err := a.Merge(&b); err != nil {
		t.Fatal(err)
	}
	if a.Look(HLCOf(30)); a.Type() != TypeHash {
		t.Errorf("shows %v", a.Type())
	}
	apply(&a, 40, 1, func(m *Mutation) { m.Add(0, 1) })
	if a.Type() != TypeString {
		t.Errorf("shows %v", a.Type())
	}
}
