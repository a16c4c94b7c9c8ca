package object

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// causes is the twin of a replica's siblings: explicit sets of writes in place of vectors.
type causes struct {
	seen   map[int]bool // every write that the copy has known, replaced or not
	values map[int]bool // those that show
}

func newCauses() *causes { return &causes{map[int]bool{}, map[int]bool{}} }

func (c *causes) merge(in *causes) {
	for i := range c.values {
		if in.seen[i] && !in.values[i] {
			delete(c.values, i)
		}
	}
	for i := range in.values {
		if !c.seen[i] {
			c.values[i] = true
		}
	}
	for i := range in.seen {
		c.seen[i] = true
	}
}

// handed is what a client got from a replica: the vector, and the writes that it stands for.
type handed struct {
	vector []Dot
	seen   map[int]bool
}

// siblingRun holds the twins beside a world.
type siblingRun struct {
	*world
	twins   map[*replica]*causes
	handed  []handed
	covered map[int][]int // by write: the writes that it replaced
}

func (s *siblingRun) write(r *replica) {
	t, twin := s.t, s.twins[r]
	id := len(s.ops)
	var mu Mutation
	ctx, has := handed{}, rapid.Bool().Draw(t, "has context")
	if has && len(s.handed) > 0 {
		ctx = rapid.SampledFrom(s.handed).Draw(t, "context")
	}
	drop := rapid.IntRange(0, 4).Draw(t, "drop") == 4
	if drop {
		mu.DropSiblings(0, ctx.vector, has)
	} else {
		mu.PutSibling(0, ctx.vector, has, []byte(fmt.Sprint(id)))
	}
	gone := copySet(ctx.seen)
	if !has {
		gone = map[int]bool{}
		if len(twin.values) > 0 { // the one that GET shows: of the greatest stamp
			gone[s.latest(twin.values)] = true
		}
	}
	s.do(r, &mu)
	for i := range gone {
		if twin.values[i] {
			delete(twin.values, i)
		}
		twin.seen[i] = true
		s.covered[id] = append(s.covered[id], i)
	}
	if !drop {
		twin.seen[id], twin.values[id] = true, true
	}
}

func (s *siblingRun) latest(ids map[int]bool) int {
	best := -1
	for i := range s.ops {
		if ids[i] && (best < 0 || s.ops[best].stamp.Before(s.ops[i].stamp)) {
			best = i
		}
	}
	return best
}

func (s *siblingRun) check() {
	s.t.Helper()
	for _, r := range s.rs {
		r.k.Look(r.k.Latest().HLC)
		var got, want []string
		for _, v := range r.k.LiveSiblings() {
			got = append(got, string(v.Bytes))
		}
		for i := range s.ops {
			if s.twins[r].values[i] {
				want = append(want, fmt.Sprint(i))
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			s.t.Fatalf("replica %d shows %v, want %v\n%+v\n%s", r.id, got, want, r.k.Row.Siblings, s.world)
		}
		if text, ok := r.k.Text(); ok != (len(want) > 0) || (ok && text.string() != fmt.Sprint(s.latest(s.twins[r].values))) {
			s.t.Fatalf("GET shows %q", text.Bytes)
		}
	}
}

// Every concurrent value shows and none that a later write had seen comes back, also with replicas that forget.
func TestSiblingsLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &siblingRun{world: newWorld(t), twins: map[*replica]*causes{}, covered: map[int][]int{}}
		for _, r := range s.rs {
			s.twins[r] = newCauses()
		}
		for range rapid.IntRange(10, 50).Draw(t, "steps") {
			r := s.pick()
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 9:
				s.forget(r)
				s.twins[r] = newCauses()
			case 8, 7:
				if from := s.pick(); from != r {
					s.exchange(r, from)
					s.twins[r].merge(s.twins[from])
				}
			case 6:
				s.handed = append(s.handed, handed{r.k.Context(), copySet(s.twins[r].seen)})
			default:
				s.write(r)
			}
			s.check()
		}
		for range 2 {
			for _, a := range s.rs {
				for _, b := range s.rs {
					if a != b {
						s.exchange(a, b)
						s.twins[a].merge(s.twins[b])
					}
				}
			}
		}
		s.check()
		s.checkDots()
	})
}

// checkDots: all that any replica still knows shows unless a write that is known too had seen it; no dot names two writes.
func (s *siblingRun) checkDots() {
	r := s.rs[0]
	gone := map[int]bool{}
	for id, ids := range s.covered {
		if r.known[id] {
			for _, i := range ids {
				gone[i] = true
			}
		}
	}
	for i := range s.ops {
		if put := s.ops[i].changes[0].PutSibling; put && r.known[i] && !gone[i] && !s.twins[r].values[i] {
			s.t.Fatalf("write %d, which no other had seen, is gone", i)
		}
		if gone[i] && s.twins[r].values[i] {
			s.t.Fatalf("write %d, which another replaced, is back", i)
		}
	}
	dots := map[Dot]int{}
	for i := range s.ops {
		if set := s.ops[i].after.Siblings; set != nil && s.ops[i].changes[0].PutSibling {
			for _, v := range set.Values {
				if v.Stamp == s.ops[i].stamp {
					if j, twice := dots[v.Dot]; twice {
						s.t.Fatalf("writes %d and %d have one dot", i, j)
					}
					dots[v.Dot] = i
				}
			}
		}
	}
}
