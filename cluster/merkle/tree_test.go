package merkle

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A row as tests have it: the tree sees no more of it than leaf and hash.
type row struct {
	leaf Leaf
	hash uint64
}

func drawRows(t *rapid.T, s Shape, name string) []row {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) row {
		return row{
			leaf: Leaf(rapid.IntRange(0, s.Leaves()-1).Draw(t, "leaf")),
			hash: max(rapid.Uint64().Draw(t, "hash"), 1),
		}
	}), 0, 200).Draw(t, name)
}

func build(s Shape, rows []row) *Tree {
	t := s.New()
	for _, r := range rows {
		t.Change(r.leaf, 0, r.hash)
	}
	return t
}

// twin is the obvious tree: all levels from the leaves, every time.
func twin(s Shape, rows []row) [][]uint64 {
	levels := make([][]uint64, s.depth()+1)
	for i := range levels {
		levels[i] = make([]uint64, s.width(i))
	}
	for _, r := range rows {
		levels[s.depth()][r.leaf] ^= r.hash
	}
	for i := s.depth() - 1; i >= 0; i-- {
		for n := range levels[i] {
			levels[i][n] = combine(levels[i+1][n*s.fan(i) : (n+1)*s.fan(i)])
		}
	}
	return levels
}

func same(t *rapid.T, what string, tree *Tree, rows []row) {
	t.Helper()
	levels := twin(tree.shape, rows)
	for i, level := range levels {
		for n, want := range level {
			if got := tree.hash(i, n); got != want {
				t.Fatalf("%s: level %d node %d is %#x, not %#x", what, i, n, got, want)
			}
		}
	}
	if tree.Root() != levels[0][0] || tree.Rows() != int64(len(rows)) {
		t.Fatalf("%s: root %#x of %d rows, not %#x of %d", what, tree.Root(), tree.Rows(), levels[0][0], len(rows))
	}
}

func TestAnyOrderGivesTheTreeBuiltAtOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawShape(t)
		rows := drawRows(t, s, "rows")
		same(t, "in order", build(s, rows), rows)
		same(t, "in another order", build(s, rapid.Permutation(rows).Draw(t, "order")), rows)

		// Rows come in as other versions first, with looks at the root between.
		tree := s.New()
		old := make([]uint64, len(rows))
		for i, r := range rows {
			old[i] = max(rapid.Uint64().Draw(t, "old"), 1)
			tree.Change(r.leaf, 0, old[i])
		}
		for _, i := range rapid.Permutation(indexes(len(rows))).Draw(t, "changes") {
			tree.Change(rows[i].leaf, old[i], rows[i].hash)
			if rapid.Bool().Draw(t, "look") {
				tree.Root()
			}
		}
		same(t, "changed", tree, rows)
		if err := tree.Check(); err != nil {
			t.Fatal(err)
		}
	})
}

func indexes(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func TestWhatIsTakenOutIsGone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawShape(t)
		stay, leave := drawRows(t, s, "stay"), drawRows(t, s, "leave")
		tree := build(s, append(slices.Clone(stay), leave...))
		tree.Root()
		for _, r := range rapid.Permutation(leave).Draw(t, "order") {
			tree.Change(r.leaf, r.hash, 0)
		}
		same(t, "without them", tree, stay)
		for _, r := range stay {
			tree.Change(r.leaf, r.hash, 0)
		}
		if tree.Root() != 0 || tree.Rows() != 0 || tree.Check() != nil {
			t.Fatalf("empty: root %#x, %d rows, %v", tree.Root(), tree.Rows(), tree.Check())
		}
	})
}

// A tree built from a scan of a moment joins one that saw all changes since that moment.
func TestAbsorbBesideTraffic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawShape(t)
		stored := drawRows(t, s, "stored")
		live, scan, now := s.New(), s.New(), slices.Clone(stored)
		for i, r := range stored {
			scan.Change(r.leaf, 0, r.hash)
			switch rapid.IntRange(0, 2).Draw(t, "then") {
			case 1:
				now[i].hash = max(rapid.Uint64().Draw(t, "new"), 1)
				live.Change(r.leaf, r.hash, now[i].hash)
			case 2:
				now[i].hash = 0
				live.Change(r.leaf, r.hash, 0)
			}
		}
		now = slices.DeleteFunc(now, func(r row) bool { return r.hash == 0 })
		live.Root()
		if err := live.Absorb(scan); err != nil {
			t.Fatal(err)
		}
		same(t, "together", live, now)
		if err := live.Check(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAbsorbAsksForTheSameShape(t *testing.T) {
	a, _ := New(16, 1024)
	b, _ := New(4, 1024)
	a.Change(1, 0, 5)
	root := a.Root()
	if err := a.Absorb(b); !errors.Is(err, ErrShape) || a.Root() != root {
		t.Errorf("absorbed another shape: %v", err)
	}
}

func TestCheckSeesTreesOfNoRows(t *testing.T) {
	for name, change := range map[string]func(*Tree){
		"taken out twice": func(t *Tree) { t.Change(3, 0, 7); t.Change(3, 7, 0); t.Change(3, 7, 0) },
		"never there":     func(t *Tree) { t.Change(3, 7, 0) },
		"another version": func(t *Tree) { t.Change(3, 0, 7); t.Change(3, 8, 0) },
	} {
		tree, err := New(16, 1024)
		if err != nil {
			t.Fatal(err)
		}
		change(tree)
		if err := tree.Check(); !errors.Is(err, ErrWrong) {
			t.Errorf("%s: %v", name, err)
		}
		if b, err := tree.AppendSnapshot(nil, Mark{}); !errors.Is(err, ErrWrong) || b != nil {
			t.Errorf("%s: saved %d bytes, %v", name, len(b), err)
		}
	}
}

// Leaves that trade their hashes, and children that trade theirs, show in the root.
func TestPlacesOfHashesMatter(t *testing.T) {
	a, _ := New(16, 1024)
	b, _ := New(16, 1024)
	for _, d := range []Leaf{1, 32, 512} {
		a.Change(0, 0, 5)
		a.Change(d, 0, 6)
		b.Change(0, 0, 6)
		b.Change(d, 0, 5)
		if a.Root() == b.Root() {
			t.Errorf("leaves 0 and %d traded: the same root", d)
		}
		a.Reset()
		b.Reset()
	}
}

func TestAnEmptyTreeTakesNoMemory(t *testing.T) {
	s, err := NewShape(16, 1024)
	if err != nil {
		t.Fatal(err)
	}
	tree := s.New()
	n := testing.AllocsPerRun(100, func() {
		tree.Change(5, 0, 0)
		tree.Root()
		tree.Leaf(5)
		if tree.Check() != nil {
			t.Fatal("empty and wrong")
		}
	})
	if n != 0 || tree.nodes != nil {
		t.Errorf("%v allocations", n)
	}
}

func randomRows(rng *rand.Rand, s Shape, n int) []row {
	rows := make([]row, n)
	for i := range rows {
		rows[i] = row{leaf: Leaf(rng.IntN(s.Leaves())), hash: max(rng.Uint64(), 1)}
	}
	return rows
}
