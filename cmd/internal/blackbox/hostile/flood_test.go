//go:build blackbox

package hostile

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

// flood is a client that sends and sends and gives no one a command, or too
// much of one.
type flood struct {
	name  string
	first string // sent once
	again []byte // sent over and over
	held  int64  // what the limits let the node keep of it
	says  string // what the node says before it closes; empty: nothing is asked for
}

func floods() []flood {
	xs := func(n int) []byte { return bytes.Repeat([]byte("x"), n) }
	bulk := func(n int) []byte { return append(append(fmt.Appendf(nil, "$%d\r\n", n), xs(n)...), "\r\n"...) }
	return []flood{
		{"bulk declared over the limit", "*2\r\n$3\r\nGET\r\n$536870912\r\n", xs(mb), 0, "-ERR Protocol error: invalid bulk length"},
		{"bulk declared as 2^63-1", "*2\r\n$3\r\nGET\r\n$9223372036854775807\r\n", xs(mb), 0, "-ERR Protocol error: invalid bulk length"},
		{"inline without an end", "", xs(mb), 0, "-ERR Protocol error: too big inline request"},
		{"header without an end", "*1\r\n$", bytes.Repeat([]byte("0"), mb), 0, "-ERR Protocol error"},
		{"a million small arguments, over and over", "", append([]byte("*1000000\r\n"), bytes.Repeat([]byte("$1\r\nx\r\n"), 1_000_000)...), 100 * mb, ""},
		{"command of arguments of 1 KB without an end", "*1048576\r\n", bytes.Repeat(bulk(1000), 1000), queryLimit, ""},
		{"command of arguments of 10 MB without an end", "*1000\r\n$3\r\nSET\r\n", bulk(10 * mb), queryLimit, ""},
		{"transaction without an EXEC", "*1\r\n$5\r\nMULTI\r\n", harness.AppendCommand(nil, "SET", "k", string(xs(mb))), queryLimit, ""},
		{"transaction of small commands without an EXEC", "*1\r\n$5\r\nMULTI\r\n", bytes.Repeat(harness.AppendCommand(nil, "SET", "k", "v"), 10_000), queryLimit, ""},
		{"watches without an end", "", bytes.Repeat(harness.AppendCommand(nil, "WATCH", "{k}"+string(xs(4000))), 100), queryLimit, ""},
		{"errors that nobody reads", "", bytes.Repeat([]byte("NOSUCH\r\n"), 100_000), 2 * mb, ""},
	}
}

// send floods until the node closes or most bytes were taken. It reads beside,
// unless deaf.
func (f flood) send(t *testing.T, addr string, most int64, deaf bool) (sent int64, said string, cut bool) {
	t.Helper()
	c := dial(t, addr)
	var wg sync.WaitGroup
	if !deaf {
		wg.Go(func() {
			b, _ := readToEnd(c, 4<<10)
			said = string(b)
		})
	}
	send := func(b []byte) bool {
		_ = c.SetWriteDeadline(time.Now().Add(patience))
		n, err := c.Write(b)
		sent += int64(n)
		cut = err != nil && closedByPeer(err)
		return err == nil
	}
	for ok := send([]byte(f.first)); ok && sent < most; {
		ok = send(f.again)
	}
	if !cut {
		_ = c.Close() // the reader ends as well
	}
	wg.Wait()
	return sent, said, cut
}

func testFloods(t *testing.T, n *target) {
	most := int64(harness.Number(t, "HOSTILE_BYTES", 1<<30, 128*mb))
	for _, f := range floods() {
		n.scenario(t, f.name, f.held, func(t *testing.T) {
			deaf := strings.Contains(f.name, "nobody reads")
			sent, said, cut := f.send(t, n.Clients, most, deaf)
			t.Logf("cut after %.1f MB: %v; said %.80q", float64(sent)/mb, cut, said)
			// Whole commands may come for ever, if their replies are read.
			if endless := strings.Contains(f.name, "over and over"); !cut && !endless {
				t.Errorf("took %d MB and did not cut", sent/mb)
			}
			if !strings.HasPrefix(said, f.says) && said != "" {
				t.Errorf("said %.80q, want %q", said, f.says)
			}
		})
	}
}

// testManyFloods lets many clients hold as much as each may.
func testManyFloods(t *testing.T, n *target) {
	const many = 8
	n.scenario(t, "eight clients at their limits", many*queryLimit/2, func(t *testing.T) {
		var wg sync.WaitGroup
		for range many {
			wg.Go(func() {
				f := flood{first: "*1048576\r\n", again: append(append([]byte("$1000000\r\n"), bytes.Repeat([]byte("x"), 1_000_000)...), "\r\n"...)}
				f.send(t, n.Clients, queryLimit/2, false)
			})
		}
		wg.Wait()
	})
}
