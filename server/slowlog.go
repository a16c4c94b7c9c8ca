package server

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rondokv/rondo/resp"
)

// What an entry of the slow log keeps of a command, as in Redis.
const (
	slowlogMaxArgs  = 32
	slowlogMaxBytes = 128
)

// slowEntry is a command that took long.
type slowEntry struct {
	id       int64
	when     time.Time
	duration time.Duration
	args     []resp.Value
	addr     string
	name     string
}

// slowlog keeps the last slow commands. Telling that a command was fast takes
// one atomic load.
type slowlog struct {
	threshold atomic.Int64 // nanoseconds; negative: off
	limit     atomic.Int64

	mu      sync.Mutex
	entries []slowEntry // a ring
	next    int         // where the next entry goes
	lastID  int64
}

// slow tells whether a command of that duration belongs into the log.
func (l *slowlog) slow(d time.Duration) bool {
	t := l.threshold.Load()
	return t >= 0 && int64(d) >= t
}

// configure takes over new limits; the newest entries stay.
func (l *slowlog) configure(slowerThan time.Duration, maxLen int) {
	l.threshold.Store(int64(slowerThan))
	l.limit.Store(int64(maxLen))
	l.mu.Lock()
	defer l.mu.Unlock()
	if maxLen < len(l.entries) {
		l.setRingLocked(l.newestLocked(maxLen))
	}
}

// add logs a command. Its arguments are copied as far as they are kept, for the
// log must not hold a large value for ever. REQUIRES: args are redacted.
func (l *slowlog) add(e slowEntry, args [][]byte) {
	e.args = trimArgs(args)
	limit := int(l.limit.Load())
	l.mu.Lock()
	defer l.mu.Unlock()
	e.id = l.lastID
	l.lastID++
	switch {
	case limit <= 0:
	case len(l.entries) < limit && l.next != 0:
		// The ring has turned and the limit was raised since: straighten it first.
		l.setRingLocked(l.newestLocked(len(l.entries)))
		l.entries = append(l.entries, e)
	case len(l.entries) < limit:
		l.entries = append(l.entries, e)
	default:
		l.entries[l.next] = e
		l.next = (l.next + 1) % len(l.entries)
	}
}

// newestLocked returns up to n entries, newest first.
func (l *slowlog) newestLocked(n int) []slowEntry {
	n = min(n, len(l.entries))
	out := make([]slowEntry, 0, n)
	for i := range n {
		at := l.next - 1 - i
		if at < 0 {
			at += len(l.entries)
		}
		out = append(out, l.entries[at])
	}
	return out
}

// setRingLocked makes entries, given newest first, the whole log.
func (l *slowlog) setRingLocked(newest []slowEntry) {
	ring := make([]slowEntry, 0, len(newest)+1)
	for i := len(newest) - 1; i >= 0; i-- {
		ring = append(ring, newest[i])
	}
	l.entries, l.next = ring, 0
}

func (l *slowlog) newest(n int) []slowEntry {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n < 0 {
		n = len(l.entries)
	}
	return l.newestLocked(n)
}

func (l *slowlog) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.entries)
}

func (l *slowlog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries, l.next = nil, 0
}

// reply is the entry as SLOWLOG GET shows it.
func (e *slowEntry) reply() resp.Value {
	return resp.Array(
		resp.Int(e.id), resp.Int(e.when.Unix()), resp.Int(e.duration.Microseconds()),
		resp.Array(e.args...), resp.BulkString(e.addr), resp.BulkString(e.name),
	)
}

// trimArgs keeps 32 arguments of 128 bytes and says what is left out.
func trimArgs(args [][]byte) []resp.Value {
	n := len(args)
	if n > slowlogMaxArgs {
		n = slowlogMaxArgs - 1
	}
	out := make([]resp.Value, 0, n+1)
	for _, a := range args[:n] {
		if len(a) <= slowlogMaxBytes {
			out = append(out, resp.BulkString(string(a)))
			continue
		}
		out = append(out, resp.BulkString(fmt.Sprintf("%s... (%d more bytes)", a[:slowlogMaxBytes], len(a)-slowlogMaxBytes)))
	}
	if n < len(args) {
		out = append(out, resp.BulkString(fmt.Sprintf("... (%d more arguments)", len(args)-n)))
	}
	return out
}

// slowlogCount reads the count of SLOWLOG GET.
func slowlogCount(args [][]byte) (int, error) {
	if len(args) < 3 {
		return 10, nil
	}
	n, ok := resp.ParseInt(args[2])
	if !ok || n < -1 {
		return 0, resp.ErrCountMinusOne
	}
	return int(min(n, math.MaxInt32)), nil // more than is ever kept
}
