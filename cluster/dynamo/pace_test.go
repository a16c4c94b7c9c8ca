package dynamo

import "testing"

// TestPaceBuckets: every time is below the bound of its bucket and not below that of the one before.
func TestPaceBuckets(t *testing.T) {
	for us := Time(0); us < 100_000; us++ {
		at := us * 1000
		b := paceBucket(at)
		if at >= paceBound(b) || b > 0 && at < paceBound(b-1) {
			t.Fatalf("%d us are in bucket %d, from %d to %d", us, b, paceBound(max(0, b-1)), paceBound(b))
		}
	}
}

// TestPaceSlow: what is slow follows the answers, and one in two hundred does not matter.
func TestPaceSlow(t *testing.T) {
	var p Pace
	if p.ReadBegins() != 0 {
		t.Fatal("slow is known before any answer")
	}
	answers := func(n int, usual, rare Time) {
		for i := range n {
			took := usual
			if i%200 == 0 {
				took = rare
			}
			p.ReadTook(took)
		}
	}
	answers(paceWindow, Millisecond, 100*Millisecond)
	if s := p.ReadBegins(); s < Millisecond || s > 2*Millisecond {
		t.Errorf("slow is %d us", s/1000)
	}
	answers(8*paceWindow, 4*Millisecond, 4*Millisecond)
	if s := p.ReadBegins(); s < 4*Millisecond || s > 8*Millisecond {
		t.Errorf("slow is %d us after answers became slower", s/1000)
	}
	answers(12*paceWindow, Millisecond, Millisecond)
	if s := p.ReadBegins(); s > 2*Millisecond {
		t.Errorf("slow is %d us after answers became faster", s/1000)
	}
}

// TestPaceBudget: in the long run one question for ten reads, at once no more than the burst.
func TestPaceBudget(t *testing.T) {
	var p Pace
	asked := 0
	for p.Speculate(1) {
		asked++
	}
	if asked != paceBurst {
		t.Fatalf("%d questions at once, want %d", asked, paceBurst)
	}
	asked = 0
	for range 10_000 {
		p.ReadBegins()
		if p.Speculate(1) {
			asked++
		}
	}
	if asked != 1000 {
		t.Fatalf("%d questions for 10,000 reads", asked)
	}
}
