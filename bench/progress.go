package bench

import (
	"fmt"
	"io"
	"time"
)

// watch prints a line a second until done is closed, draining rec into total.
func watch(w io.Writer, done <-chan struct{}, begin time.Time, rec *recorder, total *tally) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	last := begin
	for {
		select {
		case <-done:
			return
		case now := <-tick.C:
			step := newTally()
			rec.drain(step)
			if w != nil {
				writeProgress(w, now.Sub(begin), now.Sub(last), step)
			}
			last = now
			step.drainInto(total)
		}
	}
}

func writeProgress(w io.Writer, at, span time.Duration, t *tally) {
	l := summarize(t.all())
	fmt.Fprintf(w, "%4.0fs  %9.0f ops/s  p50 %s  p99 %s  max %s ms  errors %d\n",
		at.Seconds(), float64(l.Count)/span.Seconds(), millis(l.P50), millis(l.P99), millis(l.Max), t.errorCount())
}
