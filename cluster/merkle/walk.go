package merkle

import (
	"errors"
	"fmt"
	"slices"
)

// MaxNodes is how many nodes one Question names at most.
const MaxNodes = 16

// Errors of an exchange.
var (
	// ErrUnasked reports an answer to no question that is open: a late one or a duplicate. Nothing has changed.
	ErrUnasked = errors.New("merkle: answer to no question")
	// ErrMessage reports a question or an answer that no Walk, Answer or Splitter makes. Nothing has changed.
	ErrMessage = errors.New("merkle: malformed message")
)

// Question asks another replica for the children of nodes of its tree. It can be asked again at will.
type Question struct {
	Seq   uint32 // comes back in the answer
	Shape Shape
	Level uint8
	Root  uint64   // at level 0: the asker's, so that the answer can be that it is the same
	Nodes []uint16 // at other levels: ascending, from 1 to MaxNodes
}

// Reply answers a Question.
type Reply struct {
	Seq    uint32
	Shape  Shape
	Level  uint8    // the question's
	Same   bool     // at level 0: the roots are equal; there is nothing else then
	Hashes []uint64 // of the children, node by node
	Rows   []uint32 // of each where the children are leaves
}

// Answer answers from a tree. It keeps nothing of the question: whoever answers has no state. ErrShape if the asker's tree
// is cut in another way, ErrMessage for what is no question.
func (t *Tree) Answer(q *Question) (Reply, error) {
	if q.Shape != t.shape {
		return Reply{}, fmt.Errorf("%w: asked about %s, have %s", ErrShape, q.Shape, t.shape)
	}
	if !q.valid() {
		return Reply{}, fmt.Errorf("%w: question", ErrMessage)
	}
	r := Reply{Seq: q.Seq, Shape: q.Shape, Level: q.Level}
	level := int(q.Level)
	if level == 0 {
		if r.Same = t.Root() == q.Root; r.Same {
			return r, nil
		}
	}
	fan, leaves := t.shape.fan(level), level == t.shape.depth()-1
	r.Hashes = make([]uint64, 0, q.count()*fan)
	if leaves {
		r.Rows = make([]uint32, 0, q.count()*fan)
	}
	for i := range q.count() {
		first := q.node(i) * fan
		for c := first; c < first+fan; c++ {
			r.Hashes = append(r.Hashes, t.hash(level+1, c))
			if leaves {
				_, rows := t.Leaf(Leaf(c))
				r.Rows = append(r.Rows, uint32(max(rows, 0)))
			}
		}
	}
	return r, nil
}

// hash returns the hash of a node.
func (t *Tree) hash(level, n int) uint64 {
	if t.nodes == nil {
		return 0
	}
	t.settle()
	return t.nodes[level][n]
}

// count returns how many nodes are asked about, node which they are.
func (q *Question) count() int {
	if q.Level == 0 {
		return 1
	}
	return len(q.Nodes)
}

func (q *Question) node(i int) int {
	if q.Level == 0 {
		return 0
	}
	return int(q.Nodes[i])
}

func (q *Question) valid() bool {
	if !q.Shape.valid() || int(q.Level) >= q.Shape.depth() {
		return false
	}
	if q.Level == 0 {
		return len(q.Nodes) == 0
	}
	if q.Root != 0 || len(q.Nodes) == 0 || len(q.Nodes) > MaxNodes {
		return false
	}
	for i, n := range q.Nodes {
		if i > 0 && n <= q.Nodes[i-1] {
			return false
		}
	}
	return int(q.Nodes[len(q.Nodes)-1]) < q.Shape.width(int(q.Level))
}

// Difference is a leaf that is not the same in two trees.
type Difference struct {
	Leaf         Leaf
	Mine, Theirs Sum
}

// Sum is what a tree or a scan says of some rows: the XOR of their hashes and how many they are.
type Sum struct {
	Hash uint64
	Rows uint32
}

// Walk compares a tree with another replica's by questions and answers, level by level. It is the asker's state; the zero
// Walk has ended. A Walk holds at most a word for every inner node above the leaves and what it has found and not given.
type Walk struct {
	shape   Shape
	level   int
	seq     uint32
	root    bool     // the question of the root is open or to be asked
	pending []uint16 // nodes of level whose children are to be asked for, ascending
	next    []uint16 // nodes of level+1 found to differ
	open    int      // how many of pending the question that is out is about
	only    []Leaf   // if any: report these leaves alone, ascending
	found   []Difference
}

// Begin returns a walk of the whole tree. Seq numbers its first question: let it differ from walk to walk, so that no late
// answer to an earlier walk fits.
func Begin(s Shape, seq uint32) Walk { return Walk{shape: s, seq: seq, root: true} }

// Again returns a walk that looks once more at leaves that were found to differ, and reports those of them that still do:
// what differed only because a write was on its way does not.
func Again(s Shape, seq uint32, found []Difference) Walk {
	w := Walk{shape: s, seq: seq, level: s.depth() - 1}
	for i := range found {
		if l := found[i].Leaf; int(l) < s.Leaves() {
			w.only = append(w.only, l)
		}
	}
	slices.Sort(w.only)
	w.only = slices.Compact(w.only)
	for _, l := range w.only {
		if n := uint16(l >> fanBits); len(w.pending) == 0 || w.pending[len(w.pending)-1] != n {
			w.pending = append(w.pending, n)
		}
	}
	if w.level == 0 {
		w.root, w.pending = len(w.only) > 0, nil
	}
	return w
}

// Next returns the question to ask, the same until it is answered; false if the walk has ended. Its nodes are the walk's
// until the next Step.
func (w *Walk) Next(t *Tree) (Question, bool) {
	q := Question{Seq: w.seq, Shape: w.shape, Level: uint8(w.level)}
	switch {
	case w.root:
		q.Root = t.Root()
	case len(w.pending) > 0:
		w.open = min(len(w.pending), MaxNodes)
		q.Nodes = w.pending[:w.open]
	default:
		return Question{}, false
	}
	return q, true
}

// Ended reports whether all has been compared.
func (w *Walk) Ended() bool { return !w.root && len(w.pending) == 0 }

// Step takes an answer to the question that Next gave. ErrShape if one of the trees is cut in another way, ErrUnasked and
// ErrMessage; after an error the walk is as before.
func (w *Walk) Step(t *Tree, r *Reply) error {
	if err := w.fits(t, r); err != nil {
		return err
	}
	w.seq++
	asked := w.pending[:w.open]
	if w.root {
		w.root, asked = false, []uint16{0}
	}
	if !r.Same {
		w.compare(t, r, asked)
	}
	w.pending = w.pending[w.open:]
	w.open = 0
	if len(w.pending) == 0 {
		w.level++
		w.pending, w.next = w.next, nil
	}
	return nil
}

func (w *Walk) fits(t *Tree, r *Reply) error {
	if t.shape != w.shape || r.Shape != w.shape {
		return fmt.Errorf("%w: walk %s, mine %s, theirs %s", ErrShape, w.shape, t.shape, r.Shape)
	}
	if r.Seq != w.seq || !w.root && w.open == 0 {
		return ErrUnasked
	}
	nodes := w.open
	if w.root {
		nodes = 1
	}
	want, rows := nodes*w.shape.fan(w.level), 0
	if w.level == w.shape.depth()-1 {
		rows = want
	}
	if r.Same {
		want, rows = 0, 0
	}
	if int(r.Level) != w.level || r.Same && !w.root || len(r.Hashes) != want || len(r.Rows) != rows {
		return fmt.Errorf("%w: answer", ErrMessage)
	}
	return nil
}

func (w *Walk) compare(t *Tree, r *Reply, asked []uint16) {
	fan := w.shape.fan(w.level)
	for i, theirs := range r.Hashes {
		child := int(asked[i/fan])*fan + i%fan
		mine := t.hash(w.level+1, child)
		if mine == theirs {
			continue
		}
		if w.level < w.shape.depth()-1 {
			w.next = append(w.next, uint16(child))
			continue
		}
		w.find(t, Leaf(child), Sum{Hash: theirs, Rows: r.Rows[i]})
	}
}

func (w *Walk) find(t *Tree, l Leaf, theirs Sum) {
	if w.only != nil {
		if _, ok := slices.BinarySearch(w.only, l); !ok {
			return
		}
	}
	hash, rows := t.Leaf(l)
	w.found = append(w.found, Difference{Leaf: l, Mine: Sum{Hash: hash, Rows: uint32(max(rows, 0))}, Theirs: theirs})
}

// Take returns what has been found since the last Take, ascending, and lets it go.
func (w *Walk) Take() []Difference {
	found := w.found
	w.found = nil
	return found
}
