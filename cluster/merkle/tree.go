package merkle

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/dchest/siphash"
)

// FanOut is how many children an inner node has. The root alone may have fewer.
const FanOut = 1 << fanBits

const fanBits = 5

// ErrWrong reports a tree that cannot be that of any rows: build it again.
var ErrWrong = errors.New("merkle: tree is of no rows")

// Tree is the hash tree of one partition on one node. It is not safe for concurrent use, not even by those who only read:
// inner nodes are computed when they are asked for. An empty tree takes no memory but its own few words.
//
//	level 0       root                        0 where there is no row, else a hash of its children
//	level 1       FanOut inner nodes, or fewer
//	...
//	level Depth   leaves                      each the XOR of the hashes of its rows
type Tree struct {
	shape Shape
	rows  int64
	nodes [][]uint64 // by level; nil until the first change
	count []int32    // of rows, by leaf
	dirty [][]uint64 // by inner level: a bit for each node to compute again
}

// New returns an empty tree; its arguments are NewShape's.
func New(slots, leaves int) (*Tree, error) {
	s, err := NewShape(slots, leaves)
	if err != nil {
		return nil, err
	}
	return s.New(), nil
}

// New returns an empty tree. REQUIRES: a shape of NewShape's.
func (s Shape) New() *Tree { return &Tree{shape: s} }

// depth returns how many levels of nodes are above the leaves.
func (s Shape) depth() int { return (int(s.leafBits) + fanBits - 1) / fanBits }

// width returns how many nodes a level has.
func (s Shape) width(level int) int {
	return 1 << max(int(s.leafBits)-fanBits*(s.depth()-level), 0)
}

// fan returns how many children a node of an inner level has.
func (s Shape) fan(level int) int { return s.width(level+1) / s.width(level) }

// Shape returns how the tree is cut.
func (t *Tree) Shape() Shape { return t.shape }

// Rows returns how many rows the tree is of.
func (t *Tree) Rows() int64 { return t.rows }

// Change puts one version of a row in the place of another: hashes by Row.Hash, 0 for none. Any order of the same changes
// gives the same tree, and so it does not matter that a change is there before the row it takes back. REQUIRES: a leaf of
// the tree's shape.
func (t *Tree) Change(l Leaf, before, after uint64) {
	if before == after {
		return
	}
	if t.nodes == nil {
		t.grow()
	}
	t.nodes[len(t.nodes)-1][l] ^= before ^ after
	t.mark(l)
	if before == 0 {
		t.count[l]++
		t.rows++
	}
	if after == 0 {
		t.count[l]--
		t.rows--
	}
}

func (t *Tree) mark(l Leaf) {
	n := l >> fanBits
	t.dirty[len(t.dirty)-1][n>>6] |= 1 << (n & 63)
}

func (t *Tree) grow() {
	depth := t.shape.depth()
	t.nodes = make([][]uint64, depth+1)
	t.dirty = make([][]uint64, depth)
	for i := range t.nodes {
		t.nodes[i] = make([]uint64, t.shape.width(i))
	}
	for i := range t.dirty {
		t.dirty[i] = make([]uint64, (t.shape.width(i)+63)/64)
	}
	t.count = make([]int32, t.shape.Leaves())
}

// Leaf returns the XOR of a leaf's hashes and how many rows they are of. REQUIRES: a leaf of the tree's shape.
func (t *Tree) Leaf(l Leaf) (hash uint64, rows int) {
	if t.nodes == nil {
		return 0, 0
	}
	return t.nodes[len(t.nodes)-1][l], int(t.count[l])
}

// Root returns the hash of the whole tree: equal for trees of equal rows, 0 for none.
func (t *Tree) Root() uint64 {
	if t.nodes == nil {
		return 0
	}
	t.settle()
	return t.nodes[0][0]
}

// settle computes again the inner nodes above changed leaves.
func (t *Tree) settle() {
	for level := len(t.dirty) - 1; level >= 0; level-- {
		fan := t.shape.fan(level)
		for w, set := range t.dirty[level] {
			for ; set != 0; set &= set - 1 {
				n := w<<6 | bits.TrailingZeros64(set)
				t.nodes[level][n] = combine(t.nodes[level+1][n*fan : (n+1)*fan])
				if level > 0 {
					p := n / t.shape.fan(level-1)
					t.dirty[level-1][p>>6] |= 1 << (p & 63)
				}
			}
			t.dirty[level][w] = 0
		}
	}
}

// combine hashes the children of a node. What it hashes is keyed and secret already: its own key is a constant.
func combine(children []uint64) uint64 {
	var room [FanOut * 8]byte
	var any uint64
	for i, c := range children {
		binary.LittleEndian.PutUint64(room[i*8:], c)
		any |= c
	}
	if any == 0 {
		return 0
	}
	return max(siphash.Hash(combineK0, combineK1, room[:len(children)*8]), 1)
}

const combineK0, combineK1 = 0x726f6e646f206d65, 0x726b6c65206e6f64

// Absorb adds all rows of another tree, which must be of other rows, or of changes that t has not seen. ErrShape if it is
// cut in another way; t is as before then.
func (t *Tree) Absorb(o *Tree) error {
	if o.shape != t.shape {
		return fmt.Errorf("%w: %s into %s", ErrShape, o.shape, t.shape)
	}
	if o.nodes == nil {
		return nil
	}
	if t.nodes == nil {
		t.grow()
	}
	mine, its := t.nodes[len(t.nodes)-1], o.nodes[len(o.nodes)-1]
	for i, h := range its {
		if h != 0 || o.count[i] != 0 {
			mine[i] ^= h
			t.count[i] += o.count[i]
			t.mark(Leaf(i))
		}
	}
	t.rows += o.rows
	return nil
}

// Check returns ErrWrong if a leaf has less than no rows, or a hash without rows, or one row without a hash: some change
// told of a version that was never there. A tree that passes may still be wrong.
func (t *Tree) Check() error {
	if t.nodes == nil {
		return nil
	}
	for i, h := range t.nodes[len(t.nodes)-1] {
		if n := t.count[i]; n < 0 || n == 0 && h != 0 || n == 1 && h == 0 {
			return fmt.Errorf("%w: leaf %d with hash %#x says it has %d rows", ErrWrong, i, h, n)
		}
	}
	return nil
}

// Reset empties the tree and gives its memory back.
func (t *Tree) Reset() { *t = Tree{shape: t.shape} }
