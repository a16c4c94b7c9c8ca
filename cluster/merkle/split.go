package merkle

import (
	"fmt"
	"math/bits"
)

const (
	// SplitRows is above how many rows a differing part is worth another split.
	SplitRows = 64
	// MaxSplitBits bounds the parts of one split: 2^MaxSplitBits.
	MaxSplitBits = 8

	splitAim = SplitRows / 2 // rows in a part, about
)

// SplitQuestion asks another replica for the sums of the parts of a range, and is what a Splitter needs for the same.
// The parts are by the next Bits of the place or, ByTail, of the tail.
type SplitQuestion struct {
	Seq    uint32 // comes back in the answer
	Range  Range
	Bits   uint8 // from 1 to MaxSplitBits
	ByTail bool
}

// SplitReply answers a SplitQuestion.
type SplitReply struct {
	Seq  uint32
	Sums []Sum // of the parts in order: 2^Bits
}

// Part is a part of a split range that is not the same on two replicas.
type Part struct {
	Range        Range
	Mine, Theirs Sum
	// OnePlace says that my rows here are all of one place, so that more bits of it would not part them.
	OnePlace bool
}

// Split returns how to split the part further. It says false where that is not worth it: few rows, or rows on one side
// only, so that all of them differ.
func (p *Part) Split() (SplitQuestion, bool) { return split(p.Range, p.Mine, p.Theirs, p.OnePlace) }

// Split returns how to split the leaf, or false where its rows are few, or on one side only.
func (d *Difference) Split(s Shape) (SplitQuestion, bool) {
	return split(s.Range(d.Leaf), d.Mine, d.Theirs, false)
}

func split(r Range, mine, theirs Sum, onePlace bool) (SplitQuestion, bool) {
	rows := max(mine.Rows, theirs.Rows)
	if rows <= SplitRows || mine.Rows == 0 || theirs.Rows == 0 {
		return SplitQuestion{}, false
	}
	q := SplitQuestion{Range: r}
	room := PlaceBits - r.Place.Bits
	if room == 0 || onePlace && r.Tail.Bits < TailBits {
		q.ByTail, room = true, TailBits-r.Tail.Bits
	}
	q.Bits = min(uint8(bits.Len32((rows-1)/splitAim)), MaxSplitBits, room)
	return q, q.Bits > 0
}

func (q *SplitQuestion) valid() bool {
	if !q.Range.valid() || q.Bits < 1 || q.Bits > MaxSplitBits {
		return false
	}
	if q.ByTail {
		return q.Range.Tail.Bits+q.Bits <= TailBits
	}
	return q.Range.Place.Bits+q.Bits <= PlaceBits
}

// part returns the nth part of what is split.
func (q *SplitQuestion) part(n int) Range {
	r := q.Range
	if q.ByTail {
		r.Tail = r.Tail.child(n, q.Bits)
	} else {
		r.Place = r.Place.child(n, q.Bits)
	}
	return r
}

// Splitter sums up the rows of a range, part by part, as a scan meets them. Both sides of an exchange make one.
type Splitter struct {
	q     SplitQuestion
	parts []splitPart
}

type splitPart struct {
	Sum
	place uint64 // of the first row
	many  bool   // others are at other places
}

// NewSplitter returns a Splitter for the question, which may have come from another node: ErrMessage if it is none.
func NewSplitter(q SplitQuestion) (*Splitter, error) {
	if !q.valid() {
		return nil, fmt.Errorf("%w: split", ErrMessage)
	}
	return &Splitter{q: q, parts: make([]splitPart, 1<<q.Bits)}, nil
}

// Question returns what the Splitter answers.
func (s *Splitter) Question() SplitQuestion { return s.q }

// Add counts a row of the range's slot, once, by its place, Row.Tail and Row.Hash. A row that is not in the range, or has
// the hash 0, is passed over. The order does not matter.
func (s *Splitter) Add(place uint64, tail uint32, hash uint64) {
	if hash == 0 || !s.q.Range.Holds(place, tail) {
		return
	}
	n := place >> (PlaceBits - s.q.Range.Place.Bits - s.q.Bits)
	if s.q.ByTail {
		n = uint64(tail) >> (TailBits - s.q.Range.Tail.Bits - s.q.Bits)
	}
	p := &s.parts[n&(1<<s.q.Bits-1)]
	if p.Rows == 0 {
		p.place = place
	}
	p.many = p.many || p.place != place
	p.Hash ^= hash
	p.Rows++
}

// Reply returns the answer to the question once the scan is through.
func (s *Splitter) Reply() SplitReply {
	r := SplitReply{Seq: s.q.Seq, Sums: make([]Sum, len(s.parts))}
	for i := range s.parts {
		r.Sums[i] = s.parts[i].Sum
	}
	return r
}

// Compare returns the parts that differ, in order, once the scan is through: ErrUnasked for an answer to another question,
// ErrMessage for what answers none.
func (s *Splitter) Compare(r *SplitReply) ([]Part, error) {
	if r.Seq != s.q.Seq {
		return nil, ErrUnasked
	}
	if len(r.Sums) != len(s.parts) {
		return nil, fmt.Errorf("%w: %d parts of %d", ErrMessage, len(r.Sums), len(s.parts))
	}
	var differ []Part
	for i := range s.parts {
		if p := &s.parts[i]; p.Sum != r.Sums[i] {
			differ = append(differ, Part{Range: s.q.part(i), Mine: p.Sum, Theirs: r.Sums[i], OnePlace: p.Rows > 0 && !p.many})
		}
	}
	return differ, nil
}
