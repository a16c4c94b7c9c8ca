package quorum

import "testing"

func BenchmarkTally(b *testing.B) {
	for _, tc := range []struct {
		name  string
		level Choice
		list  []Node
	}{
		{"quorum", Choice{Level: Quorum}, nodes("B", "B", "B")},
		{"move", Choice{Level: Quorum, Sloppy: true}, nodes("B", "BA", "BA", "A", "ba")},
		{"each", Choice{Level: EachQuorum}, nodes("B:x", "B:x", "B:x", "B:y", "B:y", "B:y")},
	} {
		b.Run(tc.name, func(b *testing.B) {
			b.ReportAllocs()
			var t Tally
			for b.Loop() {
				if err := t.Start(Requirement{Choice: tc.level, Write: true, Nodes: tc.list}); err != nil {
					b.Fatal(err)
				}
				for i := range tc.list {
					t.Ack(i)
				}
				if t.Verdict() != Won || t.Acks().Have == 0 || t.Check() != nil {
					b.Fatal("not won")
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	text := []byte("local_quorum/sloppy")
	for b.Loop() {
		if _, err := Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}

// Counting, reading a level and asking about both allocate nothing.
func TestNoAllocations(t *testing.T) {
	list, text := nodes("B:x", "B:x", "BA:y", "A:y", "b:x"), []byte("EACH_QUORUM/SLOPPY")
	var tally Tally
	if n := testing.AllocsPerRun(100, func() {
		c, err := Parse(text)
		if err == nil {
			err = tally.Start(Requirement{Choice: c, Write: true, Nodes: list})
		}
		if err != nil || tally.Ack(0) != Pending || tally.Fail(1) != Pending || tally.Check() != nil || tally.Acks().Need == 0 {
			t.Fatal("not counted", err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
