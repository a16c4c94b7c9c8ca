//go:build blackbox

package chaos

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

const (
	hintWriters = 8
	hintBatch   = 100 // commands in a pipeline
	hintValue   = 100 // bytes
	levelWithin = time.Minute
)

// TestHints: while a node is dead, keys are written without it. When it is back,
// what the others kept for it brings it level, which it then shows alone.
func TestHints(t *testing.T) {
	keys := harness.Number(t, "HINTS", 100_000, 4_000)
	c := startCluster(t, 3)
	away, others := c.nodes[2], c.nodes[:2]
	away.unable.Add(1)
	c.kill(away)
	for _, n := range others {
		c.await(n, "GET hints:ready", readyWithin)
	}
	began := time.Now()
	again := writeAll(t, others, keys)
	wrote := time.Since(began)
	kept, size := c.hints(others), 0.0
	for _, n := range others {
		size += c.metric(n, "rondo_hint_bytes", away.id)
	}
	t.Logf("%d keys of %d bytes written at QUORUM in %v (%.0f a second) without node %d, %d of the writes more than once; %.0f hints of %.1f MiB kept for it", keys, hintValue,
		wrote.Round(time.Millisecond), float64(keys)/wrote.Seconds(), away.number, again, kept, size/(1<<20))
	if kept < float64(keys) || size < float64(keys)*hintValue {
		t.Errorf("%.0f hints of %.0f bytes for %d keys", kept, size, keys)
	}

	began = time.Now()
	c.start(away)
	c.await(away, "GET hints:back", readyWithin)
	away.unable.Add(1)
	ready := time.Since(began)
	// A key that was written more than once counts as often in what was stored.
	for end := time.Now().Add(levelWithin); c.hints(others) > float64(again); <-time.After(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%.0f hints are left after %v", c.hints(others), levelWithin)
		}
	}
	took := time.Since(began)
	for _, n := range others {
		c.awaitMetric(n, "rondo_hint_bytes", away.id, 0)
	}
	bytes := c.metric(away, "rondo_store_applied_bytes_total", "")
	t.Logf("node %d took clients %v after its start and was level after %v: %.0f hints, %.1f MiB stored there, %.0f hints and %.1f MiB a second", away.number,
		ready.Round(time.Millisecond), took.Round(time.Millisecond), kept, bytes/(1<<20), kept/took.Seconds(), bytes/(1<<20)/took.Seconds())

	// Alone it can have them from nowhere else.
	for _, n := range others {
		n.unable.Add(1)
		c.kill(n)
	}
	if missing := readAlone(t, away, keys); missing > 0 {
		t.Errorf("node %d lacks %d of %d keys", away.number, missing, keys)
	}
}

// hints are how many rows nodes keep for others, by their counters.
func (c *cluster) hints(nodes []*node) (sum float64) {
	for _, n := range nodes {
		sum += c.metric(n, "rondo_core_hints_stored_total", "") - c.metric(n, "rondo_core_hints_replayed_total", "")
	}
	return sum
}

func hintKey(i int) string  { return "hints:" + strconv.Itoa(i) }
func hintText(i int) string { return fmt.Sprintf("%0*d", hintValue, i) }

// writeAll writes every key until it is acknowledged, through the forward faces,
// and returns how many answers were something else.
func writeAll(t *testing.T, nodes []*node, keys int) (again int64) {
	t.Helper()
	var writers sync.WaitGroup
	var count atomic.Int64
	for w := range hintWriters {
		conn := harness.Dial(t, nodes[w%len(nodes)].forward)
		writers.Go(func() {
			for from := w * hintBatch; from < keys; from += hintWriters * hintBatch {
				var left []int
				for i := from; i < min(from+hintBatch, keys); i++ {
					left = append(left, i)
				}
				for tries := 0; len(left) > 0; tries++ {
					var err error
					if left, err = writeBatch(conn, left); err != nil || tries == 20 {
						t.Errorf("%d keys are not written: %v", len(left), err)
						return
					}
					count.Add(int64(len(left)))
				}
			}
		})
	}
	writers.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return count.Load()
}

// writeBatch writes keys and returns those whose writes were not acknowledged, which is known to happen on a machine that
// is busy.
func writeBatch(conn *harness.Conn, keys []int) (left []int, err error) {
	var raw []byte
	for _, i := range keys {
		raw = append(raw, harness.AppendCommand(nil, "SET", hintKey(i), hintText(i))...)
	}
	if err := conn.Send(raw); err != nil {
		return keys, err
	}
	for _, i := range keys {
		reply, err := conn.Receive()
		if err != nil {
			return keys, err
		}
		switch OutcomeOf(reply) {
		case OK:
		case Timeout, Refused:
			left = append(left, i)
		default:
			return keys, fmt.Errorf("SET %s: %q", hintKey(i), reply)
		}
	}
	return left, nil
}

// readAlone reads every key at ONE through the cluster face of a node, and returns how many it does not have.
func readAlone(t *testing.T, n *node, keys int) (missing int) {
	t.Helper()
	conn := harness.Dial(t, n.listen)
	expect(t, conn, "+OK", "READONLY") // it is asked for what it has, whoever else would have it
	for from := 0; from < keys; from += hintBatch {
		var raw []byte
		to := min(from+hintBatch, keys)
		for i := from; i < to; i++ {
			raw = append(raw, harness.AppendCommand(nil, "AT", "ONE", "GET", hintKey(i))...)
		}
		if err := conn.Send(raw); err != nil {
			t.Fatal(err)
		}
		for i := from; i < to; i++ {
			reply, err := conn.Receive()
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(string(reply), "\r\n"+hintText(i)+"\r\n") {
				if missing++; missing <= 5 {
					t.Logf("%s: %q", hintKey(i), reply)
				}
			}
		}
	}
	return missing
}
