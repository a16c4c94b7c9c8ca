package harness

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Ring is a cluster of nodes that were given one list of founders.
type Ring struct{ Nodes []*Node }

// StartRing starts a ring of size nodes and waits until each sees all. The options are those of every node; Dir and Port are
// not looked at.
func StartRing(t testing.TB, size int, o Options) *Ring {
	t.Helper()
	r := &Ring{}
	founders := make([]string, size)
	for i, port := range freePorts(t, size) {
		n := newMember(t, fmt.Sprintf("rondo%d", i+1), port, o)
		founders[i] = n.Gossip
		r.Nodes = append(r.Nodes, n)
	}
	errs := make([]error, size)
	var starting sync.WaitGroup
	for i, n := range r.Nodes {
		n.opts.Flags = append(n.opts.Flags, "--founders", strings.Join(founders, ","))
		starting.Go(func() { errs[i] = n.launch() })
	}
	starting.Wait()
	for i, err := range errs {
		if err != nil {
			t.Fatalf("node %d of %d: %v\n%s", i+1, size, err, r.Nodes[i].LogTail())
		}
	}
	for _, n := range r.Nodes {
		r.AwaitWhole(t, n)
	}
	return r
}

// newMember is a node on ports of its own that is not started yet.
func newMember(t testing.TB, name string, port int, o Options) *Node {
	place := newPlace(t, name)
	n := &Node{t: t, opts: o, Dir: place.dir + "/data", Log: place.log, Gossip: loopback(port + 11000), port: port}
	if n.opts.Binary == "" {
		n.opts.Binary = binary(t)
	}
	n.opts.Flags = append(slices.Clone(o.Flags), "--peer", loopback(port+10000), "--gossip", n.Gossip)
	t.Cleanup(n.end)
	return n
}

// Join starts a node that wants to be a member of the ring and returns at once: the ring has to admit it. It is none of Nodes
// until the caller makes it one.
func (r *Ring) Join(t testing.TB, name string, o Options) *Node {
	t.Helper()
	n := newMember(t, name, freePorts(t, 1)[0], o)
	var at []string
	for _, member := range r.Nodes {
		if member.Running() {
			at = append(at, member.Gossip)
		}
	}
	n.opts.Flags = append(n.opts.Flags, "--join", strings.Join(at, ","))
	if err := n.begin(); err != nil {
		t.Fatal(err)
	}
	return n
}

// AwaitWhole waits until node n sees every node of the ring alive.
func (r *Ring) AwaitWhole(t testing.TB, n *Node) {
	t.Helper()
	err := n.running.await("view of the whole ring", func() bool {
		nodes := ask(n.Clients, "CLUSTER", "NODES")
		return strings.Count(nodes, "master") == len(r.Nodes) && !strings.Contains(nodes, "fail")
	})
	if err != nil {
		t.Fatalf("node at %s: %v\n%s", n.Clients, err, n.LogTail())
	}
}

// freePorts are ports of which no two have a derived port in common.
func freePorts(t testing.TB, count int) (ports []int) {
	t.Helper()
	taken := map[int]bool{}
	for deadline := time.Now().Add(readyWithin); len(ports) < count; {
		if time.Now().After(deadline) {
			t.Fatal(errNoPort)
		}
		port := mustPort(t)
		if slices.ContainsFunc(derivedPorts(), func(d int) bool { return taken[port+d] }) {
			continue
		}
		for _, d := range derivedPorts() {
			taken[port+d] = true
		}
		ports = append(ports, port)
	}
	return ports
}
