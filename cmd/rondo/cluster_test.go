package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestThreeNodes(t *testing.T) {
	c := newTrio(t, 3)
	c.start(t, 0)
	checkForming(t, c)
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
	killOne(t, c)
	if c.ringHash(t, 2) != hash {
		t.Error("another ring after the restart")
	}

	code, out, _ := command(t, nil, "admin", "ring", "status", "--addr", c.Nodes[1].Admin)
	if code != 0 || !strings.Contains(out, "3 nodes, 3 alive") || !strings.Contains(out, "16 partitions of 1024 slots: 16 with all copies") {
		t.Errorf("ring status: %d\n%s", code, out)
	}
	for i := range c.Nodes {
		c.stop(t, i)
	}
	// Alone it serves what one copy is enough for: the ring is on its disk.
	c.start(t, 2)
	c.ready(t, 2)
	eventually(t, func() error { return expect(say(t, c.Nodes[2].Forward, "AT ONE GET hello"), "again") })
	if got := say(t, c.Nodes[2].Forward, "GET hello"); !strings.HasPrefix(got, "-UNAVAILABLE need 2 of 3 home replicas, 1 reachable") {
		t.Errorf("QUORUM alone: %s", got)
	}
}

// checkForming sees that until the others are there clients learn why they wait, and health is told apart from readiness.
func checkForming(t *testing.T, c *trio) {
	t.Helper()
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
}

// killOne kills the third node, writes without it, and starts it again with neither the list nor the others in sight.
func killOne(t *testing.T, c *trio) {
	t.Helper()
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

	c.Nodes[2].Command = withoutFlag(c.Nodes[2].Command, "--founders")
	c.start(t, 2)
	c.ready(t, 2)
	for k := range 40 {
		eventually(t, func() error { return expect(say(t, c.Nodes[2].Forward, fmt.Sprintf("GET key%d", k)), fmt.Sprint(k)) })
	}
	eventually(t, func() error { return expect(say(t, c.Nodes[2].Forward, "AT ALL SET hello again"), "+OK") })
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
	c.stop(t, 2)
	c.start(t, 2, "--founders", c.Nodes[0].Gossip+","+c.Nodes[2].Gossip)
	if code, log := c.end(t, 2); code != 1 || !strings.Contains(log, "another list of --founders") {
		t.Errorf("exit status %d:\n%s", code, log)
	}
}

// A node that comes back at another address is found there, and a directory that is served twice is given up by the newcomer.
func TestMovedAndCopied(t *testing.T) {
	c := newTrio(t, 2)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("node 1:\n%s\nnode 2, and its copy:\n%s", c.log(t, 0), c.log(t, 1))
		}
	})
	for i := range c.Nodes {
		c.start(t, i)
	}
	for i := range c.Nodes {
		c.ready(t, i)
	}
	c.stop(t, 1)
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
		c.stop(t, i)
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
