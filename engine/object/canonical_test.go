package object

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// Canonical bytes are equal exactly when the rows say the same by themselves: as digests of the row alone.
func TestCanonicalIsDigestOfTheRow(t *testing.T) {
	alone := func(r *KeyRow) uint64 {
		k := KeyState{Row: *r}
		return k.Digest(testSecret)
	}
	rapid.Check(t, func(t *rapid.T) {
		w := history(t, 25)
		if rapid.Bool().Draw(t, "converged") {
			w.exchangeAll()
		}
		for _, a := range w.rs {
			for _, b := range w.rs {
				x, y := a.k.Row, b.k.Row
				if rapid.Bool().Draw(t, "drop what the row's clear covers") {
					x.dropCovered(x.Cleared)
				}
				same := bytes.Equal(x.AppendCanonical(nil), y.AppendCanonical(nil))
				if same != (alone(&x) == alone(&y)) {
					t.Fatalf("same bytes: %v, digests %x and %x of\n%+v\n%+v", same, alone(&x), alone(&y), x, y)
				}
			}
		}
	})
}

func TestCanonicalLeavesOutWhatIsLocal(t *testing.T) {
	full := fullState()
	plain := full.Row.AppendCanonical(nil)
	local := full.Row
	local.Own, local.HasElements = Stamp{HLC: 9, Node: 1, Inc: 1}, true
	if !bytes.Equal(local.AppendCanonical(nil), plain) {
		t.Error("local fields are in it")
	}
	empty := KeyRow{HasElements: true}
	if b := empty.AppendCanonical(nil); len(b) > 0 {
		t.Errorf("%x of a row that holds nothing that is sent", b)
	}
	e := full.Elements[0].Row
	one := e.AppendCanonical(nil)
	for name, change := range map[string]func(*ElementRow){
		"stamp":     func(e *ElementRow) { e.Stamp.HLC++ },
		"replaced":  func(e *ElementRow) { e.Replaced.HLC++ },
		"tombstone": func(e *ElementRow) { e.Tombstone, e.Value = true, nil },
	} {
		other := e
		change(&other)
		if bytes.Equal(other.AppendCanonical(nil), one) {
			t.Errorf("%s is not in it", name)
		}
	}
	if (&ElementRow{}).AppendCanonical(nil) != nil {
		t.Error("bytes of no element")
	}
}
