package chaos

import (
	"strings"
	"testing"
	"time"
)

func TestTallyAdds(t *testing.T) {
	at := time.Unix(1, 0)
	var sum, a, b Tally
	a.Counts[OK], a.Longest[OK] = 3, 5*time.Millisecond
	a.pause(time.Second, at)
	b.Counts[Timeout], b.Counts[Silent], b.Counts[Refused], b.Counts[Full], b.Odd = 2, 1, 4, 5, "?"
	b.pause(time.Millisecond, at.Add(time.Hour))
	sum.Add(a)
	sum.Add(b)
	switch {
	case sum.Operations() != 15 || sum.Unknown() != 3 || sum.Unavailable() != 9:
		t.Errorf("%d operations, %d unknown, %d unavailable", sum.Operations(), sum.Unknown(), sum.Unavailable())
	case sum.Gap != time.Second || sum.GapFrom != at || sum.Longest[OK] != 5*time.Millisecond || sum.Odd != "?":
		t.Errorf("%+v", sum)
	}
}

func TestTable(t *testing.T) {
	f := &Figures{Name: "kill", Runs: 2, Apart: 1}
	f.Forward.Counts[OK], f.Staying.Counts[Timeout], f.Cluster.Counts[Refused], f.Loose.Counts[OK] = 7, 1, 2, 9
	f.Forward.Gap, f.Breaches[Stale] = 1500*time.Millisecond, 4
	lines := strings.Split(Table([]*Figures{f}), "\n")
	want := "kill 2 10 7 1 2 0 | 9 1 | 0 4 0 | 1500ms 0ms | 0ms 0ms 0ms"
	if got := strings.Join(strings.Fields(lines[1]), " "); got != want {
		t.Errorf("%q, expected %q", got, want)
	}
}

func TestMetronome(t *testing.T) {
	var m Metronome
	m.beat(3 * time.Millisecond)
	m.beat(time.Millisecond)
	if m.Late() != 3*time.Millisecond {
		t.Errorf("late by %v", m.Late())
	}
	if m.Begin(); m.Late() != 0 {
		t.Errorf("late by %v before anything", m.Late())
	}
}
