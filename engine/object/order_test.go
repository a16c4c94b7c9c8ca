package object

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// ordered is the slow obvious twin: one key on one node, to which all operations are done in the order of their stamps.
type ordered struct {
	text     string
	hasText  bool
	elements map[string]string
	expire   Expiry // the last one written, passed or not
	over     bool   // it has passed and done its work
	raced    bool
}

func (o *ordered) clear() { o.hasText, o.elements = false, map[string]string{} }

func (o *ordered) passed(now HLC) bool { return o.expire.At != 0 && now.Millis() > o.expire.At }

// pass lets the key expire when its time has come, once.
func (o *ordered) pass(now HLC) {
	if o.passed(now) && !o.over {
		o.clear()
		o.over = true
	}
}

func (o *ordered) write(e Expiry) { o.expire, o.over = e, false }

func (o *ordered) do(d *done) {
	o.pass(d.stamp.HLC)
	saw := d.before.Row.Expiry
	if !d.before.Database.Before(saw.Stamp) {
		saw = Expiry{Stamp: d.before.Database}
	}
	if d.flush {
		o.clear()
		o.write(Expiry{Stamp: d.stamp})
		return
	}
	for _, c := range d.changes {
		if c.SetExpiry && d.stamp.HLC.Millis() > c.ExpireAt && c.ExpireAt != 0 {
			o.clear() // its time had come before its stamp: as if it were done and expired
			o.write(Expiry{Stamp: d.stamp})
			return
		}
		writes := c.SetExpiry || c.Clear == ClearAll || d.after.Expiry.Stamp == d.stamp
		if c.Clear != ClearNone {
			o.clear()
		} else if writes && saw.Stamp != o.expire.Stamp && o.expire.Stamp != d.stamp &&
			(o.passed(d.stamp.HLC) || expiryPassed(saw.At, d.stamp.HLC)) {
			// The exceptions: the writer had not seen the expiry that was in force, and one of the two had passed.
			o.raced = true
		}
		switch {
		case c.SetValue:
			o.text, o.hasText = Text{IsInt: c.Kind == ValueBase, Int: c.Int, Bytes: c.Bytes}.string(), true
		case c.SetElement:
			o.elements[string(c.Sub)] = string(c.Bytes)
		case c.DropElement:
			delete(o.elements, string(c.Sub))
		}
		if writes {
			// What the row got from the operation: a write that found nothing alive ends an expiry.
			o.write(Expiry{Stamp: d.stamp, At: c.ExpireAt})
			if !c.SetExpiry && c.Clear == ClearNone {
				o.expire.At = d.after.Expiry.At
			}
		}
	}
}

func (t Text) string() string { return string(t.AppendTo(nil)) }

func (o *ordered) visible(now HLC) string {
	if o.pass(now); o.passed(now) {
		o.expire.At = 0
	}
	if !o.hasText && len(o.elements) == 0 {
		return "nothing"
	}
	out := fmt.Sprintf("%v %q ttl %d", o.hasText, o.text, o.expire.At)
	if !o.hasText {
		out = fmt.Sprintf("%v %q ttl %d", o.hasText, "", o.expire.At)
	}
	for _, sub := range subs {
		if v, ok := o.elements[string(sub)]; ok {
			out += fmt.Sprintf(" %q=%q", sub, v)
		}
	}
	return out
}

func visibleFields(k *KeyState, now HLC) string {
	k.Look(now)
	if !k.Exists() {
		return "nothing"
	}
	text, ok := k.Text()
	out := fmt.Sprintf("%v %q ttl %d", ok, text.string(), k.ExpireAt())
	for _, sub := range subs {
		if v, ok := k.Element(sub); ok {
			out += fmt.Sprintf(" %q=%q", sub, v)
		}
	}
	return out
}

// byStamp runs the operations that are known through the twin.
func (w *world) byStamp(known map[int]bool) *ordered {
	var ops []done
	for i := range w.ops {
		if known[i] {
			ops = append(ops, w.ops[i])
		}
	}
	slices.SortFunc(ops, func(a, b done) int { return a.stamp.Compare(b.stamp) })
	o := &ordered{elements: map[string]string{}}
	for i := range ops {
		o.do(&ops[i])
	}
	return o
}

// What a replica shows is the outcome of running all operations that reached it in the order of their stamps: on each
// replica at any time, and on all of them after they exchanged everything.
func TestOutcomeIsOrderOfStamps(t *testing.T) {
	raced, all := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.run(30, true, func(r *replica) {
			if rapid.IntRange(0, 15).Draw(t, "flush") == 15 {
				w.flush(r)
				return
			}
			mu := w.blindChanges(r)
			w.do(r, &mu)
		})
		check := func() {
			for _, r := range w.rs {
				o := w.byStamp(r.known)
				all++
				if o.raced {
					raced++
					continue
				}
				for _, ms := range []int64{5, 10, 40} {
					now := max(HLCOf(w.now+ms), r.k.Latest().HLC)
					if got, want := visibleFields(&r.k, now), o.visible(now); got != want {
						t.Fatalf("replica %d shows %s, in order of stamps %s\n%s", r.id, got, want, w)
					}
				}
			}
		}
		check()
		w.exchangeAll()
		check()
	})
	if raced*5 > all {
		t.Errorf("%d of %d histories had an expiry that its next writer had not seen: too few tell anything", raced, all)
	}
}

func (w *world) String() (out string) {
	for i, d := range w.ops {
		out += fmt.Sprintf("%d: replica %d %v flush %v", i, d.at+1, d.stamp, d.flush)
		for _, c := range d.changes {
			out += fmt.Sprintf(" {clear %d value %v %q expiry %v %d element %v drop %v %q}",
				c.Clear, c.SetValue, c.Bytes, c.SetExpiry, c.ExpireAt, c.SetElement, c.DropElement, c.Sub)
		}
		out += "\n"
	}
	return out
}

// A key that one side let expire and began anew, while the other side lifted the expiry, loses what was older.
func TestExpiredHereLiftedThere(t *testing.T) {
	a, b := hashWithTTL(t)
	apply(&b, 50, 2, func(m *Mutation) { m.Expire(0, 0) })
	apply(&a, 200, 1, func(m *Mutation) { m.SetElement(0, subs[1], []byte("new")) })
	apply(&a, 201, 1, func(m *Mutation) { m.Expire(0, 900) })
	in := sentState(t, &a)
	lost, err := b.Merge(&in)
	if err != nil || !lost {
		t.Errorf("lost %v, error %v: it must be counted", lost, err)
	}
	if got, want := visibleFields(&b, HLCOf(300)), `false "" ttl 900 "\x01b"="new"`; got != want {
		t.Errorf("shows %s, want %s", got, want)
	}
}

// An EXPIRE on a key that the other side saw expire, by a writer that had not seen that expiry, keeps what it acted on.
func TestExpiredHereProlongedUnseenThere(t *testing.T) {
	var b KeyState
	apply(&b, 10, 2, func(m *Mutation) { m.SetElement(0, subs[0], []byte("old")) })
	a := sentState(t, &b)
	apply(&a, 20, 1, func(m *Mutation) { m.Expire(0, 100) })
	apply(&b, 150, 2, func(m *Mutation) { m.Expire(0, 900) })
	in := sentState(t, &a)
	if _, err := b.Merge(&in); err != nil {
		t.Fatal(err)
	}
	if got, want := visibleFields(&b, HLCOf(300)), `false "" ttl 900 "\x01a"="old"`; got != want {
		t.Errorf("shows %s, want %s", got, want)
	}
}

func hashWithTTL(t *testing.T) (a, b KeyState) {
	apply(&a, 10, 1, func(m *Mutation) { m.SetElement(0, subs[0], []byte("old")) })
	apply(&a, 20, 1, func(m *Mutation) { m.Expire(0, 100) })
	b = sentState(t, &a)
	for i := range b.Elements {
		if _, err := b.MergeElement(b.Elements[i].Sub, &b.Elements[i].Row); err != nil {
			t.Fatal(err)
		}
	}
	return a, b
}

// apply does one mutation at ms on node n's copy.
func apply(k *KeyState, ms int64, n NodeID, f func(*Mutation)) Stamp {
	s := Stamp{HLC: HLCOf(ms), Node: n, Inc: 5}
	k.AllElements = true
	k.Look(s.HLC)
	var mu Mutation
	f(&mu)
	for i := range mu.Changes {
		k.Apply(&mu.Changes[i], s)
	}
	return s
}
