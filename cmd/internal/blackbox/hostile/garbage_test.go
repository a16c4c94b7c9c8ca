//go:build blackbox

package hostile

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

func harnessDial(t *testing.T, n *target) *harness.Conn {
	t.Helper()
	c := harness.Dial(t, n.Clients)
	c.Timeout = patience
	return c
}

// corpus is bytes that are no requests, and what the answer begins with.
func corpus() map[string]string {
	const length, count = "-ERR Protocol error: invalid bulk length", "-ERR Protocol error: invalid multibulk length"
	return map[string]string{
		"*1\r\n$9223372036854775807\r\n":  length,
		"*1\r\n$9223372036854775808\r\n":  length,
		"*1\r\n$-9223372036854775808\r\n": length,
		"*1\r\n$-1\r\n":                   length,
		"*1\r\n$\r\n":                     length,
		"*1\r\n$1x\r\n":                   length,
		"*1\r\n$4294967296\r\n":           length,
		"*1\r\n$18446744073709551617\r\n": length,
		"*2147483647\r\n":                 count,
		"*2147483648\r\n":                 count,
		"*4294967297\r\n":                 count,
		"*9223372036854775808\r\n":        count,
		"*1048577\r\n":                    count,
		"*x\r\n":                          count,
		"*\r\n":                           count,
		"*1\r\n:1\r\n":                    "-ERR Protocol error: expected '$', got ':'",
		"*1\r\n\r\n":                      "-ERR Protocol error: expected '$'",
		"*1\r\n\x00\r\n":                  "-ERR Protocol error: expected '$'",
		"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\nabcdef\r\n": "-ERR Protocol error",
		"SET \"a\r\n":                                       "-ERR Protocol error: unbalanced quotes",
		"SET 'a\r\n":                                        "-ERR Protocol error: unbalanced quotes",
		"*-1\r\nPING\r\n":                                   "+PONG",
		"*0\r\nPING\r\n":                                    "+PONG",
		"*-2147483648\r\nPING\r\n":                          "+PONG",
		"\r\n\r\n\n\nPING\r\n":                              "+PONG",
		"   \r\nPING\r\n":                                   "+PONG",
		"*1\r\n$0\r\n\r\n":                                  "-ERR unknown command ''",
		"*1\r\n$2\r\n\xc3\x28\r\n":                          "-ERR unknown command",
		"\xc3\x28 \xff\xfe\r\n":                             "-ERR unknown command",
		"*2\r\n$4\r\nECHO\r\n$2\r\n\xe2\x82\r\n":            "$2\r\n\xe2\x82\r\n",
		"*2\r\n$4\r\nECHO\r\n$5\r\n\x00\r\n\x00\n\r\n":      "$5\r\n\x00\r\n\x00\n\r\n",
		"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n":         "-ERR wrong number of arguments for 'get' command",
		"POST / HTTP/1.1\r\nHost: localhost\r\n\r\nPING":    "-ERR",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n":    "-ERR",
		"$5\r\nhello\r\n":                                   "-ERR unknown command '$5'",
		"+OK\r\n":                                           "-ERR unknown command '+OK'",
		"*1\r\n*1\r\n*1\r\n*1\r\n$4\r\nPING\r\n":            "-ERR Protocol error: expected '$', got '*'",
		"*1\r\n$10\r\nHELLO 3\r\n*\r\n":                     "-ERR unknown command",
		strings.Repeat("*1\r\n", 100_000):                   "-ERR Protocol error: expected '$', got '*'",
		strings.Repeat("\x00", 200_000):                     "-ERR Protocol error: too big inline request",
		"*2\r\n$7\r\nCOMMAND\r\n$4\r\n\x00\x00\x00\x00\r\n": "-ERR",
	}
}

// outcome sends b on a connection of its own, ends the sending side, and
// returns what is said until the node closes.
func outcome(t *testing.T, n *target, b []byte) []byte {
	t.Helper()
	c := dial(t, n.Clients)
	defer func() { _ = c.Close() }()
	done := make(chan []byte, 1)
	go func() {
		said, ok := readToEnd(c, mb)
		if !ok {
			t.Errorf("still open %v after %.80q", patience, b)
		}
		done <- said
	}()
	_ = c.SetWriteDeadline(time.Now().Add(patience))
	if _, err := c.Write(b); err == nil {
		_ = c.CloseWrite() // the reader meets what comes of it
	}
	return <-done
}

func testGarbage(t *testing.T, n *target) {
	n.scenario(t, "what is no request", 4*mb, func(t *testing.T) {
		for bytes, want := range corpus() {
			// A reset may overtake the answer.
			if said := outcome(t, n, []byte(bytes)); len(said) > 0 && !strings.HasPrefix(string(said), want) {
				t.Errorf("%.60q: %.80q, want %q", bytes, said, want)
			}
		}
	})
	rounds := 600
	if testing.Short() {
		rounds = 100
	}
	n.scenario(t, "random bytes", 4*mb, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		for i := range rounds {
			outcome(t, n, randomBytes(rng, i%3))
		}
		t.Logf("%d connections", rounds)
	})
	testLong(t, n)
}

// randomBytes makes noise, noise of the protocol's own letters, or a damaged
// pipeline.
func randomBytes(rng *rand.Rand, kind int) []byte {
	b := make([]byte, 1+rng.IntN(20_000))
	switch kind {
	case 0:
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
	case 1:
		const letters = "*$+-:0123456789\r\n\r\n\r\n \"'xPING"
		for i := range b {
			b[i] = letters[rng.IntN(len(letters))]
		}
	case 2:
		b = b[:0]
		for range 50 {
			b = harness.AppendCommand(b, "SET", fmt.Sprint("noise:", rng.IntN(10)), "value")
		}
		for range 1 + rng.IntN(4) {
			b[rng.IntN(len(b))] ^= byte(1 + rng.IntN(255))
		}
	}
	return b
}

// testLong sends what is right, but more of it than anybody should.
func testLong(t *testing.T, n *target) {
	million := func(name string, count int, arg func(i int) string) []byte {
		args := make([]string, count)
		args[0] = name
		for i := 1; i < count; i++ {
			args[i] = arg(i)
		}
		return harness.AppendCommand(nil, args...)
	}
	same := func(int) string { return "x" }
	tagged := func(i int) string { return fmt.Sprintf("{t}%d", i) }
	for _, c := range []struct {
		name string
		send []byte
		want string
	}{
		{"a million arguments: PING", million("PING", 1_000_000, same), "-ERR wrong number of arguments for 'ping' command"},
		{"a million arguments: NOSUCH", million("NOSUCH", 1_000_000, same), "-ERR unknown command 'NOSUCH'"},
		{"a million arguments: GET", million("GET", 1_000_000, same), "-ERR wrong number of arguments for 'get' command"},
		{"a million arguments: EXISTS of one slot", million("EXISTS", 1_000_000, tagged), ":0\r\n"},
		{"a million arguments: DEL of one slot", million("DEL", 1_000_000, tagged), ":0\r\n"},
		{"a million arguments: EXISTS of all slots", million("EXISTS", 1_000_000, func(i int) string { return fmt.Sprint(i) }), "-CROSSSLOT"},
		{"a hundred thousand pairs: MSET", million("MSET", 200_001, tagged), "+OK\r\n"},
		{"a name of 10 MB", harness.AppendCommand(nil, string(bytes.Repeat([]byte("n"), 10*mb))), "-ERR unknown command 'nnn"},
		{"a key of 10 MB", harness.AppendCommand(nil, "GET", string(bytes.Repeat([]byte("k"), 10*mb))), ""},
	} {
		n.scenario(t, c.name, int64(4*len(c.send))+200*mb, func(t *testing.T) {
			conn := harnessDial(t, n)
			begin := time.Now()
			if err := conn.Send(c.send); err != nil {
				t.Fatal(err)
			}
			got, err := conn.Receive()
			if err != nil || !strings.HasPrefix(string(got), c.want) {
				t.Errorf("%.100q, %v; want %q", got, err, c.want)
			}
			t.Logf("%d bytes sent, answered after %v: %.60q", len(c.send), time.Since(begin).Round(time.Millisecond), got)
			_ = conn.Close()
		})
	}
	n.scenario(t, "a pipeline of 200,000 unknown commands", 64*mb, func(t *testing.T) {
		const many = 200_000
		conn := harnessDial(t, n)
		go func() { _ = conn.Send(bytes.Repeat(harness.AppendCommand(nil, "NOSUCH"), many)) }() // a failure shows in the replies
		for i := range many {
			got, err := conn.Receive()
			if err != nil || !strings.HasPrefix(string(got), "-ERR unknown command") {
				t.Fatalf("reply %d: %q, %v", i, got, err)
			}
		}
		_ = conn.Close()
	})
	testPatterns(t, n)
}

// testPatterns uses globs that take for ever where they are matched by trying.
func testPatterns(t *testing.T, n *target) {
	n.scenario(t, "patterns of many stars", 64*mb, func(t *testing.T) {
		c := harnessDial(t, n)
		for i := range 200 {
			c.Do("SET", fmt.Sprintf("%s%d", strings.Repeat("a", 1000), i), "v")
		}
		pattern := strings.Repeat("a*", 200) + "b"
		begin := time.Now()
		if got := c.Do("KEYS", pattern); got != "*0\r\n" {
			t.Errorf("KEYS: %.80q", got)
		}
		t.Logf("KEYS with 200 stars over 200 keys of 1000 letters: %v", time.Since(begin).Round(time.Millisecond))
		_ = c.Close()
	})
}
