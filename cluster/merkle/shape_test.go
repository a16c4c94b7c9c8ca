package merkle

import (
	"errors"
	"testing"

	"pgregory.net/rapid"
)

func TestShapesThatCannotBe(t *testing.T) {
	for _, c := range []struct{ slots, leaves int }{
		{0, 1024}, {-1, 1024}, {3, 1024}, {1 << 15, 1 << 16}, {16, 0}, {16, 16}, {16, 1000}, {16, 1 << 17}, {64, 32},
		{16, -1024}, {-1 << 63, 1024}, {16, -1 << 63},
	} {
		if s, err := New(c.slots, c.leaves); !errors.Is(err, ErrShape) || s != nil {
			t.Errorf("%d slots in %d leaves: %v, %v", c.slots, c.leaves, s, err)
		}
	}
}

func drawShape(t *rapid.T) Shape {
	leaves := rapid.IntRange(5, 12).Draw(t, "leaf bits")
	slots := rapid.IntRange(0, min(leaves, 6)).Draw(t, "slot bits")
	s, err := NewShape(1<<slots, 1<<leaves)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The ranges of the leaves, in order, are the places of the slots, in order, without gap or overlap.
func TestLeavesTileThePartition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawShape(t)
		slot, next := 0, uint64(0)
		for l := range Leaf(s.Leaves()) {
			r := s.Range(l)
			first, last := r.Places()
			if int(r.Slot) != slot || first != next || last < first || !r.valid() || !s.Has(r) {
				t.Fatalf("%s leaf %d: slot %d places %d..%d, want slot %d from %d", s, l, r.Slot, first, last, slot, next)
			}
			for _, place := range []uint64{first, last} {
				if got := s.Leaf(r.Slot, place); got != l || !r.Holds(place, 7) {
					t.Fatalf("%s slot %d place %d: leaf %d, want %d", s, r.Slot, place, got, l)
				}
			}
			if last > first && first > 0 && r.Holds(first-1, 0) || last+1 < 1<<PlaceBits && r.Holds(last+1, 0) {
				t.Fatalf("%s leaf %d holds its neighbours' places", s, l)
			}
			if next = last + 1; next == 1<<PlaceBits {
				slot, next = slot+1, 0
			}
		}
		if slot != s.Slots() || next != 0 {
			t.Fatalf("%s ends at slot %d place %d", s, slot, next)
		}
	})
}

func TestSlotsCountFromTheRingOrThePartition(t *testing.T) {
	s, err := NewShape(16, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for slot := range uint16(16) {
		if a, b := s.Leaf(slot, 1<<37), s.Leaf(16000+slot, 1<<37); a != b || a != Leaf(slot)*64+32 {
			t.Errorf("slot %d: leaves %d and %d", slot, a, b)
		}
	}
	if !s.Range(0).Databases() || s.Range(1).Databases() || s.Range(64).Databases() {
		t.Error("the database rows are in leaf 0 and nowhere else")
	}
	if l := s.Leaf(65535, 1<<63|1<<40); int(l) >= s.Leaves() {
		t.Errorf("leaf %d of %d", l, s.Leaves())
	}
}

func TestRangesOfOthersAreLookedAt(t *testing.T) {
	s, err := NewShape(16, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]Range{
		"a slot too many":      {Slot: 16, Place: Prefix{Bits: 6}},
		"wider than a leaf":    {Slot: 1, Place: Prefix{Bits: 5}},
		"a value too wide":     {Slot: 1, Place: Prefix{Bits: 6, Value: 64}},
		"more bits than there": {Slot: 1, Place: Prefix{Bits: 39}},
		"a tail too wide":      {Slot: 1, Place: Prefix{Bits: 6}, Tail: Prefix{Bits: 33}},
	} {
		if s.Has(r) {
			t.Errorf("has %s", name)
		}
	}
}
