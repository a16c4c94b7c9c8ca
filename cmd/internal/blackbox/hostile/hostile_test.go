//go:build blackbox

package hostile

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

func TestHostile(t *testing.T) {
	raiseFiles(t)
	n := newTarget(t)
	testIdle(t, n)
	testFloods(t, n)
	testManyFloods(t, n)
	testGarbage(t, n)
	testUnread(t, n)
	testSlow(t, n)
	testConnections(t, n)

	n.witness.end()
	if panics := n.counted(t, "command_panics"); panics != 0 {
		t.Errorf("INFO counts %d panics:\n%s", panics, n.LogTail())
	}
	n.clients -= witnessConns
	n.goroutines -= witnessConns
	n.atRest(t)
	n.leaked(t)
	n.Stop() // exit code 0
}

// raiseFiles lets this process and the node, which inherits it, open as many
// files as the tests want. Who may not raise it gets fewer connections.
func raiseFiles(t *testing.T) {
	t.Helper()
	const want = 40_000
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: want, Max: want}); err != nil {
		t.Logf("limit of open files not raised to %d: %v", want, err)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		t.Fatal(err)
	}
	return int(min(l.Cur, 1<<20))
}

// testIdle opens very many connections that do nothing.
func testIdle(t *testing.T, n *target) {
	many := harness.Number(t, "HOSTILE_CONNECTIONS", 10_000, 1000)
	if room := openFiles(t) - 1500; room < many {
		t.Logf("%d connections instead of %d: the limit of open files allows no more", room, many)
		many = room
	}
	n.scenario(t, fmt.Sprintf("%d idle connections", many), int64(many)*32<<10, func(t *testing.T) {
		before := n.memory(t, "VmRSS")
		conns := openMany(t, n.Clients, many)
		silent := n.memory(t, "VmRSS")
		if got := n.connected(t); got != n.clients+int64(many) {
			t.Errorf("INFO shows %d clients, want %d", got, n.clients+int64(many))
		}
		for i, c := range conns {
			if got := ping(c); got != "+PONG\r\n" {
				t.Fatalf("PING on connection %d: %q", i, got)
			}
		}
		spoken := n.memory(t, "VmRSS")
		t.Logf("memory a connection: %.1f KB that never spoke, %.1f KB after a PING each",
			float64(silent-before)/float64(many)/1024, float64(spoken-before)/float64(many)/1024)
		c := harness.Dial(t, n.Clients)
		if got := c.Do("PING"); got != "+PONG\r\n" {
			t.Errorf("PING beside them: %q", got)
		}
		_ = c.Close()
		for _, c := range conns {
			_ = c.Close()
		}
	})
}

// openMany opens connections, some at a time.
func openMany(t *testing.T, addr string, many int) []net.Conn {
	t.Helper()
	conns := make([]net.Conn, many)
	var next atomic.Int64
	var wg sync.WaitGroup
	var failed atomic.Pointer[error]
	for range 16 {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < many; i = int(next.Add(1)) - 1 {
				c, err := net.DialTimeout("tcp", addr, 20*time.Second)
				if err != nil {
					failed.Store(&err)
					return
				}
				conns[i] = c
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		t.Fatal(*err)
	}
	return conns
}

func ping(c net.Conn) string {
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		return err.Error()
	}
	b := make([]byte, 64)
	got, err := c.Read(b)
	if err != nil {
		return err.Error()
	}
	return string(b[:got])
}

// TestBeforeAuth is about clients that have not said the password.
func TestBeforeAuth(t *testing.T) {
	node := harness.StartRondo(t, harness.Options{Flags: []string{"--requirepass", "secret", "--command-timeout", "3s"}})
	args := func(n, size int) []byte {
		all := []string{"DEL"}
		for len(all) < n {
			all = append(all, strings.Repeat("x", size))
		}
		return harness.AppendCommand(nil, all...)
	}
	for _, c := range []struct {
		name, want string
		send       []byte
		closed     bool
	}{
		{"ten arguments", "-NOAUTH", args(10, 1), false},
		{"eleven arguments", "-ERR Protocol error: unauthenticated multibulk length", args(11, 1), true},
		{"an argument of 16 KB", "-NOAUTH", args(2, 16<<10), false},
		{"an argument of more than 16 KB", "-ERR Protocol error: unauthenticated bulk length", args(2, 16<<10+1), true},
		{"ten arguments of 16 KB", "-NOAUTH", args(10, 16<<10), false},
		{"a million arguments", "-ERR Protocol error: unauthenticated multibulk length", []byte("*1000000\r\n"), true},
		{"INFO", "-NOAUTH", harness.AppendCommand(nil, "INFO"), false},
		{"MULTI", "-NOAUTH", harness.AppendCommand(nil, "MULTI"), false},
		{"MONITOR", "-NOAUTH", harness.AppendCommand(nil, "MONITOR"), false},
		{"a wrong password", "-WRONGPASS", harness.AppendCommand(nil, "AUTH", "guess"), false},
	} {
		conn := harness.Dial(t, node.Clients)
		if err := conn.Send(c.send); err != nil && !c.closed {
			t.Fatal(err)
		}
		got, err := conn.Receive()
		if !strings.HasPrefix(string(got), c.want) && !(c.closed && closedByPeer(err)) {
			t.Errorf("%s: %q, %v; want %q", c.name, got, err, c.want)
		}
		if c.closed {
			if _, err := conn.Receive(); !closedByPeer(err) {
				t.Errorf("%s: still open: %v", c.name, err)
			}
		} else if got := conn.Do("AUTH", "secret"); got != "+OK\r\n" {
			t.Errorf("%s: AUTH afterwards: %q", c.name, got)
		}
		_ = conn.Close()
	}
	guess := harness.Dial(t, node.Clients)
	for i := range 2000 {
		if got := guess.Do("AUTH", fmt.Sprint("guess", i)); !strings.HasPrefix(got, "-WRONGPASS") {
			t.Fatalf("AUTH with a wrong password: %q", got)
		}
	}
	for _, f := range floods()[:4] {
		sent, said, cut := f.send(t, node.Clients, 64*mb, false)
		if !cut {
			t.Errorf("before AUTH, %s: took %d MB and did not cut (said %.80q)", f.name, sent/mb, said)
		}
	}
}
