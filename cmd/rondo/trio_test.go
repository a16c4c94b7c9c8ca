package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// trio is a cluster of real processes on free ports, described as rondo dev lays it out.
type trio struct {
	*devCluster
	running []*exec.Cmd
}

// newTrio lays out n nodes and starts none.
func newTrio(t *testing.T, n int, args ...string) *trio {
	t.Helper()
	c, err := layoutDev(t.Context(), devOptions{nodes: n, replicas: 3}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c.moveTo(ownLoopback(t))
	c.commands(os.Args[0], append([]string{"--cache.rows", "1mb", "--cache.blocks", "8mb", "--partition.slots", "1024"}, args...))
	return &trio{devCluster: c, running: make([]*exec.Cmd, n)}
}

// ownLoopback is an address of this machine at which nobody else takes ports: between the moment when a port was found free and the
// one when a node binds it, others would. Connections out take theirs at 127.0.0.1. Where there is no such address it is that.
func ownLoopback(t *testing.T) string {
	t.Helper()
	host := fmt.Sprintf("127.%d.%d.%d", 1+rand.N(254), rand.N(256), 1+rand.N(254))
	ln, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return "127.0.0.1"
	}
	_ = ln.Close() // nothing was accepted
	return host
}

// moveTo lays the nodes out at another address of this machine.
func (c *devCluster) moveTo(host string) {
	for i := range c.Nodes {
		n := &c.Nodes[i]
		for _, at := range []*string{&n.Clients, &n.Forward, &n.Peer, &n.Gossip, &n.Admin} {
			_, port, _ := net.SplitHostPort(*at)
			*at = net.JoinHostPort(host, port)
		}
	}
}

// start starts node i, with further arguments.
func (c *trio) start(t *testing.T, i int, args ...string) {
	t.Helper()
	log, err := os.OpenFile(c.Nodes[i].Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(c.Nodes[i].Command[0], append(c.Nodes[i].Command[1:], args...)...)
	cmd.Env = append(os.Environ(), actAsRondo+"=1")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = log.Close() // the process has its own
	c.running[i] = cmd
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
}

// end waits for the end of node i.
func (c *trio) end(t *testing.T, i int) (code int, log string) {
	t.Helper()
	late := time.AfterFunc(patience, func() { _ = c.running[i].Process.Kill() })
	defer late.Stop()
	_ = c.running[i].Wait() // the state says it
	return c.running[i].ProcessState.ExitCode(), c.log(t, i)
}

func (c *trio) log(t *testing.T, i int) string {
	t.Helper()
	b, err := os.ReadFile(c.Nodes[i].Log)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// eventually tries until f finds nothing to complain of.
func eventually(t *testing.T, f func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for err := f(); err != nil; err = f() {
		select {
		case <-ctx.Done():
			t.Fatal(err)
		case <-tick.C:
		}
	}
}

// ready waits until node i takes clients.
func (c *trio) ready(t *testing.T, i int) {
	t.Helper()
	eventually(t, func() error {
		_, err := askNode(t.Context(), c.Nodes[i].Admin, "/readyz")
		if err != nil {
			return fmt.Errorf("node %d: %w\n%s", i+1, err, c.log(t, i))
		}
		return nil
	})
}

// say is sayAll for the first line of the reply, and of a bulk string the text.
func say(t *testing.T, addr, command string) string {
	t.Helper()
	lines := strings.Split(sayAll(t, addr, command), "\r\n")
	if strings.HasPrefix(lines[0], "$") && len(lines) > 1 && lines[0] != "$-1" {
		return lines[1]
	}
	return lines[0]
}

func (c *trio) ringHash(t *testing.T, i int) string {
	t.Helper()
	b, err := askNode(t.Context(), c.Nodes[i].Admin, "/admin/ring")
	if err != nil {
		t.Fatal(err)
	}
	var p ringPage
	if err := json.Unmarshal(b, &p); err != nil {
		t.Fatal(err)
	}
	return p.Hash
}

// stop has node i stop in order.
func (c *trio) stop(t *testing.T, i int) {
	t.Helper()
	if err := c.running[i].Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code, log := c.end(t, i); code != 0 {
		t.Errorf("node %d ended with %d:\n%s", i+1, code, log)
	}
}

func expect(got, want string) error {
	if !strings.HasPrefix(got, want) {
		return fmt.Errorf("%q; want %q", got, want)
	}
	return nil
}

func listNodes(t *testing.T, admin string) (p nodesPage) {
	t.Helper()
	code, out, errs := command(t, nil, "admin", "node", "list", "--addr", admin, "--json")
	if code != 0 {
		t.Fatal(errs)
	}
	if err := json.Unmarshal([]byte(out), &p); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := command(t, nil, "admin", "node", "list", "--addr", admin); code != 0 || !strings.Contains(out, p.Self) {
		t.Errorf("node list: %s%s", out, errs)
	}
	return p
}

func withoutFlag(args []string, flag string) []string {
	var out []string
	for i := 0; i < len(args); i++ {
		if args[i] == flag {
			i++
			continue
		}
		out = append(out, args[i])
	}
	return out
}
