package object

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// model is the slow obvious twin: one key as one Redis has it, in order.
type model struct {
	exists bool
	isInt  bool
	n      *big.Int
	text   string
	expire int64
}

func (m *model) passed(now int64) bool { return m.expire != 0 && now > m.expire }

func (m *model) at(now int64) model {
	if m.passed(now) {
		return model{}
	}
	return *m
}

type step struct {
	kind  int
	text  string
	by    int64
	delta int64 // expiry, ms from now
	wait  int64 // ms before the step
}

const stepKinds = 8

func genStep(t *rapid.T) step {
	return step{
		kind:  rapid.IntRange(0, stepKinds-1).Draw(t, "kind"),
		text:  rapid.SampledFrom([]string{"", "a", "hello", "7", "-3", "007", "9223372036854775807", "9223372036854775808"}).Draw(t, "text"),
		by:    rapid.SampledFrom([]int64{1, -1, 5, math.MaxInt64, math.MinInt64, 1 << 62}).Draw(t, "by"),
		delta: rapid.Int64Range(1, 30).Draw(t, "delta"),
		wait:  rapid.Int64Range(0, 20).Draw(t, "wait"),
	}
}

// run does the step on both, as the commands do.
func (s step) run(m *model, k *KeyState, stamp Stamp) {
	now := stamp.HLC.Millis()
	k.Look(stamp.HLC)
	live := m.at(now)
	var mu Mutation
	set := func(text string) {
		live.exists, live.isInt, live.text = true, false, text
		if n, ok := ParseCanonical([]byte(text)); ok {
			live.isInt, live.n = true, big.NewInt(n)
		}
	}
	switch s.kind {
	case 0: // SET
		mu.Set(0, []byte(s.text), 0)
		set(s.text)
		live.expire = 0
	case 1: // SET PX
		mu.Set(0, []byte(s.text), now+s.delta)
		set(s.text)
		live.expire = now + s.delta
	case 2: // SET KEEPTTL
		mu.SetKeepTTL(0, []byte(s.text))
		set(s.text)
	case 3: // DEL
		mu.Delete(0)
		live = model{}
	case 4: // APPEND and the like
		mu.Write(0, []byte(s.text))
		set(s.text)
	case 5, 6: // EXPIRE, PERSIST
		if !live.exists {
			return
		}
		at := int64(0)
		if s.kind == 5 {
			at = now + s.delta
		}
		mu.Expire(0, at)
		live.expire = at
	case 7: // INCRBY
		sum := new(big.Int).SetInt64(s.by)
		if live.exists && !live.isInt {
			return
		}
		if live.exists {
			sum.Add(sum, live.n)
		}
		if !sum.IsInt64() {
			return
		}
		mu.Add(0, s.by)
		live.exists, live.isInt, live.n = true, true, sum
	}
	*m = live
	for i := range mu.Changes {
		k.Apply(&mu.Changes[i], stamp)
	}
}

func (m *model) check(t *rapid.T, k *KeyState, now HLC) {
	t.Helper()
	k.Look(now)
	live := m.at(now.Millis())
	text, ok := k.Text()
	if ok != live.exists || ok != k.Exists() || (k.Type() == TypeString) != ok {
		t.Fatalf("exists %v, model %v", ok, live.exists)
	}
	if !ok {
		return
	}
	want := live.text
	if live.isInt {
		want = live.n.String()
	}
	if got := string(text.AppendTo(nil)); got != want || text.Len() != len(want) || string(text.Slice()) != want {
		t.Fatalf("shows %q, model %q", got, want)
	}
	if k.ExpireAt() != live.expire {
		t.Fatalf("expires at %d, model %d", k.ExpireAt(), live.expire)
	}
}

// A key does what one Redis does, with and without a restart between any two steps and with dead things collected or not.
func TestApplyIsRedis(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m model
		var k KeyState
		collect := rapid.Bool().Draw(t, "collect")
		now := int64(1000)
		for _, s := range rapid.SliceOfN(rapid.Custom(genStep), 1, 25).Draw(t, "steps") {
			now += s.wait
			stamp := Stamp{HLC: max(HLCOf(now), k.Row.Version().HLC+1), Node: 1, Inc: 9}
			s.run(&m, &k, stamp)
			m.check(t, &k, stamp.HLC)
			if collect && k.Row.Collect(k.Database, stamp.HLC) {
				if m.at(stamp.HLC.Millis()).exists {
					t.Fatal("a living row was collected")
				}
				k.Row = KeyRow{}
			}
			m.check(t, &k, stamp.HLC)
			enc := k.Row.AppendRow(nil)
			if len(enc) != k.Row.EncodedLen() {
				t.Fatalf("length %d, announced %d", len(enc), k.Row.EncodedLen())
			}
			k = KeyState{}
			if err := CheckRow(enc); err != nil {
				t.Fatal(err)
			}
			if err := k.Row.DecodeRow(enc); err != nil {
				t.Fatal(err)
			}
			at, ok := PeekExpiry(enc)
			if ok != (k.Row.Expiry.At != 0) || at != k.Row.Expiry.At {
				t.Fatalf("peeked expiry %d %v, row %d", at, ok, k.Row.Expiry.At)
			}
			m.check(t, &k, stamp.HLC)
		}
	})
}

// A SET that is stamped later than its own expiry leaves no key behind.
func TestSetStampedAfterItsExpiry(t *testing.T) {
	var k KeyState
	k.Look(HLCOf(50))
	var mu Mutation
	mu.Set(0, []byte("x"), 100)
	k.Apply(&mu.Changes[0], Stamp{HLC: HLCOf(101), Node: 1, Inc: 1})
	for _, ms := range []int64{101, 1000} {
		if k.Look(HLCOf(ms)); k.Exists() {
			t.Fatalf("shows at %d", ms)
		}
	}
}

func TestMergeFindsCorruption(t *testing.T) {
	s := Stamp{HLC: 5, Node: 1, Inc: 1}
	a := KeyRow{Value: Value{Stamp: s, Kind: ValueBytes, Bytes: []byte("a")}}
	b := KeyRow{Value: Value{Stamp: s, Kind: ValueBytes, Bytes: []byte("b")}}
	if _, err := a.Merge(&b); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("got %v", err)
	}
}

func TestMergeCountsLostWrites(t *testing.T) {
	first := Stamp{HLC: 5, Node: 1, Inc: 1}
	left := KeyRow{Value: Value{Stamp: Stamp{HLC: 6, Node: 1, Inc: 1}, Replaced: first, Kind: ValueBytes}}
	right := KeyRow{Value: Value{Stamp: Stamp{HLC: 7, Node: 2, Inc: 1}, Replaced: first, Kind: ValueBytes}}
	later := KeyRow{Value: Value{Stamp: Stamp{HLC: 8, Node: 1, Inc: 1}, Replaced: left.Value.Stamp, Kind: ValueBytes}}
	for _, c := range []struct {
		name string
		a, b KeyRow
		want bool
	}{{"both replaced the first", left, right, true}, {"later had seen left", left, later, false}, {"same", left, left, false}} {
		x, y := c.a, c.b
		if lost, _ := x.Merge(&c.b); lost != c.want {
			t.Errorf("%s: lost %v", c.name, lost)
		}
		if lost, _ := y.Merge(&c.a); lost != c.want {
			t.Errorf("%s, the other way: lost %v", c.name, lost)
		}
	}
}
