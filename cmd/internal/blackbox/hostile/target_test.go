//go:build blackbox

package hostile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

const mb = 1 << 20

// Limits of the node under test, low so that they are met soon.
const (
	commandTimeout = 2 * time.Second
	writeTimeout   = 2 * time.Second
	queryLimit     = 64 * mb
	outputLimit    = 32 * mb
	bulkLimit      = 16 * mb
	patience       = 60 * time.Second // until a cut that must come
)

// roomFor is how much the process may grow in a scenario in which the limits
// allow held bytes: a buffer that grows is copied, and what is garbage waits
// for the collector.
func roomFor(held int64) int64 { return 4*held + 128*mb }

// target is the node under test, and what it was like at rest.
type target struct {
	*harness.Node
	witness    *witness
	pid        int
	clients    int64 // connected_clients at rest
	goroutines int64
}

func newTarget(t *testing.T, flags ...string) *target {
	t.Helper()
	flags = append([]string{
		"--cache.rows", "32mb", "--cache.blocks", "32mb",
		"--command-timeout", commandTimeout.String(), "--write-timeout", writeTimeout.String(),
		"--client-query-buffer-limit", strconv.Itoa(queryLimit), "--proto-max-bulk-len", strconv.Itoa(bulkLimit),
		"--client-output-buffer-limit", strconv.Itoa(outputLimit), "--maxclients", "30000",
	}, flags...)
	n := &target{Node: harness.StartRondo(t, harness.Options{Flags: flags})}
	n.pid = n.PID()
	n.witness = newWitness(t, n.Clients)
	poll(t, "first commands of the witness", func() bool {
		n.witness.mu.Lock()
		defer n.witness.mu.Unlock()
		return n.witness.count > 20
	})
	n.clients = n.connected(t)
	n.goroutines = n.countGoroutines(t)
	n.witness.report(t)
	return n
}

// scenario runs f, in which the limits let the node hold so many bytes for the
// misbehaving clients, and looks at what it did to others and to the process.
func (n *target) scenario(t *testing.T, name string, held int64, f func(t *testing.T)) {
	t.Run(name, func(t *testing.T) {
		before := n.resetPeak(t)
		begin := time.Now()
		f(t)
		if !n.Running() || n.PID() != n.pid {
			t.Fatalf("the node is gone:\n%s", n.LogTail())
		}
		peak := n.memory(t, "VmHWM")
		t.Logf("%s: %.1f s; memory %d MB, peak %d MB; %s", name, time.Since(begin).Seconds(), before/mb, peak/mb, n.witness.report(t))
		if grown := peak - before; grown > roomFor(held) {
			t.Errorf("the process grew by %d MB, %d MB is what the limits explain", grown/mb, roomFor(held)/mb)
		}
		n.atRest(t)
	})
}

// atRest waits until the connections of a scenario are gone.
func (n *target) atRest(t *testing.T) {
	t.Helper()
	var last int64
	if !tryPoll(20*time.Second, func() bool { last = n.connected(t); return last <= n.clients }) {
		t.Errorf("%d clients are connected, %d were before", last, n.clients)
	}
}

// leaked waits until there are about as many goroutines as at the beginning.
func (n *target) leaked(t *testing.T) {
	t.Helper()
	const slack = 8 // compactions and timers come and go
	var last int64
	if !tryPoll(20*time.Second, func() bool { last = n.countGoroutines(t); return last <= n.goroutines+slack }) {
		t.Errorf("%d goroutines, %d at the beginning", last, n.goroutines)
	}
	t.Logf("goroutines: %d at the beginning, %d now; pid %d as at the beginning", n.goroutines, last, n.PID())
}

func (n *target) connected(t *testing.T) int64 {
	t.Helper()
	c := harness.Dial(t, n.Clients)
	defer func() { _ = c.Close() }()
	return infoNumber(t, c, "connected_clients") - 1 // but for this one
}

func infoNumber(t *testing.T, c *harness.Conn, field string) int64 {
	t.Helper()
	for line := range strings.Lines(c.Do("INFO", "everything")) {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("INFO has no field %s", field)
	return 0
}

// countGoroutines asks the admin server.
func (n *target) countGoroutines(t *testing.T) int64 {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	resp, err := client.Get("http://" + n.Admin + "/debug/pprof/goroutine?debug=1")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var count int64
	if _, err := fmt.Sscanf(string(text), "goroutine profile: total %d", &count); err != nil {
		t.Fatalf("no count in %.80q: %v", text, err)
	}
	return count
}

// memory reads a figure of the process's status, in bytes.
func (n *target) memory(t *testing.T, field string) int64 {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(n.pid), "status"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := bytes.Cut(text, []byte(field+":"))
	var kb int64
	if _, err := fmt.Sscanf(string(rest), "%d kB", &kb); err != nil || !ok {
		t.Fatalf("no %s in /proc/%d/status: %v", field, n.pid, err)
	}
	return kb << 10
}

// resetPeak makes the high-water mark begin anew, and returns the memory now.
func (n *target) resetPeak(t *testing.T) int64 {
	t.Helper()
	if err := os.WriteFile(filepath.Join("/proc", strconv.Itoa(n.pid), "clear_refs"), []byte("5"), 0); err != nil {
		t.Logf("the peak is that of the whole run: %v", err)
	}
	return n.memory(t, "VmRSS")
}

// closedByPeer says whether a connection ended because the server closed it.
func closedByPeer(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// dial opens a connection and closes it with the test.
func dial(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		t.Fatalf("%T is no TCP connection", c)
	}
	return tcp
}

// readToEnd reads what the server still says, at most most bytes of it, until
// it closes. ok is false when it does not close in time.
func readToEnd(c net.Conn, most int) (said []byte, ok bool) {
	_ = c.SetReadDeadline(time.Now().Add(patience))
	b := make([]byte, 64<<10)
	for {
		n, err := c.Read(b)
		if len(said) < most {
			said = append(said, b[:min(n, most-len(said))]...)
		}
		if err != nil {
			return said, closedByPeer(err)
		}
	}
}

func poll(t *testing.T, what string, done func() bool) {
	t.Helper()
	if !tryPoll(20*time.Second, done) {
		t.Fatalf("no %s within 20 s", what)
	}
}

func tryPoll(within time.Duration, done func() bool) bool {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.After(within)
	for !done() {
		select {
		case <-tick.C:
		case <-end:
			return false
		}
	}
	return true
}
