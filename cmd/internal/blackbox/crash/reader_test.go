//go:build blackbox

package crash

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

// errKey is what a look at a key found instead of a value.
var errKey = errors.New("error reply")

// look is what a key showed.
type look struct {
	state State
	raw   []byte // of the value
	err   error  // errKey, or bytes that nobody wrote
}

// readKeys looks at keys, many at a time.
func readKeys(t *testing.T, c *harness.Conn, keys []string) map[string]look {
	t.Helper()
	const together = 100
	seen := make(map[string]look, len(keys))
	for len(keys) > 0 {
		batch := keys[:min(together, len(keys))]
		keys = keys[len(batch):]
		var out []byte
		for _, key := range batch {
			out = harness.AppendCommand(out, "GET", key)
			out = harness.AppendCommand(out, "PTTL", key)
		}
		if err := c.Send(out); err != nil {
			t.Fatal(err)
		}
		for _, key := range batch {
			seen[key] = readKey(t, c, key)
		}
	}
	return seen
}

func readKey(t *testing.T, c *harness.Conn, key string) look {
	t.Helper()
	value, err := c.Receive()
	if err != nil {
		t.Fatalf("GET %s: %v", key, err)
	}
	ttl, err := c.Receive()
	if err != nil {
		t.Fatalf("PTTL %s: %v", key, err)
	}
	if value[0] == '-' || ttl[0] == '-' {
		return look{err: fmt.Errorf("%w: %q, %q", errKey, value, ttl)}
	}
	raw, ok := bulk(value)
	if !ok {
		return look{state: State{Absent: true}}
	}
	seq, ok := Parse(key, raw)
	if !ok {
		return look{raw: raw, err: fmt.Errorf("%s holds what nobody wrote: %.100q", key, raw)}
	}
	return look{state: State{Seq: seq, Expires: string(ttl) != ":-1\r\n"}, raw: raw}
}

// bulk is the payload of a bulk string; false for nil.
func bulk(reply []byte) ([]byte, bool) {
	_, body, ok := bytes.Cut(reply, []byte("\r\n"))
	if reply[0] != '$' || !ok || string(reply) == "$-1\r\n" {
		return nil, false
	}
	return bytes.TrimSuffix(body, []byte("\r\n")), true
}

// getInt reads a counter; an absent one is 0.
func getInt(t *testing.T, c *harness.Conn, key string) int64 {
	t.Helper()
	raw, ok := bulk([]byte(c.Do("GET", key)))
	if !ok {
		return 0
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		t.Fatalf("counter %s: %v", key, err)
	}
	return n
}

// info is one field of INFO; empty when there is none.
func info(c *harness.Conn, field string) string {
	for line := range strings.Lines(c.Do("INFO", "everything")) {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// dbSize waits until keys are counted and returns how many there are.
func dbSize(t *testing.T, c *harness.Conn) int64 {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	end := time.After(time.Minute)
	for {
		reply := c.Do("DBSIZE")
		if !strings.HasPrefix(reply, "-LOADING") {
			n, err := integer([]byte(reply))
			if err != nil {
				t.Fatalf("DBSIZE: %v", err)
			}
			return n
		}
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("keys are still being counted after a minute: %q", reply)
		}
	}
}
