package merkle

import (
	"errors"
	"fmt"
	"math/bits"
)

// PlaceBits is the width of a key's place within its slot: the keyed hash by which rows of a slot are sorted.
const PlaceBits = 38

// TailBits is the width of a row's tail, which tells apart the rows of one place. See Row.
const TailBits = 32

// Bounds of a Shape.
const (
	MinLeaves     = 32
	MaxLeaves     = 1 << 16
	MaxSlots      = 1 << 14
	DefaultLeaves = 1024
)

// ErrShape reports a shape that cannot be, or trees of two shapes.
var ErrShape = errors.New("merkle: bad shape")

// Shape says how a partition is cut into leaves: by slot, then by leading bits of the place. Home replicas of a
// partition use the same. The zero Shape is of no tree.
type Shape struct {
	slotBits uint8 // slots of the partition, log2
	leafBits uint8 // leaves of the tree, log2
}

// NewShape returns the shape of a partition of that many slots cut into that many leaves: powers of two, slots up to
// MaxSlots, leaves from MinLeaves to MaxLeaves and no fewer than slots. ErrShape otherwise.
func NewShape(slots, leaves int) (Shape, error) {
	if slots < 1 || slots > MaxSlots || slots&(slots-1) != 0 ||
		leaves < MinLeaves || leaves > MaxLeaves || leaves&(leaves-1) != 0 || leaves < slots {
		return Shape{}, fmt.Errorf("%w: %d slots in %d leaves", ErrShape, slots, leaves)
	}
	return Shape{slotBits: uint8(bits.TrailingZeros(uint(slots))), leafBits: uint8(bits.TrailingZeros(uint(leaves)))}, nil
}

// Slots returns how many slots the partition has.
func (s Shape) Slots() int { return 1 << s.slotBits }

// Leaves returns how many leaves the tree has.
func (s Shape) Leaves() int { return 1 << s.leafBits }

func (s Shape) valid() bool {
	again, err := NewShape(1<<(s.slotBits&31), 1<<(s.leafBits&31))
	return err == nil && again == s
}

// Leaf numbers a leaf of a tree, in the order of the slots and places that they cover.
type Leaf uint32

// Leaf returns the leaf of the rows at that place of that slot. The slot may be counted from the partition's first or
// from 0, for a partition begins at a multiple of its size. The database rows of a partition, which have no place, are in
// leaf 0, as if at place 0 of the first slot.
func (s Shape) Leaf(slot uint16, place uint64) Leaf {
	perSlot := s.leafBits - s.slotBits
	l := uint64(slot)<<perSlot | place>>(PlaceBits-perSlot)&(1<<perSlot-1)
	return Leaf(l & (1<<s.leafBits - 1))
}

// Range returns what the leaf covers.
func (s Shape) Range(l Leaf) Range {
	perSlot := s.leafBits - s.slotBits
	l &= 1<<s.leafBits - 1
	return Range{
		Slot:  uint16(l >> perSlot),
		Place: Prefix{Bits: perSlot, Value: uint64(l & (1<<perSlot - 1))},
	}
}

// Prefix says how the leading bits of a number are: Bits of them, and as a number Value.
type Prefix struct {
	Bits  uint8
	Value uint64
}

// holds reports whether v, a number that is width bits wide, begins with p.
func (p Prefix) holds(v uint64, width uint8) bool { return v>>(width-p.Bits) == p.Value }

func (p Prefix) valid(width uint8) bool { return p.Bits <= width && p.Value>>p.Bits == 0 }

func (p Prefix) child(n int, bits uint8) Prefix {
	return Prefix{Bits: p.Bits + bits, Value: p.Value<<bits | uint64(n)}
}

// Range is a part of a partition: of one slot the rows whose place begins with Place and, where a place alone holds many
// rows, whose tail begins with Tail. Without a Tail it is one contiguous run of the engine's keys in each database.
type Range struct {
	Slot  uint16 // from the partition's first
	Place Prefix
	Tail  Prefix
}

// Places returns the first and the last place of the range: what to scan.
func (r Range) Places() (first, last uint64) {
	free := PlaceBits - r.Place.Bits
	first = r.Place.Value << free
	return first, first | (1<<free - 1)
}

// Holds reports whether a row of the range's slot is in the range. A scan of Places that meets one which is not skips it.
func (r Range) Holds(place uint64, tail uint32) bool {
	return r.Place.holds(place, PlaceBits) && r.Tail.holds(uint64(tail), TailBits)
}

// Databases reports whether database rows can be in the range, as rows at place 0. They sort before their database's places:
// begin the scan there.
func (r Range) Databases() bool { return r.Slot == 0 && r.Place.Value == 0 }

func (r Range) valid() bool {
	return r.Slot < MaxSlots && r.Place.valid(PlaceBits) && r.Tail.valid(TailBits)
}

// String gives slots and leaves: "16/1024".
func (s Shape) String() string { return fmt.Sprintf("%d/%d", s.Slots(), s.Leaves()) }

// Has reports whether the range is of a partition of this shape and no wider than a leaf: to be asked before scanning what
// another node wants split.
func (s Shape) Has(r Range) bool {
	return r.valid() && int(r.Slot) < s.Slots() && r.Place.Bits >= s.leafBits-s.slotBits
}
