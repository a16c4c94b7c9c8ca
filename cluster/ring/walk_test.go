package ring

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// Operators know nodes by 16 hex digits.
func TestNames(t *testing.T) {
	const want = "waits for new owners to copy: 000000000000000a, abcdef0123456789"
	if w := (&Wait{For: WaitCopy, Nodes: []NodeID{10, 0xabcdef0123456789}}); w.String() != want {
		t.Errorf("%s", w)
	}
	w := &Wait{For: WaitOld, Nodes: []NodeID{10}, Partitions: 7}
	if want := "waits for a majority of old owners to adopt the epoch, in 7 partitions: 000000000000000a"; w.String() != want {
		t.Errorf("%s", w)
	}
}

// twin says by plain words what Next waits for, 0 if for nothing. It looks at the document only, never at a Ring.
func twin(d *Document, known map[NodeID]Known) (w WaitFor) {
	adopted := func(i uint16) int { return b2i(known[d.Members[i].ID].Adopted >= d.Epoch) }
	for _, m := range d.Members {
		if k := known[m.ID]; k.Alive && k.Adopted < d.Epoch {
			return WaitAdopt
		}
	}
	old, next := true, true
	for k, p := range d.Moving {
		a, b := 0, 0
		for _, i := range d.Lists[p] {
			a += adopted(i)
		}
		for _, i := range d.Pending[k] {
			b += adopted(i)
		}
		old = old && (2*a > len(d.Lists[p]) || d.Plan.AcceptLoss)
		next = next && 2*b > len(d.Pending[k])
	}
	switch {
	case !old:
		return WaitOld
	case !next:
		return WaitNew
	case d.Stage == Copying:
		for k, p := range d.Moving {
			for _, i := range d.Pending[k] {
				o, n := len(d.Lists[p]), len(d.Pending[k])
				must := !slices.Contains(d.Lists[p], i) || o/2 >= n/2+1 && common(d.Lists[p], d.Pending[k]) > n/2 ||
					d.Plan.AcceptLoss && common(d.Lists[p], d.Pending[k]) > n/2 && o > n/2+1
				if must && known[d.Members[i].ID].Copied != d.Epoch {
					return WaitCopy
				}
			}
		}
	case d.Stage == Stable:
		leaving := 0
		for _, m := range d.Members {
			if m.Leaving {
				if known[m.ID].Empty == d.Epoch {
					return 0
				}
				leaving++
			}
		}
		if leaving > 0 {
			return WaitEmpty
		}
	}
	return 0
}

func common(a, b []uint16) (n int) {
	for _, x := range a {
		n += b2i(slices.Contains(b, x))
	}
	return n
}

// follows says what is wrong with next as the document after d.
func follows(d, next *Document) error {
	b, err := next.Encode()
	if err != nil {
		return err
	}
	same, err := DecodeDocument(b)
	if err != nil {
		return err
	}
	legal := map[Stage][]Stage{Stable: {Stable, Copying}, Copying: {Reading, Stable}, Reading: {Stable}}[d.Stage]
	switch {
	case !reflect.DeepEqual(same, next):
		return errors.New("encoded and decoded, it is another")
	case next.Epoch != d.Epoch+1 || next.Parent != d.Hash():
		return errors.New("not the child")
	case next.Cluster == d.Cluster && !slices.Contains(legal, next.Stage):
		return errors.New("not the next stage")
	case len(next.Voters)%2 == 0:
		return errors.New("an even number of voters")
	}
	own := func(d *Document, p int) (lists [2][]NodeID) {
		lists[0] = d.ids(d.Lists[p])
		if k, ok := slices.BinarySearch(d.Moving, Partition(p)); ok {
			lists[1] = d.ids(d.Pending[k])
		}
		return lists
	}
	for p := range next.Lists {
		was, is := own(d, p), own(next, p)
		changed := !reflect.DeepEqual(was, is) || is[1] != nil
		switch {
		case next.Since[p] < d.Since[p]:
			return errors.New("since goes back")
		case changed != (next.Since[p] == next.Epoch):
			return errors.New("since is not when it changed")
		case !changed && next.Since[p] != d.Since[p] && next.Cluster == d.Cluster:
			return errors.New("since without a change")
		}
		// Reads go to where they went, or to where the plan said that they would.
		if from, to := reads(d, was), reads(next, is); !slices.Equal(from, to) && next.Cluster == d.Cluster &&
			(d.Stage != Copying || next.Stage != Reading || !slices.Equal(to, was[1])) {
			return errors.New("reads go elsewhere")
		}
	}
	if next.Stage == Stable {
		stay := 0
		for _, m := range next.Members {
			stay += b2i(!m.Leaving)
		}
		if len(next.Lists[0]) > min(next.Replicas, stay) {
			return errors.New("long lists")
		}
		if d.Stage == Reading {
			return wellPlaced(next)
		}
	}
	return nil
}

// wellPlaced says whether a plan that was carried out left a table as Build would have made: quotas, racks, first places.
func wellPlaced(d *Document) error {
	lists := make([][]NodeID, len(d.Lists))
	for p := range lists {
		lists[p] = d.ids(d.Lists[p])
	}
	r, err := Load(d.Epoch, d.Slots, d.nodes(), lists)
	if err != nil {
		return err
	}
	return broken(r, d.options())
}

func reads(d *Document, lists [2][]NodeID) []NodeID {
	if d.Stage == Reading && lists[1] != nil {
		return lists[1]
	}
	return lists[0]
}

type walk struct {
	r     *rand.Rand
	d     *Document
	known map[NodeID]Known
	id    NodeID // the last that joined

	moves, bound int // of all plans
}

// step does something that may be done now and returns what came of it.
func (w *walk) step(t *testing.T) (next *Document, what string) {
	switch w.r.IntN(12) {
	case 0, 1:
		p, err := w.d.Propose(w.changes(), PlanOptions{AcceptLoss: w.r.IntN(4) == 0, Alive: func(id NodeID) bool { return w.known[id].Alive }})
		if err != nil {
			for _, e := range []error{ErrPlanned, ErrChange, ErrUnknown, ErrLast, ErrLoss, ErrNothing} {
				if errors.Is(err, e) {
					return nil, e.Error()
				}
			}
			t.Fatal(err)
		}
		w.moves, w.bound = w.moves+p.Moves, w.bound+p.Bound
		if p.Moves < p.Bound {
			t.Fatalf("%d moves, bound %d", p.Moves, p.Bound)
		}
		return p.Next, "planned"
	case 2:
		if next, err := w.d.Abort(); err == nil && w.r.IntN(2) == 0 {
			return next, "aborted"
		}
	case 3:
		var left []NodeID
		for _, m := range w.d.Members {
			if w.known[m.ID].Alive {
				left = append(left, m.ID)
			}
		}
		if len(left) > 0 && len(left) < len(w.d.Members) && w.r.IntN(20) == 0 {
			next, err := Recover(w.d, left, map[bool]string{true: "01", false: "02"}[w.d.Cluster == "02"])
			if err != nil && !errors.Is(err, ErrLast) {
				t.Fatal(err)
			}
			return next, "recovered"
		}
	default:
		next, wait := Next(w.d, func(id NodeID) Known { return w.known[id] })
		want := twin(w.d, w.known)
		switch {
		case wait != nil && (wait.For != want || len(wait.Nodes) == 0):
			t.Fatalf("epoch %d, %v: %v, the twin waits for %v", w.d.Epoch, w.d.Stage, wait, want)
		case wait == nil && want != 0:
			t.Fatalf("epoch %d, %v: goes on, the twin waits for %v", w.d.Epoch, w.d.Stage, want)
		case wait != nil:
			return nil, wait.For.String()
		}
		return next, "next"
	}
	return nil, ""
}

func (w *walk) changes() (cs []Change) {
	for range 1 + w.r.IntN(3) {
		some := w.d.Members[w.r.IntN(len(w.d.Members))].ID
		m := Member{Node: Node{ID: w.id + 1, Weight: uint32(w.r.IntN(3)), Rack: []string{"", "a", "b", "c"}[w.r.IntN(4)]}}
		switch w.r.IntN(9) {
		case 0, 1, 2:
			if len(w.d.Members) < 12 {
				w.id++
				cs = append(cs, Change{Kind: Join, Member: m})
			}
		case 3:
			if old := w.d.Member(some); old.Leaving {
				cs = append(cs, Change{Kind: Join, Member: *old})
			}
		case 4:
			cs = append(cs, Change{Kind: Leave, ID: some})
		case 5:
			cs = append(cs, Change{Kind: Remove, ID: some})
		case 6:
			w.id++
			cs = append(cs, Change{Kind: Replace, ID: some, Member: m})
		case 7:
			cs = append(cs, Change{Kind: SetReplicas, Replicas: 1 + w.r.IntN(5)})
		case 8:
			cs = append(cs, Change{Kind: SetWeight, ID: some, Weight: 1 + uint32(w.r.IntN(3))})
		}
	}
	return cs
}

// learn lets time pass: nodes die and come back, adopt, copy and hand over.
func (w *walk) learn() {
	for _, m := range w.d.Members {
		k, ok := w.known[m.ID]
		if !ok {
			k.Alive = true
		}
		if w.r.IntN(8) == 0 {
			k.Alive = !k.Alive
		}
		if k.Alive && w.r.IntN(3) > 0 {
			k.Adopted = w.d.Epoch
			if w.r.IntN(2) == 0 {
				k.Copied = w.d.Epoch
			}
			if w.r.IntN(2) == 0 {
				k.Empty = w.d.Epoch
			}
		}
		w.known[m.ID] = k
	}
}

// TestAnyWalk makes plans, gives them up, goes on and recovers in any order, knowing anything of the members: every document
// follows from the one before, and what Next waits for is what its twin does.
func TestAnyWalk(t *testing.T) {
	seen := map[string]int{}
	epochs, most, moves, bound := 0, 0, 0, 0
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 11))
		first := nodes(1, 1+r.IntN(5), r.IntN(4))
		w := &walk{r: r, d: founded(t, first, 1+r.IntN(4), 1024<<r.IntN(5)), known: map[NodeID]Known{}, id: NodeID(len(first))}
		for range 120 {
			w.learn()
			next, what := w.step(t)
			seen[what]++
			if next == nil {
				continue
			}
			if err := follows(w.d, next); err != nil {
				t.Fatalf("seed %d, epoch %d (%v), %s to %v: %v", seed, w.d.Epoch, w.d.Stage, what, next.Stage, err)
			}
			w.d = next
			epochs++
			most = max(most, len(w.d.Members))
		}
		moves, bound = moves+w.moves, bound+w.bound
	}
	for _, what := range []string{
		"planned", "aborted", "recovered", "next", WaitAdopt.String(), WaitOld.String(), WaitNew.String(), WaitCopy.String(), WaitEmpty.String(),
		ErrPlanned.Error(), ErrChange.Error(), ErrLast.Error(), ErrLoss.Error(), ErrNothing.Error(),
	} {
		if seen[what] < 5 {
			t.Errorf("%q came about %d times: the test asks too little", what, seen[what])
		}
	}
	if 100*moves > 103*bound {
		t.Errorf("all plans together move %d vnodes, the bounds add up to %d", moves, bound)
	}
	t.Logf("%d epochs, at most %d members, %d vnodes moved, bound %d: %v", epochs, most, moves, bound, seen)
}
