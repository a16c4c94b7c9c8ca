package merkle

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// fataler is a *testing.T, *testing.B or *rapid.T.
type fataler interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

type cost struct{ trips, bytes, most int }

// ask carries a question over and the answer back, as bytes.
func (c *cost) ask(t fataler, theirs *Tree, q Question) Reply {
	t.Helper()
	b := AppendQuestion(nil, &q)
	got, err := DecodeQuestion(b)
	if err != nil {
		t.Fatal(err)
	}
	a, err := theirs.Answer(&got)
	if err != nil {
		t.Fatal(err)
	}
	back := AppendReply(nil, &a)
	if a, err = DecodeReply(back); err != nil {
		t.Fatal(err)
	}
	c.trips++
	c.bytes += len(b) + len(back)
	c.most = max(c.most, len(b), len(back))
	return a
}

func run(t fataler, w Walk, mine, theirs *Tree) ([]Difference, cost) {
	t.Helper()
	var c cost
	var found []Difference
	for {
		q, ok := w.Next(mine)
		if !ok {
			break
		}
		a := c.ask(t, theirs, q)
		if err := w.Step(mine, &a); err != nil {
			t.Fatal(err)
		}
		found = append(found, w.Take()...)
	}
	if c.most > MaxMessage {
		t.Fatalf("a message of %d bytes", c.most)
	}
	if !w.Ended() {
		t.Fatal("nothing to ask and not ended")
	}
	return found, c
}

// differences is the obvious way: look at all leaves.
func differences(a, b *Tree) []Difference {
	var all []Difference
	for l := range Leaf(a.shape.Leaves()) {
		x, n := a.Leaf(l)
		y, m := b.Leaf(l)
		if x != y {
			all = append(all, Difference{Leaf: l, Mine: Sum{x, uint32(n)}, Theirs: Sum{y, uint32(m)}})
		}
	}
	return all
}

func TestWalkFindsExactlyWhatDiffers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawShape(t)
		both := drawRows(t, s, "both")
		a := build(s, append(slices.Clone(both), drawRows(t, s, "mine")...))
		b := build(s, append(slices.Clone(both), drawRows(t, s, "theirs")...))
		found, c := run(t, Begin(s, rapid.Uint32().Draw(t, "seq")), a, b)
		want := differences(a, b)
		if !slices.Equal(found, want) {
			t.Fatalf("found %v, want %v", found, want)
		}
		if len(want) == 0 && (c.trips != 1 || c.bytes > 40) {
			t.Fatalf("equal trees: %+v", c)
		}
		if groups := s.Leaves() / FanOut; c.trips > s.depth()+(groups+MaxNodes-1)/MaxNodes*2 {
			t.Fatalf("%s: %d round trips", s, c.trips)
		}
		again, _ := run(t, Again(s, 9, found), a, b)
		if !slices.Equal(again, want) {
			t.Fatalf("again %v, want %v", again, want)
		}
	})
}

func TestOneLeafOfAThousandIsFoundCheaply(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	s, err := NewShape(16, 1024)
	if err != nil {
		t.Fatal(err)
	}
	rows := randomRows(rng, s, 100_000)
	a, b := build(s, rows), build(s, rows)
	for l := range Leaf(1024) {
		a.Change(l, 0, 77)
		found, c := run(t, Begin(s, 0), a, b)
		if len(found) != 1 || found[0].Leaf != l || found[0].Mine.Rows != found[0].Theirs.Rows+1 {
			t.Fatalf("leaf %d: found %v", l, found)
		}
		if c.trips > 3 || c.bytes > 2048 {
			t.Fatalf("leaf %d: %+v", l, c)
		}
		if l == 500 {
			t.Logf("one leaf of 1024: %d round trips, %d bytes", c.trips, c.bytes)
		}
		a.Change(l, 77, 0)
	}
	found, c := run(t, Begin(s, 0), a, s.New())
	if len(found) != 1024 || c.trips > 3 {
		t.Errorf("all differ: found %d, %+v", len(found), c)
	}
	t.Logf("all of 1024 leaves: %d round trips, %d bytes, none above %d", c.trips, c.bytes, c.most)
	if _, c := run(t, Begin(s, 0), s.New(), s.New()); c.trips != 1 {
		t.Errorf("two empty trees: %+v", c)
	}
}

func TestLargestTreeInBoundedMessages(t *testing.T) {
	s, err := NewShape(1, MaxLeaves)
	if err != nil {
		t.Fatal(err)
	}
	a, b := s.New(), s.New()
	for l := range Leaf(MaxLeaves) {
		a.Change(l, 0, uint64(l)+1)
		b.Change(l, 0, uint64(l)+2)
	}
	found, c := run(t, Begin(s, 0), a, b)
	if len(found) != MaxLeaves || !slices.Equal(found, differences(a, b)) {
		t.Errorf("found %d of %d", len(found), MaxLeaves)
	}
	t.Logf("%d leaves: %d round trips, %d bytes, none above %d", MaxLeaves, c.trips, c.bytes, c.most)
}

// Late and doubled answers change nothing, and a lost one is asked for again.
func TestWalkOverABadNetwork(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawShape(t)
		a, b := build(s, drawRows(t, s, "mine")), build(s, drawRows(t, s, "theirs"))
		w := Begin(s, 0)
		var c cost
		var late []Reply
		var found []Difference
		for lost := 0; ; {
			q, ok := w.Next(a)
			if !ok {
				break
			}
			if len(late) > 0 && rapid.Bool().Draw(t, "a late one") {
				r := rapid.SampledFrom(late).Draw(t, "which")
				if err := w.Step(a, &r); !errors.Is(err, ErrUnasked) {
					t.Fatalf("took a late answer: %v", err)
				}
			}
			r := c.ask(t, b, q)
			if lost < 5 && rapid.Bool().Draw(t, "lost") {
				lost++
				continue
			}
			if err := w.Step(a, &r); err != nil {
				t.Fatal(err)
			}
			late = append(late, r)
			found = append(found, w.Take()...)
		}
		if want := differences(a, b); !slices.Equal(found, want) {
			t.Fatalf("found %v, want %v", found, want)
		}
	})
}

// What both sides write while a walk is under way is found or not; what differed all along is found.
func TestWalkBesideWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawShape(t)
		a, b := build(s, drawRows(t, s, "mine")), build(s, drawRows(t, s, "theirs"))
		always := map[Leaf]bool{}
		for _, d := range differences(a, b) {
			always[d.Leaf] = true
		}
		ever := map[Leaf]bool{}
		note := func() {
			now := map[Leaf]bool{}
			for _, d := range differences(a, b) {
				now[d.Leaf], ever[d.Leaf] = true, true
			}
			for l := range always {
				always[l] = now[l]
			}
		}
		note()
		w := Begin(s, 0)
		var c cost
		for {
			q, ok := w.Next(a)
			if !ok {
				break
			}
			write := func(tree *Tree) {
				r := row{Leaf(rapid.IntRange(0, s.Leaves()-1).Draw(t, "leaf")), rapid.Uint64Min(1).Draw(t, "hash")}
				tree.Change(r.leaf, 0, r.hash)
				note()
			}
			write(b)
			r := c.ask(t, b, q)
			write(a)
			if err := w.Step(a, &r); err != nil {
				t.Fatal(err)
			}
		}
		found := map[Leaf]bool{}
		for _, d := range w.Take() {
			found[d.Leaf] = true
		}
		for l, yes := range always {
			if yes && !found[l] {
				t.Fatalf("leaf %d differed all along and was not found", l)
			}
		}
		for l := range found {
			if !ever[l] && !differed(a, b, l) {
				t.Fatalf("leaf %d never differed", l)
			}
		}
	})
}

func differed(a, b *Tree, l Leaf) bool {
	x, _ := a.Leaf(l)
	y, _ := b.Leaf(l)
	return x != y
}

// A write on its way differs at first sight only.
func TestAgainLetsGoWhatHasSettled(t *testing.T) {
	a, _ := New(16, 1024)
	b, _ := New(16, 1024)
	for _, l := range []Leaf{3, 4, 700} {
		a.Change(l, 0, 5)
	}
	found, _ := run(t, Begin(a.shape, 0), a, b)
	b.Change(3, 0, 5)
	b.Change(5, 0, 5) // new, a neighbour: not what was asked
	again, c := run(t, Again(a.shape, 50, found), a, b)
	if len(again) != 2 || again[0].Leaf != 4 || again[1].Leaf != 700 || c.trips != 1 {
		t.Errorf("found %v in %d trips", again, c.trips)
	}
	found = []Difference{{Leaf: 700}, {Leaf: 4}, {Leaf: 4}, {Leaf: 3}}
	if again, _ := run(t, Again(a.shape, 50, found), a, b); len(again) != 2 || again[0].Leaf != 4 {
		t.Errorf("in no order: %v", again)
	}
	if none, c := run(t, Again(a.shape, 50, nil), a, b); len(none) != 0 || c.trips != 0 {
		t.Errorf("nothing to look at: %v in %d trips", none, c.trips)
	}
	if none, _ := run(t, Again(a.shape, 50, []Difference{{Leaf: 1 << 30}}), a, b); len(none) != 0 {
		t.Errorf("a leaf that is not there: %v", none)
	}
}

func TestAnswersThatDoNotFit(t *testing.T) {
	a, _ := New(16, 1024)
	b, _ := New(16, 1024)
	other, _ := New(4, 1024)
	b.Change(40, 0, 1)
	w := Begin(a.shape, 7)
	q, _ := w.Next(a)
	good, err := b.Answer(&q)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Answer(&q); !errors.Is(err, ErrShape) {
		t.Errorf("answered about another shape: %v", err)
	}
	for name, c := range map[string]struct {
		spoil func(*Reply)
		want  error
	}{
		"another question's": {func(r *Reply) { r.Seq++ }, ErrUnasked},
		"another shape":      {func(r *Reply) { r.Shape = other.shape }, ErrShape},
		"another level":      {func(r *Reply) { r.Level = 1 }, ErrMessage},
		"a hash short":       {func(r *Reply) { r.Hashes = r.Hashes[1:] }, ErrMessage},
		"rows of no leaves":  {func(r *Reply) { r.Rows = make([]uint32, len(r.Hashes)) }, ErrMessage},
		"same, with hashes":  {func(r *Reply) { r.Same = true }, ErrMessage},
	} {
		r := good
		c.spoil(&r)
		if err := w.Step(a, &r); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := w.Step(other, &good); !errors.Is(err, ErrShape) {
		t.Errorf("stepped with another tree: %v", err)
	}
	if err := w.Step(a, &good); err != nil || w.Ended() {
		t.Errorf("the good answer after all that: %v", err)
	}
	if err := w.Step(a, &Reply{Seq: 8, Shape: a.shape, Level: 1, Hashes: make([]uint64, 32), Rows: make([]uint32, 32)}); !errors.Is(err, ErrUnasked) {
		t.Errorf("an answer before the question: %v", err)
	}
	same := Reply{Seq: 8, Shape: a.shape, Level: 1, Same: true}
	if _, ok := w.Next(a); !ok || !errors.Is(w.Step(a, &same), ErrMessage) {
		t.Error("only roots can be the same")
	}
}

// Whoever guesses the number of a question that has not been asked gets nowhere.
func TestAnswersBeforeTheQuestion(t *testing.T) {
	s, err := NewShape(1, 2048)
	if err != nil {
		t.Fatal(err)
	}
	a, b := s.New(), s.New()
	for l := range Leaf(2048) {
		a.Change(l, 0, 1)
	}
	for w := Begin(s, 0); ; {
		q, ok := w.Next(a)
		if !ok {
			return
		}
		r, err := b.Answer(&q)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Step(a, &r); err != nil {
			t.Fatal(err)
		}
		r.Seq++
		if err := w.Step(a, &r); !errors.Is(err, ErrUnasked) {
			t.Fatalf("level %d: %v", q.Level, err)
		}
	}
}

func TestQuestionsThatAreNone(t *testing.T) {
	tree, _ := New(16, 1024)
	s := tree.shape
	for name, q := range map[string]Question{
		"a level too deep":  {Shape: s, Level: 2, Nodes: []uint16{0}},
		"no nodes":          {Shape: s, Level: 1},
		"nodes of the root": {Shape: s, Nodes: []uint16{0}},
		"a node too many":   {Shape: s, Level: 1, Nodes: []uint16{32}},
		"descending":        {Shape: s, Level: 1, Nodes: []uint16{1, 0}},
		"twice":             {Shape: s, Level: 1, Nodes: []uint16{1, 1}},
		"too many":          {Shape: s, Level: 1, Nodes: []uint16{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
		"a root below":      {Shape: s, Level: 1, Root: 1, Nodes: []uint16{0}},
	} {
		if _, err := tree.Answer(&q); !errors.Is(err, ErrMessage) {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := DecodeQuestion(AppendQuestion(nil, &q)); err == nil && name != "nodes of the root" && name != "a root below" {
			t.Errorf("%s: decoded to %+v", name, got)
		}
	}
}
