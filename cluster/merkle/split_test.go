package merkle

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A stored row, as a scan gives it.
type stored struct {
	slot  uint16
	place uint64
	tail  uint32
	hash  uint64
}

type replica struct {
	tree *Tree
	rows []stored
}

func (r *replica) put(rows ...stored) {
	for _, s := range rows {
		r.tree.Change(r.tree.shape.Leaf(s.slot, s.place), 0, s.hash)
		r.rows = append(r.rows, s)
	}
}

// scan does what a node does for a question: reads the range and sums it up.
func (r *replica) scan(t fataler, q SplitQuestion) *Splitter {
	t.Helper()
	if !r.tree.shape.Has(q.Range) {
		t.Fatalf("asked about %+v", q.Range)
	}
	s, err := NewSplitter(q)
	if err != nil {
		t.Fatal(err)
	}
	first, last := q.Range.Places()
	for _, row := range r.rows {
		if row.slot == q.Range.Slot && row.place >= first && row.place <= last {
			s.Add(row.place, row.tail, row.hash)
		}
	}
	return s
}

// narrow splits until no part is worth it, and returns those that differ; scans says how many there were on a side.
func narrow(t fataler, a, b *replica) (parts []Range, scans int) {
	t.Helper()
	found, _ := run(t, Begin(a.tree.shape, 0), a.tree, b.tree)
	var todo []SplitQuestion
	for i := range found {
		if q, ok := found[i].Split(a.tree.shape); ok {
			todo = append(todo, q)
		} else {
			parts = append(parts, a.tree.shape.Range(found[i].Leaf))
		}
	}
	for ; len(todo) > 0; todo = todo[1:] {
		q := todo[0]
		q.Seq = uint32(scans)
		b1 := AppendSplitQuestion(nil, &q)
		got, err := DecodeSplitQuestion(b1)
		if err != nil || got != q {
			t.Fatalf("%+v became %+v, %v", q, got, err)
		}
		scans++
		reply := b.scan(t, got).Reply()
		b2 := AppendSplitReply(nil, &reply)
		if reply, err = DecodeSplitReply(b2); err != nil || len(b2) > MaxMessage {
			t.Fatalf("%d bytes, %v", len(b2), err)
		}
		differ, err := a.scan(t, q).Compare(&reply)
		if err != nil {
			t.Fatal(err)
		}
		for i := range differ {
			if q, ok := differ[i].Split(); ok {
				todo = append(todo, q)
			} else {
				parts = append(parts, differ[i].Range)
			}
		}
	}
	return parts, scans
}

func inAny(parts []Range, s stored) bool {
	return slices.ContainsFunc(parts, func(r Range) bool { return r.Slot == s.slot && r.Holds(s.place, s.tail) })
}

// Rows that one side alone has are in the parts that are left; what is in both and far from them is not.
func TestSplitLosesNoDifference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		s, err := NewShape(4, 32)
		if err != nil {
			t.Fatal(err)
		}
		a, b := &replica{tree: s.New()}, &replica{tree: s.New()}
		places := rapid.IntRange(1, 2000).Draw(t, "places")
		bases := [3]uint64{0, rng.Uint64N(1 << PlaceBits), 1<<PlaceBits - 1}
		draw := func() stored {
			// Some places are close together, and some hold many rows.
			place := bases[rng.IntN(3)] ^ uint64(rng.IntN(places))<<rng.IntN(27)
			return stored{uint16(rng.IntN(4)), place, rng.Uint32(), max(rng.Uint64(), 1)}
		}
		for range rapid.IntRange(0, 3000).Draw(t, "both") {
			r := draw()
			a.put(r)
			b.put(r)
		}
		var differ []stored
		for range rapid.IntRange(0, 10).Draw(t, "differ") {
			r := draw()
			differ = append(differ, r)
			if rng.IntN(2) == 0 {
				a.put(r)
			} else {
				b.put(r)
			}
		}
		parts, scans := narrow(t, a, b)
		for _, r := range differ {
			if !inAny(parts, r) {
				t.Fatalf("%+v differs and is in no part", r)
			}
		}
		if len(parts) > len(differ) {
			t.Fatalf("%d differences, %d parts", len(differ), len(parts))
		}
		for _, p := range parts {
			rows := 0
			for _, r := range a.rows {
				if inAny([]Range{p}, r) {
					rows++
				}
			}
			if theirs := b.rows; rows > SplitRows && slices.ContainsFunc(theirs, func(r stored) bool { return inAny([]Range{p}, r) }) {
				t.Fatalf("part %+v has %d rows", p, rows)
			}
		}
		if scans > 10*(PlaceBits+TailBits)/2 {
			t.Fatalf("%d scans", scans)
		}
	})
}

// One row of a collection of a hundred thousand, all at one place, is found in three scans.
func TestOneRowOfALargeCollection(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	s, err := NewShape(16, 1024)
	if err != nil {
		t.Fatal(err)
	}
	a, b := &replica{tree: s.New()}, &replica{tree: s.New()}
	for range 100_000 {
		r := stored{5, 1 << 20, rng.Uint32(), max(rng.Uint64(), 1)}
		a.put(r)
		b.put(r)
	}
	a.put(stored{5, 1 << 20, 12345, 1})
	parts, scans := narrow(t, a, b)
	if len(parts) != 1 || scans != 3 {
		t.Fatalf("%d parts in %d scans", len(parts), scans)
	}
	rows := 0
	for _, r := range a.rows {
		if inAny(parts, r) {
			rows++
		}
	}
	if rows > SplitRows {
		t.Errorf("%d rows left to exchange", rows)
	}
	t.Logf("1 of 100001 rows of one place: %d scans, %d rows left to exchange", scans, rows)
}

func TestSplitsNotWorthIt(t *testing.T) {
	s, err := NewShape(16, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		mine, theirs uint32
		want         bool
	}{{0, 0, false}, {64, 64, false}, {65, 64, true}, {1, 65, true}, {0, 5000, false}, {5000, 0, false}, {1 << 31, 1 << 31, true}} {
		d := Difference{Leaf: 9, Mine: Sum{1, c.mine}, Theirs: Sum{2, c.theirs}}
		q, ok := d.Split(s)
		if ok != c.want {
			t.Errorf("%d and %d rows: %v", c.mine, c.theirs, ok)
		}
		if _, err := NewSplitter(q); ok && err != nil {
			t.Errorf("%d and %d rows: %v", c.mine, c.theirs, err)
		}
	}
	full := Range{Place: Prefix{Bits: PlaceBits}, Tail: Prefix{Bits: TailBits}}
	p := Part{Range: full, Mine: Sum{1, 1000}, Theirs: Sum{2, 1000}}
	if q, ok := p.Split(); ok {
		t.Errorf("no bits are left, yet %+v", q)
	}
	p.Range.Tail = Prefix{}
	if q, ok := p.Split(); !ok || !q.ByTail {
		t.Errorf("one place: %+v", q)
	}
	p.Range, p.OnePlace = Range{Place: Prefix{Bits: 6}, Tail: Prefix{Bits: TailBits}}, true
	if q, ok := p.Split(); !ok || q.ByTail {
		t.Errorf("no bits of the tail are left: %+v, %v", q, ok)
	}
}

// Rows of many places are parted by place, so that each part stays one run of the engine's keys.
func TestSplitsAreByPlaceWherePlacesDo(t *testing.T) {
	for name, c := range map[string]struct {
		places uint64
		byTail bool
	}{"two places": {2, false}, "a place a row": {1000, false}, "one place": {1, true}} {
		q := SplitQuestion{Range: Range{Slot: 2, Place: Prefix{Bits: 6, Value: 63}}, Bits: 1}
		s, err := NewSplitter(q)
		if err != nil {
			t.Fatal(err)
		}
		_, last := q.Range.Places()
		for i := range uint64(1000) {
			s.Add(last-i%c.places, uint32(i), i+1)
		}
		parts, err := s.Compare(&SplitReply{Sums: []Sum{{}, {Hash: 1, Rows: 1000}}})
		if err != nil || len(parts) != 1 || parts[0].Range.Place != (Prefix{Bits: 7, Value: 127}) {
			t.Fatalf("%s: %+v, %v", name, parts, err)
		}
		if next, ok := parts[0].Split(); !ok || next.ByTail != c.byTail {
			t.Errorf("%s: %+v", name, next)
		}
	}
}

func TestSplitsOfOthersAreLookedAt(t *testing.T) {
	for name, q := range map[string]SplitQuestion{
		"no bits":        {Range: Range{Place: Prefix{Bits: 6}}},
		"too many parts": {Range: Range{Place: Prefix{Bits: 6}}, Bits: 9},
		"past the place": {Range: Range{Place: Prefix{Bits: 37}}, Bits: 2},
		"past the tail":  {Range: Range{Tail: Prefix{Bits: 31}}, Bits: 2, ByTail: true},
		"bad range":      {Range: Range{Place: Prefix{Bits: 1, Value: 2}}, Bits: 2},
	} {
		if _, err := NewSplitter(q); !errors.Is(err, ErrMessage) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := DecodeSplitQuestion(AppendSplitQuestion(nil, &q)); !errors.Is(err, ErrMessage) {
			t.Errorf("%s: decoded, %v", name, err)
		}
	}
	s, err := NewSplitter(SplitQuestion{Seq: 3, Bits: 2})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Compare(&SplitReply{Seq: 4, Sums: make([]Sum, 4)}); !errors.Is(err, ErrUnasked) {
		t.Errorf("another question's answer: %v", err)
	}
	if _, err := s.Compare(&SplitReply{Seq: 3, Sums: make([]Sum, 8)}); !errors.Is(err, ErrMessage) {
		t.Errorf("an answer of other parts: %v", err)
	}
}
