package object

import (
	"testing"

	"pgregory.net/rapid"
)

// tally is the twin of a counter: every increment with its stamp and its entry, and which of them each reset saw. An
// increment adds its own power of two, so the sum tells which ones counted.
type tally struct {
	incs   []increment
	resets []reset
}

type increment struct {
	op    int
	stamp Stamp
	entry Stamp
}

type reset struct {
	op     int
	stamp  Stamp
	clears Stamp // up to where it clears; zero for a write of the value alone
	value  bool
	saw    map[int]bool // increments that counted where it was made
}

// counts returns the increments that count where those operations are known, and whether anything shows at all.
func (y *tally) counts(known map[int]bool) (live map[int]bool, exists bool) {
	var clear Stamp
	gone := map[int]bool{}
	for _, r := range y.resets {
		if known[r.op] {
			clear = MaxOf(clear, r.clears)
			for i := range r.saw {
				gone[i] = true
			}
		}
	}
	latest := map[Stamp]Stamp{}
	for _, i := range y.incs {
		if known[i.op] {
			latest[i.entry] = MaxOf(latest[i.entry], i.stamp)
		}
	}
	live = map[int]bool{}
	for i, x := range y.incs {
		if known[x.op] && !gone[i] && clear.Before(latest[x.entry]) {
			live[i] = true
		}
	}
	for _, r := range y.resets {
		exists = exists || known[r.op] && r.value && clear.Before(r.stamp)
	}
	return live, exists || len(live) > 0
}

// An increment stamped after every reset always counts, one that a reset saw never does, and all others exactly as far as
// their entry goes on: also where an entry spans resets.
func TestCounterLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		var y tally
		w.run(40, true, func(r *replica) {
			kind := rapid.IntRange(0, 9).Draw(t, "kind")
			var mu Mutation
			saw, _ := y.counts(r.known)
			op, rs := len(w.ops), reset{op: len(w.ops), saw: saw}
			switch {
			case kind < 6 && len(y.incs) < 50:
				mu.Add(0, 1<<len(y.incs))
				d := w.do(r, &mu)
				for _, x := range d.after.Totals {
					if x.Stamp == d.stamp {
						y.incs = append(y.incs, increment{op, d.stamp, x.Name})
					}
				}
				return
			case kind == 9:
				w.flush(r)
				rs.stamp = w.ops[op].stamp
				rs.clears, rs.saw = rs.stamp, nil
			case kind == 8:
				mu.Delete(0)
				rs.stamp = w.do(r, &mu).stamp
				rs.clears = rs.stamp
			case kind == 7:
				mu.Set(0, []byte("0"), 0)
				rs.stamp = w.do(r, &mu).stamp
				rs.clears, rs.value = rs.stamp.Below(), true
			default:
				mu.Write(0, []byte("0"))
				rs.stamp, rs.value = w.do(r, &mu).stamp, true
			}
			y.resets = append(y.resets, rs)
		})
		y.check(t, w)
		w.exchangeAll()
		y.check(t, w)
	})
}

func (y *tally) check(t *rapid.T, w *world) {
	t.Helper()
	for _, r := range w.rs {
		live, exists := y.counts(r.known)
		want := int64(0)
		for i, x := range y.incs {
			after := r.known[x.op]
			for _, rs := range y.resets {
				after = after && (!r.known[rs.op] || rs.stamp.Before(x.stamp))
			}
			if after && !live[i] {
				t.Fatalf("increment %d, stamped after every reset, does not count", i)
			}
			if live[i] {
				want += 1 << i
			}
		}
		r.k.Look(r.k.Latest().HLC)
		got, ok := r.k.Text()
		if ok != exists || got.Int != want {
			t.Fatalf("replica %d shows %b (%v), want %b (%v)\n%+v\n%s", r.id, got.Int, ok, want, exists, r.k.Row, w)
		}
	}
}
