package bench

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Report is the outcome of Run, Load or OpenLoop. Latencies count answered
// commands; a failed command counts in Errors only.
type Report struct {
	Title      string           `json:"title"`
	Elapsed    time.Duration    `json:"elapsed_ns"`
	Throughput float64          `json:"throughput"`     // answered commands/s
	Rate       float64          `json:"rate,omitempty"` // asked for; 0 = closed loop
	All        Latency          `json:"all"`
	Reads      Latency          `json:"reads"`
	Writes     Latency          `json:"writes"`
	Misses     int64            `json:"misses"` // GETs of absent keys; answered
	Errors     map[string]int64 `json:"errors,omitempty"`
	Unsent     int64            `json:"unsent,omitempty"` // open loop: due before the end, but no connection was free
}

func newReport(title string, o Options, t *tally, elapsed time.Duration) Report {
	r := Report{
		Title:   title,
		Elapsed: elapsed,
		Rate:    o.Rate,
		All:     summarize(t.all()),
		Reads:   summarize(t.hist[reads]),
		Writes:  summarize(t.hist[writes]),
		Misses:  t.misses,
		Errors:  maps.Clone(t.errors),
	}
	if elapsed > 0 {
		r.Throughput = float64(r.All.Count) / elapsed.Seconds()
	}
	return r
}

// ErrorCount is the number of failed commands.
func (r Report) ErrorCount() int64 {
	var n int64
	for c := range maps.Values(r.Errors) {
		n += c
	}
	return n
}

// Write prints the report as a table.
func (r Report) Write(w io.Writer) error {
	loop := "closed loop, latency from the sending"
	if r.Rate > 0 {
		loop = fmt.Sprintf("open loop at %.0f/s, latency from the intended start", r.Rate)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s; %s\n%.1f s, times in ms\n", r.Title, loop, r.Elapsed.Seconds())
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(tw, "op\tcount\tops/s\tmean\tp50\tp99\tp99.9\tmax\t\n")
	if r.Reads.Count > 0 {
		r.writeRow(tw, "GET", r.Reads)
	}
	if r.Writes.Count > 0 {
		r.writeRow(tw, "SET", r.Writes)
	}
	if r.Reads.Count > 0 && r.Writes.Count > 0 {
		r.writeRow(tw, "all", r.All)
	}
	_ = tw.Flush() // into a strings.Builder, which cannot fail
	fmt.Fprintf(&b, "misses %d, errors: %s\n", r.Misses, errorList(r.Errors))
	if r.Unsent > 0 {
		fmt.Fprintf(&b, "%d commands were due and never sent: the server did not keep up, true latencies are worse\n", r.Unsent)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("bench: write report: %w", err)
	}
	return nil
}

func (r Report) writeRow(w io.Writer, name string, l Latency) {
	fmt.Fprintf(w, "%s\t%d\t%.0f\t%s\t%s\t%s\t%s\t%s\t\n", name, l.Count, float64(l.Count)/r.Elapsed.Seconds(),
		millis(l.Mean), millis(l.P50), millis(l.P99), millis(l.P999), millis(l.Max))
}

// errorList prints errors by kind, the most frequent first.
func errorList(errs map[string]int64) string {
	if len(errs) == 0 {
		return "none"
	}
	names := slices.Sorted(maps.Keys(errs))
	slices.SortStableFunc(names, func(a, b string) int { return int(min(max(errs[b]-errs[a], -1), 1)) })
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = fmt.Sprintf("%s %d", name, errs[name])
	}
	return strings.Join(parts, ", ")
}

// millis prints d in milliseconds with three significant places.
func millis(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case ms >= 100:
		return fmt.Sprintf("%.0f", ms)
	case ms >= 10:
		return fmt.Sprintf("%.1f", ms)
	case ms >= 1:
		return fmt.Sprintf("%.2f", ms)
	default:
		return fmt.Sprintf("%.3f", ms)
	}
}
