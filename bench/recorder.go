package bench

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/redis/go-redis/v9"
)

// recorderShards bounds the memory of a run with thousands of workers: a
// histogram is some 220 KB.
const recorderShards = 32

// kind is what a command did, for the report.
type kind int

const (
	reads kind = iota
	writes
	kinds
)

// tally is what was counted in some stretch of time.
type tally struct {
	hist   [kinds]*hdrhistogram.Histogram
	misses int64
	errors map[string]int64
}

func newTally() *tally {
	t := &tally{errors: map[string]int64{}}
	for k := range t.hist {
		t.hist[k] = newHistogram()
	}
	return t
}

// drainInto adds t to dst and empties t.
func (t *tally) drainInto(dst *tally) {
	for k, h := range t.hist {
		dst.hist[k].Merge(h)
		h.Reset()
	}
	dst.misses += t.misses
	t.misses = 0
	for name, n := range t.errors {
		dst.errors[name] += n
	}
	clear(t.errors)
}

func (t *tally) all() *hdrhistogram.Histogram {
	h := newHistogram()
	for _, part := range t.hist {
		h.Merge(part)
	}
	return h
}

func (t *tally) errorCount() int64 {
	var n int64
	for c := range maps.Values(t.errors) {
		n += c
	}
	return n
}

// recorder collects what workers see. A shard holds what came since the last
// drain, so that a progress line costs one merge.
type recorder struct {
	shards []shard
}

type shard struct {
	mu sync.Mutex
	tally
}

func newRecorder(workers int) *recorder {
	r := &recorder{shards: make([]shard, min(workers, recorderShards))}
	for i := range r.shards {
		r.shards[i].tally = *newTally()
	}
	return r
}

func (r *recorder) shard(worker int) *shard { return &r.shards[worker%len(r.shards)] }

// drain moves everything recorded so far into dst.
func (r *recorder) drain(dst *tally) {
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		s.drainInto(dst)
		s.mu.Unlock()
	}
}

// batch is the outcome of one pipeline.
type batch struct {
	latency time.Duration
	done    [kinds]int64
	misses  int64
	errs    []error
}

func (s *shard) record(b *batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, n := range b.done {
		if n > 0 {
			record(s.hist[k], b.latency, n)
		}
	}
	s.misses += b.misses
	for _, err := range b.errs {
		s.errors[errorKind(err)]++
	}
}

// errorKind names an error by what a user would act on: the code of a RESP
// error (its first word), or the failure of the connection.
func errorKind(err error) string {
	var reply redis.Error
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, redis.ErrPoolTimeout):
		return "pool timeout"
	case errors.As(err, &reply):
		return errorCode(reply.Error())
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, os.ErrDeadlineExceeded):
		return "timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "connection reset"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed"
	default:
		return "other"
	}
}

// errorCode is the first word of a RESP error when it looks like a code.
func errorCode(text string) string {
	word, _, _ := strings.Cut(text, " ")
	if word == "" || len(word) > 32 || strings.ToUpper(word) != word {
		return "ERR"
	}
	return word
}
