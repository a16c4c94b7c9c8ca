package moves

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Tally is what workers of one kind met in a while.
type Tally struct {
	Calls  []time.Duration // each with its redirections
	Moved  int             // redirections
	Broken int             // connections that ended under a command, or could not be made
	Errors map[string]int  // error replies, by their text without numbers
}

// Add takes another tally in.
func (t *Tally) Add(o Tally) {
	t.Calls = append(t.Calls, o.Calls...)
	t.Moved += o.Moved
	t.Broken += o.Broken
	for text, n := range o.Errors {
		t.Error(text, n)
	}
}

// Error counts error replies.
func (t *Tally) Error(text string, n int) {
	if t.Errors == nil {
		t.Errors = map[string]int{}
	}
	t.Errors[text] += n
}

// Failed is how many error replies there were.
func (t *Tally) Failed() (n int) {
	for _, count := range t.Errors {
		n += count
	}
	return n
}

// Late is how many of the error replies tell that a node waited in vain for another one, or for a disk.
func (t *Tally) Late() (n int) {
	for text, count := range t.Errors {
		if strings.Contains(text, "TIMEOUT") || strings.Contains(text, "UNAVAILABLE") {
			n += count
		}
	}
	return n
}

// Quantile is the time within which a part of the calls ended: 1 is the longest.
func (t *Tally) Quantile(part float64) time.Duration {
	if len(t.Calls) == 0 {
		return 0
	}
	slices.Sort(t.Calls)
	return t.Calls[min(int(part*float64(len(t.Calls))), len(t.Calls)-1)]
}

// String tells all but the times.
func (t *Tally) String() string {
	var parts []string
	for _, text := range slices.Sorted(maps.Keys(t.Errors)) {
		parts = append(parts, fmt.Sprintf("%d x %s", t.Errors[text], text))
	}
	return fmt.Sprintf("%d calls, %d redirected, %d connections broke, errors: %s", len(t.Calls), t.Moved, t.Broken, strings.Join(parts, "; "))
}

// Row is a change of the ring as the table shows it.
type Row struct {
	Change        string
	Took          time.Duration // until the ring is stable and cleared
	Copied, Bound int           // copies of partitions
	Rows          int           // that were copied
	Bytes         float64       // that were transferred
	Rate, Limit   float64       // bytes a second
	CPU           time.Duration // of all nodes, beyond that of the load
	Uneven        float64       // keys by node
	Forward       Tally
	Cluster       Tally
	Stalled       string // what held the machine up meanwhile: an operation may be too late for it
	Stale         int    // reads that showed less than they must
	Lost          int    // the same afterwards
}

// Table is the report.
func Table(rows []Row) string {
	var b strings.Builder
	line := func(cells ...any) {
		fmt.Fprintf(&b, "%-24s %7v %7v %6v %8v %7v %8v %8v %9v %9v %7v | %8v %6v %6v %6v %7v %7v | %8v %6v %6v %6v %7v %7v | %5v %5v\n", cells...)
	}
	line("change", "took", "copied", "bound", "rows", "MB", "MB/s", "limit", "cpu/row", "cpu/MB", "uneven",
		"forward", "errors", "broken", "p50", "p99", "longest", "cluster", "errors", "broken", "p50", "p99", "longest", "stale", "lost")
	ms := func(d time.Duration) string { return fmt.Sprintf("%.1fms", float64(d.Microseconds())/1000) }
	for _, r := range rows {
		perRow, perMB := "-", "-"
		if r.Rows > 0 && r.CPU > 0 {
			perRow = fmt.Sprintf("%.1fus", float64(r.CPU.Microseconds())/float64(r.Rows))
		}
		if r.Bytes > 0 && r.CPU > 0 {
			perMB = ms(time.Duration(float64(r.CPU) * 1e6 / r.Bytes))
		}
		line(r.Change, r.Took.Round(100*time.Millisecond), r.Copied, r.Bound, r.Rows, mega(r.Bytes), mega(r.Rate), mega(r.Limit), perRow, perMB,
			fmt.Sprintf("%.1f%%", 100*r.Uneven),
			len(r.Forward.Calls), r.Forward.Failed(), r.Forward.Broken, ms(r.Forward.Quantile(0.5)), ms(r.Forward.Quantile(0.99)), ms(r.Forward.Quantile(1)),
			len(r.Cluster.Calls), r.Cluster.Failed(), r.Cluster.Broken, ms(r.Cluster.Quantile(0.5)), ms(r.Cluster.Quantile(0.99)), ms(r.Cluster.Quantile(1)),
			r.Stale, r.Lost)
	}
	return b.String()
}

func mega(bytes float64) string {
	if bytes == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", bytes/1e6)
}
