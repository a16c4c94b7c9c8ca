package bench

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"slices"
	"syscall"
	"testing"
	"time"
)

// TestSummarize compares with percentiles of the sorted values themselves.
func TestSummarize(t *testing.T) {
	rng := testRNG()
	h := newHistogram()
	var all []time.Duration
	for range 50_000 {
		d := time.Duration(math.Exp(rng.NormFloat64()+12)) + 10*time.Microsecond
		n := 1 + rng.Int64N(3)
		record(h, d, n)
		for range n {
			all = append(all, d)
		}
	}
	slices.Sort(all)
	got := summarize(h)
	if got.Count != int64(len(all)) {
		t.Fatalf("count %d, want %d", got.Count, len(all))
	}
	for name, c := range map[string]struct {
		got time.Duration
		at  float64
	}{"p50": {got.P50, 0.5}, "p99": {got.P99, 0.99}, "p99.9": {got.P999, 0.999}, "max": {got.Max, 1}} {
		want := all[max(0, int(math.Ceil(c.at*float64(len(all))))-1)]
		// Three digits and steps of 512 ns.
		if diff := (c.got - want).Abs(); diff > want/500+time.Microsecond {
			t.Errorf("%s = %v, want %v", name, c.got, want)
		}
	}
}

func TestRecordOutsideCountsAtTheBorder(t *testing.T) {
	h := newHistogram()
	record(h, -time.Second, 1)
	record(h, 0, 1)
	record(h, time.Hour, 1)
	if l := summarize(h); l.Count != 3 || l.Max < 2*time.Minute || l.P50 > 2*time.Microsecond {
		t.Errorf("got %+v", l)
	}
	if l := summarize(newHistogram()); l != (Latency{}) {
		t.Errorf("of nothing: %+v", l)
	}
}

func TestRecorderDrain(t *testing.T) {
	r := newRecorder(3)
	total := newTally()
	for w := range 3 {
		b := &batch{latency: time.Duration(w+1) * time.Millisecond, misses: 1, errs: []error{io.EOF}}
		b.done[reads], b.done[writes] = 2, 1
		r.shard(w).record(b)
	}
	r.drain(total)
	r.drain(total) // nothing is counted twice
	if got := summarize(total.all()); got.Count != 9 || total.hist[reads].TotalCount() != 6 {
		t.Errorf("count %d, reads %d; want 9, 6", got.Count, total.hist[reads].TotalCount())
	}
	if total.misses != 3 || total.errors["connection closed"] != 3 || total.errorCount() != 3 {
		t.Errorf("misses %d, errors %v", total.misses, total.errors)
	}
}

type redisError string

func (e redisError) Error() string { return string(e) }
func (redisError) RedisError()     {}

func TestErrorKind(t *testing.T) {
	for want, err := range map[string]error{
		"OOM":                redisError("OOM command not allowed"),
		"ERR":                redisError("weird text"),
		"UNAVAILABLE":        fmt.Errorf("get: %w", redisError("UNAVAILABLE 1 of 2")),
		"connection refused": &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED},
		"connection reset":   &net.OpError{Op: "read", Err: syscall.ECONNRESET},
		"connection closed":  io.ErrUnexpectedEOF,
		"timeout":            &net.OpError{Op: "read", Err: syscall.ETIMEDOUT},
		"other":              errors.New("strange"),
	} {
		if got := errorKind(err); got != want {
			t.Errorf("errorKind(%v) = %q, want %q", err, got, want)
		}
	}
}
