package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
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
	c.commands(os.Args[0], append([]string{"--cache.rows", "1mb", "--cache.blocks", "8mb", "--partition.slots", "1024"}, args...))
	return &trio{devCluster: c, running: make([]*exec.Cmd, n)}
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

func TestThreeNodes(t *testing.T) {
	c := newTrio(t, 3)
	c.start(t, 0)
	// Until the others are there clients learn why they wait, and health is told apart from readiness.
	eventually(t, func() error {
		for addr, want := range map[string]string{
			c.Nodes[0].Clients: "-CLUSTERDOWN The cluster is forming: waiting for ",
			c.Nodes[0].Forward: "-LOADING The cluster is forming: waiting for ",
		} {
			if got := say(t, addr, "GET x"); !strings.HasPrefix(got, want) || !strings.Contains(got, c.Nodes[2].Gossip) {
				return fmt.Errorf("%s", got)
			}
		}
		res, err := http.Get("http://" + c.Nodes[0].Admin + "/readyz")
		if err != nil {
			return err
		}
		defer func() { _ = res.Body.Close() }()
		if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusServiceUnavailable || !bytes.Contains(body, []byte("waiting for")) {
			return fmt.Errorf("readyz: %s %s", res.Status, body)
		}
		_, err = askNode(t.Context(), c.Nodes[0].Admin, "/healthz")
		return err
	})
	c.start(t, 1)
	c.start(t, 2)
	for i := range c.Nodes {
		c.ready(t, i)
	}
	hash := c.ringHash(t, 0)
	if hash == "" || c.ringHash(t, 1) != hash || c.ringHash(t, 2) != hash {
		t.Fatal("three nodes, several rings")
	}
	eventually(t, func() error { return expect(say(t, c.Nodes[0].Forward, "SET hello world"), "+OK") })
	eventually(t, func() error { return expect(say(t, c.Nodes[2].Forward, "GET hello"), "world") })

	if err := c.running[2].Process.Kill(); err != nil {
		t.Fatal(err)
	}
	c.end(t, 2)
	eventually(t, func() error { return expect(say(t, c.Nodes[0].Forward, "AT ALL SET hello never"), "-UNAVAILABLE") })
	for k := range 40 {
		eventually(t, func() error { return expect(say(t, c.Nodes[k%2].Forward, fmt.Sprintf("SET key%d %d", k, k)), "+OK") })
	}
	checkKeyInfo(t, c)
	list := listNodes(t, c.Nodes[0].Admin)
	if down := list.Nodes; len(down) != 3 {
		t.Errorf("%d nodes are listed", len(down))
	}

	// It comes back with its ring and needs neither the list nor the others for that.
	c.Nodes[2].Command = withoutFlag(c.Nodes[2].Command, "--founders")
	c.start(t, 2)
	c.ready(t, 2)
	if c.ringHash(t, 2) != hash {
		t.Error("another ring after the restart")
	}
	for k := range 40 {
		eventually(t, func() error { return expect(say(t, c.Nodes[2].Forward, fmt.Sprintf("GET key%d", k)), fmt.Sprint(k)) })
	}
	eventually(t, func() error { return expect(say(t, c.Nodes[2].Forward, "AT ALL SET hello again"), "+OK") })

	code, out, _ := command(t, nil, "admin", "ring", "status", "--addr", c.Nodes[1].Admin)
	if code != 0 || !strings.Contains(out, "3 nodes, 3 alive") || !strings.Contains(out, "16 partitions of 1024 slots: 16 with all copies") {
		t.Errorf("ring status: %d\n%s", code, out)
	}
	for i, cmd := range c.running {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if code, log := c.end(t, i); code != 0 {
			t.Errorf("node %d ended with %d:\n%s", i+1, code, log)
		}
	}
	// Alone it serves what one copy is enough for: the ring is on its disk.
	c.start(t, 2)
	c.ready(t, 2)
	eventually(t, func() error { return expect(say(t, c.Nodes[2].Forward, "AT ONE GET hello"), "again") })
	if got := say(t, c.Nodes[2].Forward, "GET hello"); !strings.HasPrefix(got, "-UNAVAILABLE need 2 of 3 home replicas, 1 reachable") {
		t.Errorf("QUORUM alone: %s", got)
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

// A node with other settings is refused by name, there and here; the others form the ring when it has been mended.
func TestFounderIsRefused(t *testing.T) {
	c := newTrio(t, 3)
	c.start(t, 0)
	c.start(t, 1)
	c.start(t, 2, "--replicas", "2")
	code, log := c.end(t, 2)
	if code != 1 || !strings.Contains(log, "has --replicas 3, here 2") || !strings.Contains(log, "rondo: the founders do not agree") {
		t.Errorf("exit status %d:\n%s", code, log)
	}
	eventually(t, func() error {
		for i := range 2 {
			if log := c.log(t, i); !strings.Contains(log, c.Nodes[2].Gossip+" has --replicas 2, here 3") {
				return fmt.Errorf("node %d does not name it:\n%s", i+1, log)
			}
		}
		return nil
	})
	// The directory was made for the same list, so it may be used.
	c.start(t, 2)
	for i := range c.Nodes {
		c.ready(t, i)
	}
	eventually(t, func() error { return expect(say(t, c.Nodes[2].Forward, "SET a b"), "+OK") })

	// What a directory holds is not given up for a flag.
	if err := c.running[2].Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	c.end(t, 2)
	c.start(t, 2, "--founders", c.Nodes[0].Gossip+","+c.Nodes[2].Gossip)
	if code, log := c.end(t, 2); code != 1 || !strings.Contains(log, "another list of --founders") {
		t.Errorf("exit status %d:\n%s", code, log)
	}
}

// A node that comes back at another address is found there, and a directory that is served twice is given up by the newcomer.
func TestMovedAndCopied(t *testing.T) {
	c := newTrio(t, 2)
	for i := range c.Nodes {
		c.start(t, i)
	}
	for i := range c.Nodes {
		c.ready(t, i)
	}
	if err := c.running[1].Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	c.end(t, 1)
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(c.Nodes[1].Dir)); err != nil {
		t.Fatal(err)
	}
	other := newTrio(t, 2)
	at := func(i int) []string {
		n := other.Nodes[i]
		return []string{"--listen", n.Clients, "--forward", n.Forward, "--peer", n.Peer, "--gossip", n.Gossip, "--admin", n.Admin}
	}
	c.start(t, 1, at(0)...)
	eventually(t, func() error { return expect(say(t, c.Nodes[0].Forward, "AT ALL SET a b"), "+OK") })
	moved := c.running[1]
	c.start(t, 1, append(at(1), "--dir", copied)...)
	if code, log := c.end(t, 1); code != 1 || !strings.Contains(log, "was a data directory copied?") {
		t.Errorf("exit status %d:\n%s", code, log)
	}
	eventually(t, func() error { return expect(say(t, c.Nodes[0].Forward, "AT ALL SET a b"), "+OK") })
	// The new address is on the other's disk: they meet there when the other moves, too, and neither is where the list says.
	eventually(t, func() error {
		b, err := askNode(t.Context(), c.Nodes[0].Admin, "/admin/ring")
		if err == nil && !bytes.Contains(b, []byte(other.Nodes[0].Clients)) {
			err = fmt.Errorf("the new address is not stored: %s", b)
		}
		return err
	})
	c.running[1] = moved
	for i := range c.Nodes {
		if err := c.running[i].Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if code, log := c.end(t, i); code != 0 {
			t.Errorf("exit status %d:\n%s", code, log)
		}
	}
	c.start(t, 1, at(0)...)
	c.start(t, 0, at(1)...)
	eventually(t, func() error { return expect(say(t, other.Nodes[1].Forward, "AT ALL SET a c"), "+OK") })
}

func TestFounderSettings(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "alone")
	alone := startChild(t, dir)
	alone.signal(t, syscall.SIGTERM)
	alone.wait(t)
	layout := newTrio(t, 1).Nodes[0]
	for name, tc := range map[string]struct{ args, wants []string }{
		"not on the list":         {[]string{"--founders", "10.9.8.7:1,10.9.8.6:1"}, []string{"not among --founders", "10.9.8.6:1"}},
		"a directory of its own":  {[]string{"--dir", dir}, []string{dir, "was made for a node that was alone"}},
		"off loopback":            {[]string{"--peer", "0.0.0.0:0"}, []string{"setting gossip-key", "setting peer-tls", "--insecure"}},
		"no certificates":         {[]string{"--peer-tls", dir}, []string{"setting peer-tls", "node.crt"}},
		"a level that is unknown": {[]string{"--consistency.read", "MOST"}, []string{"setting consistency.read"}},
	} {
		args := append([]string{}, layout.Command[1:]...)
		if name != "a directory of its own" {
			args = append(args, "--dir", t.TempDir())
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		var errs bytes.Buffer
		code := run(ctx, append(args, tc.args...), process{out: io.Discard, err: &errs})
		cancel()
		if code != 1 {
			t.Errorf("%s: exit status %d: %s", name, code, &errs)
		}
		for _, want := range tc.wants {
			if !strings.Contains(errs.String(), want) {
				t.Errorf("%s: does not say %q: %s", name, want, &errs)
			}
		}
	}
}

// rondo dev with scripts in mind: one line of JSON, all stopped at the end, and the same cluster again from its directory.
func TestDev(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dev")
	var first devCluster
	for round := range 2 {
		cmd := exec.Command(os.Args[0], "dev", "--nodes", "3", "--replicas", "2", "--dir", dir, "--port", "0", "--json", "--arg=--partition.slots=1024")
		cmd.Env = append(os.Environ(), actAsRondo+"=1")
		var errs bytes.Buffer
		cmd.Stderr = &errs
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var c devCluster
		if err := json.NewDecoder(stdout).Decode(&c); err != nil {
			t.Fatalf("%v: %s", err, &errs)
		}
		if len(c.Nodes) != 3 || c.Replicas != 2 {
			t.Fatalf("%+v", c)
		}
		if round == 0 {
			first = c
			eventually(t, func() error { return expect(say(t, c.Nodes[0].Forward, "SET hello world"), "+OK") })
		} else if c.Nodes[2].Clients != first.Nodes[2].Clients {
			t.Errorf("other addresses: %+v, %+v", first, c)
		}
		eventually(t, func() error { return expect(say(t, c.Nodes[2].Forward, "GET hello"), "world") })
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Fatalf("%v: %s", err, &errs)
		}
		for _, n := range c.Nodes {
			if conn, err := net.Dial("tcp", n.Clients); err == nil {
				_ = conn.Close()
				t.Errorf("node %d is still there", n.Number)
			}
		}
	}
	// Killed, it takes its nodes along, where the kernel can see to that.
	if runtime.GOOS == "linux" {
		cmd := exec.Command(os.Args[0], "dev", "--dir", dir, "--json", "--arg=--partition.slots=1024")
		cmd.Env = append(os.Environ(), actAsRondo+"=1")
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var c devCluster
		if err := json.NewDecoder(stdout).Decode(&c); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		eventually(t, func() error {
			for _, n := range c.Nodes {
				if conn, err := net.Dial("tcp", n.Clients); err == nil {
					_ = conn.Close()
					return fmt.Errorf("node %d is still there", n.Number)
				}
			}
			return nil
		})
	}
	code, _, errs := command(t, nil, "dev", "--nodes", "4", "--dir", dir)
	if code != 1 || !strings.Contains(errs, "holds a cluster of 3 nodes, not 4") {
		t.Errorf("exit status %d: %s", code, errs)
	}
}
