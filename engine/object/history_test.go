package object

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// replica is one node's copy of one key, with a clock of its own.
type replica struct {
	id    NodeID
	inc   Incarnation
	last  HLC
	skew  int64
	k     KeyState
	known map[int]bool // the operations that its copy reflects
	saved *replica     // what a crash that loses unsynced rows brings back; nil for nothing
}

// done is one operation that some replica did.
type done struct {
	stamp   Stamp
	at      int // the replica
	changes []Change
	flush   bool
	before  KeyState     // what the replica held
	after   KeyRow       // the key row that it wrote
	knew    map[int]bool // the operations that its copy reflected before
}

// world is a key on several replicas that write on their own, exchange whole rows in any order, and forget.
type world struct {
	t   *rapid.T
	now int64
	rs  []*replica
	ops []done
}

func newWorld(t *rapid.T) *world {
	w := &world{t: t, now: 1000}
	for i := range rapid.IntRange(2, 4).Draw(t, "replicas") {
		w.rs = append(w.rs, &replica{
			id: NodeID(i + 1), inc: 10, skew: rapid.Int64Range(-4, 4).Draw(t, "skew"),
			k: KeyState{AllElements: true}, known: map[int]bool{},
		})
	}
	return w
}

func (w *world) pick() *replica { return w.rs[rapid.IntRange(0, len(w.rs)-1).Draw(w.t, "at")] }

// stamp issues the next stamp of a replica, above all that its copy holds.
func (w *world) stamp(r *replica) Stamp {
	r.last = max(r.last+1, HLCOf(w.now+r.skew), r.k.Latest().HLC+1)
	return Stamp{HLC: r.last, Node: r.id, Inc: r.inc}
}

// do applies a mutation on r's copy, as a coordinator does.
func (w *world) do(r *replica, mu *Mutation) done {
	s := w.stamp(r)
	d := done{stamp: s, at: slices.Index(w.rs, r), changes: slices.Clone(mu.Changes), knew: copySet(r.known)}
	r.k.Look(s.HLC)
	d.before = copyState(&r.k)
	for i := range mu.Changes {
		r.k.Apply(&mu.Changes[i], s)
	}
	d.after = r.k.Row
	r.known[len(w.ops)] = true
	w.ops = append(w.ops, d)
	return d
}

func (w *world) flush(r *replica) {
	s := w.stamp(r)
	d := done{stamp: s, at: slices.Index(w.rs, r), flush: true, before: copyState(&r.k), knew: copySet(r.known)}
	r.k.Database = s
	r.known[len(w.ops)] = true
	w.ops = append(w.ops, d)
}

// exchange merges what from sends into to.
func (w *world) exchange(to, from *replica) {
	in := sentState(w.t, &from.k)
	if _, err := to.k.Merge(&in); err != nil {
		w.t.Fatal(err)
	}
	for i := range from.known {
		to.known[i] = true
	}
}

// save syncs r's copy.
func (w *world) save(r *replica) { r.saved = &replica{k: copyState(&r.k), known: copySet(r.known)} }

// forget loses what r did since it was saved: it takes a new incarnation, and its clock goes on.
func (w *world) forget(r *replica) {
	r.inc += 10
	r.k, r.known = KeyState{AllElements: true}, map[int]bool{}
	if r.saved != nil {
		r.k, r.known = copyState(&r.saved.k), copySet(r.saved.known)
	}
}

func (w *world) exchangeAll() {
	for range 2 {
		for i := range w.rs {
			for j := range w.rs {
				if i != j {
					w.exchange(w.rs[i], w.rs[j])
				}
			}
		}
	}
}

// run lets time pass and does n random steps; write does one operation on a replica.
func (w *world) run(n int, forgets bool, write func(*replica)) {
	for range rapid.IntRange(n/2, n).Draw(w.t, "steps") {
		w.now += rapid.Int64Range(0, 6).Draw(w.t, "wait")
		switch k := rapid.IntRange(0, 19).Draw(w.t, "step"); {
		case k >= 14:
			if a, b := w.pick(), w.pick(); a != b {
				w.exchange(a, b)
			}
		case k == 13 && forgets:
			if r := w.pick(); rapid.Bool().Draw(w.t, "crash") {
				w.forget(r)
			} else {
				w.save(r)
			}
		default:
			write(w.pick())
		}
	}
}

var subs = [][]byte{{SubHashField, 'a'}, {SubHashField, 'b'}, {SubHashField, 'c'}}

// blindChanges draws a mutation whose outcome does not depend on what it saw.
func (w *world) blindChanges(r *replica) (mu Mutation) {
	t, now := w.t, w.now+r.skew
	at := now + rapid.Int64Range(-2, 12).Draw(t, "ttl")
	v := []byte(fmt.Sprint("v", len(w.ops)))
	sub := rapid.SampledFrom(subs).Draw(t, "sub")
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0:
		mu.Set(0, v, 0)
	case 1:
		mu.Set(0, v, at)
	case 2:
		mu.SetKeepTTL(0, v)
	case 3:
		mu.Delete(0)
	case 4:
		mu.Expire(0, at)
	case 5:
		mu.Expire(0, 0)
	case 6, 7:
		mu.SetElement(0, sub, v)
	case 8:
		mu.DropElement(0, sub)
	case 9: // COPY of a hash
		mu.ClearOld(0, at)
		mu.SetElement(0, sub, v)
		mu.SetElement(0, subs[0], v)
	}
	return mu
}

// anyChanges draws any mutation, of a keyspace without siblings or of one with them.
func (w *world) anyChanges(r *replica, siblings bool) (mu Mutation) {
	t := w.t
	if siblings {
		context, has := w.pick().k.Context(), rapid.Bool().Draw(t, "has context")
		if !has {
			context = nil
		}
		switch rapid.IntRange(0, 4).Draw(t, "sibling") {
		case 0:
			mu.DropSiblings(0, context, has)
		case 1:
			mu.PutSibling(0, context, has, []byte(fmt.Sprint("s", len(w.ops))))
			mu.Expire(0, w.now+rapid.Int64Range(0, 12).Draw(t, "ttl"))
		case 2:
			mu.Expire(0, 0)
		default:
			mu.PutSibling(0, context, has, []byte(fmt.Sprint("s", len(w.ops))))
		}
		return mu
	}
	switch rapid.IntRange(0, 5).Draw(t, "any") {
	case 0, 1:
		mu.Add(0, rapid.Int64Range(-3, 3).Draw(t, "by"))
	case 2:
		mu.Write(0, []byte(rapid.SampledFrom([]string{"7", "x", "-1"}).Draw(t, "text")))
	default:
		return w.blindChanges(r)
	}
	return mu
}

// history runs any operations and leaves the replicas as they are.
func history(t *rapid.T, steps int) *world {
	w := newWorld(t)
	siblings := rapid.Bool().Draw(t, "siblings")
	w.run(steps, true, func(r *replica) {
		switch rapid.IntRange(0, 30).Draw(t, "odd") {
		case 0:
			w.flush(r)
		case 1:
			siblings = !siblings // the keyspace's rule changes
		default:
			mu := w.anyChanges(r, siblings)
			w.do(r, &mu)
		}
	})
	return w
}

func copySet(in map[int]bool) map[int]bool {
	out := make(map[int]bool, len(in))
	for i := range in {
		out[i] = true
	}
	return out
}

func copyState(k *KeyState) KeyState {
	c := *k
	c.Elements = slices.Clone(k.Elements)
	return c
}

type fataler interface{ Fatal(args ...any) }

// sentState is k as it arrives at another replica, through the codec.
func sentState(t fataler, k *KeyState) KeyState {
	out := KeyState{Database: k.Database, AllElements: true}
	if !k.Row.IsZero() {
		b := k.Row.AppendWireRow(nil)
		if err := CheckRow(b); err != nil {
			t.Fatal(err)
		}
		if err := out.Row.DecodeRow(b); err != nil {
			t.Fatal(err)
		}
		if !out.Row.LocalFree() {
			t.Fatal("local fields were sent")
		}
	}
	for _, e := range k.Elements {
		var row ElementRow
		if err := row.DecodeRow(e.Row.AppendRow(nil)); err != nil {
			t.Fatal(err)
		}
		out.Elements = append(out.Elements, ElementState{Sub: e.Sub, Row: row})
	}
	return out
}

// canonical is the slow obvious twin of what a digest covers, and of what a merge must agree on.
func canonical(k *KeyState) string {
	r := k.Row
	clear := MaxOf(k.Database, r.Cleared)
	out := fmt.Sprint("db", k.Database, "\n")
	if k.Database.Before(r.Cleared) {
		out += fmt.Sprint("cleared ", r.Cleared, "\n")
	}
	if k.Database.Before(r.Expiry.Stamp) {
		out += fmt.Sprint("expiry ", r.Expiry, "\n")
	}
	if clear.Before(r.Value.Stamp) {
		out += fmt.Sprintf("value %v\n", r.Value)
	}
	for _, t := range r.Totals {
		if clear.Before(t.Stamp) {
			out += fmt.Sprint("total ", t, "\n")
		}
	}
	out += fmt.Sprint("seen ", r.Seen, "\n")
	if s := r.Siblings; s != nil {
		out += fmt.Sprint("context ", s.Context, " ", s.Updated, "\n")
		for _, v := range s.Values {
			if clear.Before(v.Stamp) {
				out += fmt.Sprintf("sibling %v\n", v)
			}
		}
	}
	for _, e := range k.Elements {
		if clear.Before(e.Row.Stamp) {
			out += fmt.Sprintf("element %q %v %v %v %q\n", e.Sub, e.Row.Stamp, e.Row.Replaced, e.Row.Tombstone, e.Row.Value)
		}
	}
	return out
}

// visible is what clients can see of the key at now.
func visible(k *KeyState, now HLC) string {
	k.Look(now)
	if !k.Exists() {
		return "nothing"
	}
	text, ok := k.Text()
	out := fmt.Sprintf("%v %v %q ttl %d", k.Type(), ok, text.Slice(), k.ExpireAt())
	for _, e := range k.Elements {
		if v, ok := k.Element(e.Sub); ok {
			out += fmt.Sprintf(" %q=%q", e.Sub, v)
		}
	}
	var siblings []string // in the order of their stamps: the names of actors tell nothing
	for _, s := range k.LiveSiblings() {
		siblings = append(siblings, fmt.Sprintf(" sibling %016x %q", s.Stamp.HLC, s.Bytes))
	}
	slices.Sort(siblings)
	return out + strings.Join(siblings, "")
}

func TestMergeLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := history(t, 25)
		merged := func(a, b KeyState) KeyState {
			out, in := copyState(&a), sentState(t, &b)
			if _, err := out.Merge(&in); err != nil {
				t.Fatal(err)
			}
			return out
		}
		same := func(law string, x, y KeyState) {
			t.Helper()
			if a, b := canonical(&x), canonical(&y); a != b {
				t.Fatalf("%s:\n%s\n%s", law, a, b)
			}
			if a, b := x.Row.AppendWireRow(nil), y.Row.AppendWireRow(nil); string(a) != string(b) {
				t.Fatalf("%s, rows:\n%+v\n%+v", law, x.Row, y.Row)
			}
		}
		a, b, c := w.pick().k, w.pick().k, w.pick().k
		same("commutative", merged(a, b), merged(b, a))
		same("associative", merged(merged(a, b), c), merged(a, merged(b, c)))
		same("idempotent", merged(a, a), a)
		same("absorbing", merged(merged(a, b), b), merged(a, b))
		if m := merged(a, b); m.Row.HasElements != (a.Row.HasElements || len(m.Elements) > 0) {
			t.Fatal("a merge sets HasElements for elements that it brings, and for nothing else")
		}
	})
}
