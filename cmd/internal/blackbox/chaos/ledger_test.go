package chaos

import "testing"

func TestLedgerJudges(t *testing.T) {
	l := NewLedger("k")
	for _, o := range []Outcome{OK, OK, Timeout, Refused, OK, Silent} {
		l.Send()
		if err := l.End(o); err != nil {
			t.Fatal(err)
		}
	}
	for seen, good := range map[uint64]bool{0: false, 1: false, 2: false, 3: true, 4: false, 5: true, 7: false} {
		if err := l.Judge(l.Floor(), seen); (err == nil) != good {
			t.Errorf("a read that shows %d: %v", seen, err)
		}
	}
	if err := l.Judge(l.Floor(), 6); err != nil {
		t.Error(err)
	}
	if err := l.Judge(l.Floor(), 5); err == nil {
		t.Error("reads went back from 6 to 5")
	}
	if err := l.Judge(5, 5); err != nil {
		t.Errorf("a read that began before the other ended: %v", err)
	}
}

func TestLedgerRefusalOfWhatWasShown(t *testing.T) {
	l := NewLedger("k")
	if err := l.Judge(0, l.Send()); err != nil {
		t.Fatalf("a read during the write: %v", err)
	}
	if err := l.End(Refused); err == nil {
		t.Error("a refused write had been shown")
	}
}

func TestLedgerWears(t *testing.T) {
	l := NewLedger("k")
	for range maxOpen {
		if l.Worn() {
			t.Fatal("worn too soon")
		}
		l.Send()
		_ = l.End(Timeout) // says nothing of a timeout
	}
	if !l.Worn() {
		t.Error("not worn")
	}
}

func TestCounterJudges(t *testing.T) {
	c := &Counter{Key: "c"}
	for _, o := range []Outcome{OK, OK, Timeout, Refused, OK} {
		c.Send()
		c.End(o)
	}
	for seen, good := range map[uint64]bool{2: false, 3: true, 4: true, 5: false} {
		if err := c.Judge(c.Floor(), seen); (err == nil) != good {
			t.Errorf("a read that shows %d: %v", seen, err)
		}
	}
}
