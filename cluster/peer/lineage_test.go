package peer

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"
)

// A cluster that goes on under another id still lets in those who know only the one before and were taken along, until it takes a third.
func TestSetCluster(t *testing.T) {
	n, dial := victim(t, Limits{})
	n.links.SetPeers([]Peer{{ID: 2, Addr: "127.0.0.1:1", Former: true}})
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
	b.links.SetPeers([]Peer{{ID: 1, Addr: a.links.listener.Addr().String()}})
	a.links.SetPeers([]Peer{{ID: 2, Addr: l.Addr().String(), Former: true}})
	a.await(t, "up", a.has("up 2"))
	b.await(t, "up", b.has("up 1"))
}

// Who was not taken along is refused by the name of what happened, and not dialed under the id of before.
func TestLeftBehind(t *testing.T) {
	for name, peers := range map[string][]Peer{"a stranger": nil, "a member that goes": {{ID: 2, Addr: "127.0.0.1:1"}}} {
		t.Run(name, func(t *testing.T) {
			n, dial := victim(t, Limits{})
			n.links.SetCluster(ClusterID{15: 2})
			n.links.SetPeers(peers)
			_, err := greet(t, dial(), func(h *hello) { h.cluster = ours })
			if refused := (*RefusedError)(nil); !errors.As(err, &refused) || refused.Reason != RefusedLeft {
				t.Errorf("%v", err)
			}
			if got := n.links.Refused()[RefusedLeft]; got != 1 {
				t.Errorf("counted %d times", got)
			}
		})
	}
	told := make(lines, 64)
	a := newNode(t, Options{Self: 1, Listener: listen(t), Cluster: ClusterID{1}, Former: ours, Logger: told.logger()})
	l := listen(t)
	b := newNode(t, Options{Self: 2, Listener: l, Cluster: ours, Logger: told.logger()})
	b.links.SetPeers([]Peer{{ID: 1, Addr: a.links.listener.Addr().String()}})
	a.links.SetPeers([]Peer{{ID: 2, Addr: l.Addr().String()}})
	const what = "left behind when the ring was recovered: empty its data directory"
	told.await(t, `msg="connection refused" reason="`+what, `msg="cannot connect to peer" peer=0000000000000001`, "refused: "+what, `peer=0000000000000002`)
	for _, n := range []*node{a, b} {
		if s := n.links.Stats(); s[0].In || s[0].Out || s[0].Up {
			t.Errorf("node %d: %+v", n.id, s)
		}
	}
}

// lines is what was logged.
type lines chan string

// Write implements io.Writer.
func (l lines) Write(b []byte) (int, error) {
	select {
	case l <- string(b):
	default: // more than anybody waits for
	}
	return len(b), nil
}

func (l lines) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// await waits until all texts were logged.
func (l lines) await(t *testing.T, texts ...string) {
	t.Helper()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	for len(texts) > 0 {
		select {
		case line := <-l:
			texts = slices.DeleteFunc(texts, func(text string) bool { return strings.Contains(line, text) })
		case <-limit.C:
			t.Fatalf("never logged: %q", texts)
		}
	}
}
