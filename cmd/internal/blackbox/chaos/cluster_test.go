//go:build blackbox

package chaos

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

const (
	readyWithin = 60 * time.Second
	stopWithin  = 30 * time.Second
)

// node is one server of a cluster.
type node struct {
	number int // as the report names it, from 1

	listen, forward, peer, admin string // addresses
	id                           string // as metrics name it

	dir, log string
	argv     []string // after the program
	wrapper  []string // before it
	env      []string // of the next start, beside the usual

	cmd  *exec.Cmd
	done chan struct{} // closed when the process was reaped

	// unable counts up whenever the node is made unable to answer and whenever
	// that ends: odd means unable.
	unable atomic.Int64
}

// cluster is a ring of servers, each on a host of its own if there are such.
type cluster struct {
	t     *testing.T
	net   *network
	nodes []*node
}

func startCluster(t *testing.T, size int) *cluster {
	return startClusterOf(t, size, func(int) []string { return nil })
}

// startClusterOf has further flags for each node.
func startClusterOf(t *testing.T, size int, flags func(i int) []string) *cluster {
	dir, err := os.MkdirTemp("", "blackbox-chaos-")
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{t: t, net: newNetwork(t, size)}
	t.Cleanup(func() { c.end(dir) })
	var ports []int
	var founders []string
	for i := range size {
		port, err := harness.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, port)
		founders = append(founders, c.addr(i, port+11000))
	}
	for i, port := range ports {
		n := &node{
			number: i + 1, listen: c.addr(i, port), forward: c.addr(i, port+1000), peer: c.addr(i, port+10000), admin: c.addr(i, port+12000),
			dir: filepath.Join(dir, fmt.Sprintf("node%d", i+1)), log: filepath.Join(dir, fmt.Sprintf("node%d.log", i+1)), wrapper: c.net.wrapper(i),
		}
		n.argv = []string{
			"server", "--dir", n.dir, "--listen", n.listen, "--forward", n.forward, "--peer", n.peer, "--gossip", founders[i], "--admin", n.admin,
			"--cluster.name", "chaos", "--founders", strings.Join(founders, ","), "--memory.limit", "256mb", "--cache.rows", "16mb", "--cache.blocks", "16mb",
			"--disk.reserve", reserve, "--protected-mode=no", "--insecure",
		}
		n.argv = append(n.argv, flags(i)...)
		c.net.disk(n.dir)
		c.nodes = append(c.nodes, n)
		c.start(n)
	}
	for _, n := range c.nodes {
		c.await(n, "SET chaos:ready 1", readyWithin)
		n.id = c.identity(n)
	}
	return c
}

func (c *cluster) addr(i, port int) string {
	return net.JoinHostPort(c.net.hosts[i], strconv.Itoa(port))
}

func (c *cluster) start(n *node) {
	log, err := os.OpenFile(n.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = log.Close() }() // the child has its own descriptor
	program := os.Getenv("RONDO_BIN")
	if n.env != nil {
		program = os.Getenv(offsetBinary)
	}
	argv := slices.Concat(n.wrapper, []string{program}, n.argv)
	n.cmd, n.done = exec.Command(argv[0], argv[1:]...), make(chan struct{})
	n.cmd.Stdout, n.cmd.Stderr = log, log
	n.cmd.Env = slices.DeleteFunc(os.Environ(), func(kv string) bool { return strings.HasPrefix(kv, "RONDO_") })
	n.cmd.Env = append(n.cmd.Env, n.env...)
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := n.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	cmd, done := n.cmd, n.done
	go func() {
		_ = cmd.Wait() // how it ended is asked of its ProcessState
		close(done)
	}()
}

// await repeats a command at a node until it succeeds.
func (c *cluster) await(n *node, command string, within time.Duration) time.Duration {
	c.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	began := time.Now()
	var reply []byte
	for time.Since(began) < within {
		k := newClient(n)
		var o Outcome
		reply, o = k.do(AnswerWithin, strings.Fields(command)...)
		_ = k.Close() // it was for one command
		if o == OK {
			return time.Since(began)
		}
		select {
		case <-n.done:
			c.t.Fatalf("node %d ended:\n%s", n.number, tail(n.log))
		case <-tick.C:
		}
	}
	c.t.Fatalf("node %d: no success of %s within %v, but %q", n.number, command, within, reply)
	return 0
}

// identity is a node's id: the first half of the one that clients are told.
func (c *cluster) identity(n *node) string {
	c.t.Helper()
	k := client{node: n, addr: n.listen}
	defer func() { _ = k.Close() }() // it was for one command
	reply, end := k.do(AnswerWithin, "CLUSTER", "MYID")
	_, id, _ := strings.Cut(string(reply), "\r\n")
	if end != OK || len(id) < 16 {
		c.t.Fatalf("node %d: CLUSTER MYID: %s %q", n.number, end, reply)
	}
	return id[:16]
}

// kill ends a node's process at once.
func (c *cluster) kill(n *node) {
	_ = n.cmd.Process.Kill() // fails only for a process that is gone
	<-n.done
}

// stop asks a node to end.
func (c *cluster) stop(n *node) {
	c.signal(n, syscall.SIGTERM)
	select {
	case <-n.done:
		if !n.cmd.ProcessState.Success() {
			c.t.Errorf("node %d after SIGTERM: %v\n%s", n.number, n.cmd.ProcessState, tail(n.log))
		}
	case <-time.After(stopWithin):
		c.t.Errorf("node %d runs %v after SIGTERM", n.number, stopWithin)
		c.kill(n)
	}
}

func (c *cluster) signal(n *node, s syscall.Signal) {
	if err := n.cmd.Process.Signal(s); err != nil {
		c.t.Errorf("node %d: %v: %v", n.number, s, err)
	}
}

func (c *cluster) end(dir string) {
	for _, n := range c.nodes {
		if n.cmd == nil || n.done == nil {
			continue
		}
		c.kill(n)
		if c.t.Failed() {
			c.t.Logf("node %d ended its log with:\n%s", n.number, tail(n.log))
		}
	}
	if c.t.Failed() {
		c.t.Logf("kept %s", dir)
		return
	}
	if err := os.RemoveAll(dir); err != nil {
		c.t.Logf("left behind: %v", err)
	}
}

func tail(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-20):], []byte("\n")))
}
