//go:build blackbox

package chaos

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"syscall"
	"time"
)

// slowed puts a relay into every connection between a node and the others, in both directions.
func slowed(s *scene) string {
	n := s.victim()
	slow := Slowness{Delay: s.between(30*time.Millisecond, 120*time.Millisecond), Rate: 256 << 10}
	d := s.between(3*time.Second, 12*time.Second)
	var others []*node
	for _, other := range s.nodes {
		if other != n {
			others = append(others, other)
		}
	}
	ends := []func(){s.net.slow(others, n, slow)}
	for _, other := range others {
		ends = append(ends, s.net.slow([]*node{n}, other, slow))
	}
	pass(d)
	for _, end := range ends {
		end()
	}
	return fmt.Sprintf("links of node %d delayed by %v each way, %d KiB/s, for %v", n.number, slow.Delay.Round(time.Millisecond), slow.Rate>>10, d.Round(time.Millisecond))
}

// slow has what some nodes send to another's peer port come to a relay in the
// router's namespace, which takes the packets for its own: no node needs to know.
// Connections that were there break and are made anew. The returned function takes
// the relay away again.
func (n *network) slow(from []*node, to *node, slow Slowness) func() {
	host, port, err := net.SplitHostPort(to.peer)
	if err != nil {
		n.t.Fatal(err)
	}
	ln, err := (&net.ListenConfig{Control: transparent}).Listen(context.Background(), "tcp", to.peer)
	if err != nil {
		n.t.Fatalf("listen for %s: %v", to.peer, err)
	}
	relay := NewRelay(ln, to.peer, slow)
	table := strconv.Itoa(200 + to.number)
	local := []string{"local", host, "dev", "lo", "table", table}
	var rules [][]string
	for _, f := range from {
		rules = append(rules, []string{"pref", cutPreference, "from", n.hosts[f.number-1], "to", host, "ipproto", "tcp", "dport", port, "lookup", table})
	}
	n.ip(append([]string{"route", "add"}, local...)...)
	for _, r := range rules {
		n.ip(append([]string{"rule", "add"}, r...)...)
	}
	return func() {
		for _, r := range rules {
			n.ip(append([]string{"rule", "del"}, r...)...)
		}
		if err := relay.Close(); err != nil {
			n.t.Errorf("relay for %s: %v", to.peer, err)
		}
		n.ip(append([]string{"route", "del"}, local...)...)
	}
}

// transparent lets a socket listen at, and answer from, an address that is another's.
func transparent(_, _ string, c syscall.RawConn) error {
	var err error
	if e := c.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_IP, syscall.IP_TRANSPARENT, 1) }); e != nil {
		return e
	}
	return err
}
