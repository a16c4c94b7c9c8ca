package chaos

import (
	"fmt"
	"strings"
	"time"
)

// Tally counts the operations of a worker, or of several, during a fault.
type Tally struct {
	Counts  [outcomes]int
	Longest [outcomes]time.Duration // call that ended so, by a node that was able to answer
	Gap     time.Duration           // longest time without a success
	GapFrom time.Time               // when it began
	Odd     string                  // one of the unexpected answers
}

// Add takes another tally in.
func (t *Tally) Add(o Tally) {
	for i, n := range o.Counts {
		t.Counts[i] += n
		t.Longest[i] = max(t.Longest[i], o.Longest[i])
	}
	t.pause(o.Gap, o.GapFrom)
	if t.Odd == "" {
		t.Odd = o.Odd
	}
}

// pause notes a time without a success.
func (t *Tally) pause(d time.Duration, from time.Time) {
	if d > t.Gap {
		t.Gap, t.GapFrom = d, from
	}
}

// Operations is how many there were.
func (t *Tally) Operations() (n int) {
	for _, c := range t.Counts {
		n += c
	}
	return n
}

// Unknown is how many may have happened, or may yet.
func (t *Tally) Unknown() int { return t.Counts[Timeout] + t.Counts[Silent] + t.Counts[Other] }

// Unavailable is how many certainly did not happen.
func (t *Tally) Unavailable() int { return t.Counts[Refused] + t.Counts[Full] + t.Counts[Unreached] }

// String is a line of the report.
func (t *Tally) String() string {
	var b strings.Builder
	for o := range outcomes {
		if t.Counts[o] > 0 {
			fmt.Fprintf(&b, "%s %d (%v), ", o, t.Counts[o], t.Longest[o].Round(time.Millisecond))
		}
	}
	fmt.Fprintf(&b, "gap %v", t.Gap.Round(time.Millisecond))
	if t.Odd != "" {
		fmt.Fprintf(&b, "; for example %q", t.Odd)
	}
	return b.String()
}

// Breach is a kind of broken promise.
type Breach int

// Breaches.
const (
	Stale Breach = iota // a read showed less than was acknowledged before it began, or what cannot be
	Lost                // the same after healing
	Late                // an answer came after its time, or not at all
	breaches
)

// Figures are those of all faults of one kind.
type Figures struct {
	Name     string
	Runs     int
	Forward  Tally // at QUORUM through the forward faces, by clients that move
	Staying  Tally // the same by clients that stay with one node
	Cluster  Tally // at QUORUM through the cluster faces, following MOVED
	Loose    Tally // writes at ONE and ANY
	Apart    int   // of those acknowledged, not yet on every home replica when the fault had healed
	Breaches [breaches]int
}

// Table is the report of all faults.
func Table(rows []*Figures) string {
	var b strings.Builder
	line := func(cells ...any) {
		fmt.Fprintf(&b, "%-9s %4v %9v %9v %7v %7v %8v | %7v %6v | %5v %5v %5v | %7v %7v | %7v %7v %7v\n", cells...)
	}
	line("fault", "runs", "ops", "acked", "unknown", "unavail", "no room", "loose", "apart", "lost", "stale", "late", "gap fwd", "gap clu", "ok", "TIMEOUT", "UNAVAIL")
	for _, f := range rows {
		all := f.Forward
		all.Add(f.Staying)
		all.Add(f.Cluster)
		longest := all
		longest.Add(f.Loose)
		ms := func(d time.Duration) string { return fmt.Sprintf("%dms", d.Milliseconds()) }
		line(f.Name, f.Runs, all.Operations(), all.Counts[OK], all.Unknown(), all.Unavailable()-all.Counts[Full], all.Counts[Full],
			f.Loose.Counts[OK], f.Apart, f.Breaches[Lost], f.Breaches[Stale], f.Breaches[Late],
			ms(f.Forward.Gap), ms(f.Cluster.Gap), ms(longest.Longest[OK]), ms(longest.Longest[Timeout]), ms(longest.Longest[Refused]))
	}
	return b.String()
}
