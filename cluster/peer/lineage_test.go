package peer

import (
	"errors"
	"testing"
)

// A cluster that goes on under another id still lets in who knows only the one before, until it takes a third.
func TestSetCluster(t *testing.T) {
	n, dial := victim(t, Limits{})
	old, next, last := ours, ClusterID{15: 2}, ClusterID{15: 3}
	for _, c := range []struct {
		set, hello ClusterID
		in         bool
	}{
		{old, next, false}, {next, next, true}, {next, old, true}, {last, next, true}, {last, old, false},
	} {
		n.links.SetCluster(c.set)
		_, err := greet(t, dial(), func(h *hello) { h.cluster = c.hello })
		if refused := (*RefusedError)(nil); c.in != (err == nil) || err != nil && (!errors.As(err, &refused) || refused.Reason != RefusedCluster) {
			t.Errorf("in %x, hello for %x: %v", c.set, c.hello, err)
		}
	}
}

// Who dials, and is refused because the other has not heard of the new id yet, tries the one of before.
func TestDialsForTheClusterOfBefore(t *testing.T) {
	a := newNode(t, Options{Self: 1, Listener: listen(t), Cluster: ClusterID{1}, Former: ours})
	l := listen(t)
	b := newNode(t, Options{Self: 2, Listener: l, Cluster: ours})
	b.links.SetPeers([]Peer{{1, a.links.listener.Addr().String()}})
	a.links.SetPeers([]Peer{{2, l.Addr().String()}})
	a.await(t, "up", a.has("up 2"))
	b.await(t, "up", b.has("up 1"))
}
