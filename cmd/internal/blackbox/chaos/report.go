package chaos

import (
	"fmt"
	"strings"
	"time"
)

// Tally counts the operations of a worker, or of several, during a fault.
type Tally struct {
	Counts  [outcomes]int
	Gap     time.Duration // longest time without a success
	Longest time.Duration // call, of those that were answered
	Odd     string        // one of the unexpected answers
}

// Add takes another tally in.
func (t *Tally) Add(o Tally) {
	for i, n := range o.Counts {
		t.Counts[i] += n
	}
	t.Gap, t.Longest = max(t.Gap, o.Gap), max(t.Longest, o.Longest)
	if t.Odd == "" {
		t.Odd = o.Odd
	}
}

// String is a line of the report.
func (t *Tally) String() string {
	var b strings.Builder
	for o := range outcomes {
		fmt.Fprintf(&b, "%s %d, ", o, t.Counts[o])
	}
	fmt.Fprintf(&b, "gap %v, longest call %v", t.Gap.Round(time.Millisecond), t.Longest.Round(time.Millisecond))
	if t.Odd != "" {
		fmt.Fprintf(&b, "; for example %q", t.Odd)
	}
	return b.String()
}
