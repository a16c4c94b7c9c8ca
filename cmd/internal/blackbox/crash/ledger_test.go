package crash

import "testing"

func TestLedgerJudges(t *testing.T) {
	set := func(seq uint64) State { return State{Seq: seq} }
	del := func(seq uint64) State { return State{Seq: seq, Absent: true} }
	expiring := func(seq uint64) State { return State{Seq: seq, Expires: true} }
	gone := State{Absent: true}
	for _, c := range []struct {
		name  string
		sent  []State
		acked int // how many of sent have a reply
		seen  State
		want  Verdict
	}{
		{"acknowledged and there", []State{set(1), set(2)}, 2, set(2), Kept},
		{"acknowledged and older", []State{set(1), set(2)}, 2, set(1), Lost},
		{"acknowledged and gone", []State{set(1)}, 1, gone, Lost},
		{"unknown and there", []State{set(1), set(2)}, 1, set(2), Kept},
		{"unknown and not there", []State{set(1), set(2)}, 1, set(1), Kept},
		{"several unknown, one of the middle", []State{set(1), set(2), set(3)}, 1, set(2), Kept},
		{"never acknowledged, absent", []State{set(1)}, 0, gone, Kept},
		{"deleted", []State{set(1), del(2)}, 2, gone, Kept},
		{"deleted and back", []State{set(1), del(2)}, 2, set(1), Lost},
		{"perhaps deleted", []State{set(1), del(2)}, 1, gone, Kept},
		{"perhaps deleted, set again and acknowledged", []State{set(1), del(2), set(3)}, 3, gone, Lost},
		{"expiry lost", []State{expiring(1)}, 1, set(1), Foreign},
		{"expiry kept", []State{expiring(1)}, 1, expiring(1), Kept},
		{"never sent", []State{set(1)}, 1, set(9), Foreign},
	} {
		l := NewLedger()
		for _, s := range c.sent {
			l.Sent("k", s)
		}
		for range c.acked {
			l.Acked("k")
		}
		if got := l.Check("k", c.seen); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestSettledStateMustStay(t *testing.T) {
	l := NewLedger()
	l.Sent("k", State{Seq: 1})
	l.Acked("k")
	l.Sent("k", State{Seq: 2})
	l.Settle("k", State{Seq: 2})
	if got := l.Check("k", State{Seq: 1}); got != Lost {
		t.Errorf("the older value after the newer was seen: %s, want %s", got, Lost)
	}
	l.Sent("k", State{Seq: 3, Absent: true})
	l.Settle("k", State{Absent: true})
	if got := l.Check("k", State{Seq: 2}); got != Lost {
		t.Errorf("a value back after its deletion was seen: %s, want %s", got, Lost)
	}
}

func TestCounterJudges(t *testing.T) {
	c := Counter{Acked: 3, Sent: 5}
	for seen, want := range map[int64]Verdict{2: Lost, 3: Kept, 5: Kept, 6: Foreign} {
		if got := c.Check(seen); got != want {
			t.Errorf("%d: %s, want %s", seen, got, want)
		}
	}
}

func TestValueNamesItsOperation(t *testing.T) {
	v := Value("key", 77)
	if seq, ok := Parse("key", v); !ok || seq != 77 {
		t.Errorf("Parse = %d, %v", seq, ok)
	}
	for at := range v {
		bad := append([]byte(nil), v...)
		bad[at] ^= 1
		if seq, ok := Parse("key", bad); ok {
			t.Fatalf("byte %d changed and taken for operation %d", at, seq)
		}
	}
	if _, ok := Parse("kez", v); ok {
		t.Error("the value of another key was taken")
	}
}
