package server

import (
	"testing"
	"time"

	"github.com/rondokv/rondo/resp"
	"github.com/rondokv/rondo/server/command"
)

// A story is what one connection sends, and which of it is answered with MOVED.
func TestNudge(t *testing.T) {
	const s, ms = int64(1e9), int64(1e6)
	type ask struct {
		version        uint64
		at             int64
		primary, alone bool
		want           bool
	}
	for name, story := range map[string][]ask{
		"a stray that stands alone is served": {{1, 0, false, true, false}, {1, 2*s - ms, false, true, false}},
		"strays that go on are told":          {{1, 0, false, true, false}, {1, 2 * s, false, true, true}},
		"and told again, for some clients fetch a map after ten": {
			{1, 0, false, true, false}, {1, 3 * s, false, true, true}, {1, 5*s - ms, false, true, false}, {1, 5 * s, false, true, true}, {1, 6 * s, false, true, false}, {1, 99 * s, false, true, true},
		},
		"a new version begins anew": {
			{1, 0, false, true, false}, {1, 2 * s, false, true, true}, {2, 3 * s, false, true, false}, {2, 5 * s, false, true, true},
		},
		"the primary never nudges at the version of the beginning": {
			{1, 0, true, true, false}, {1, 100 * s, true, true, false},
		},
		"the primary nudges at once when the version is another, and once": {
			{1, 0, true, true, false}, {2, s, true, true, true}, {2, 99 * s, true, true, false},
		},
		"not where a stray was told": {
			{2, 0, false, true, false}, {2, 2 * s, false, true, true}, {2, 99 * s, true, true, false},
		},
		"a stray soon after the primary's nudge is served": {
			{2, 0, true, true, true}, {2, ms, false, true, false}, {2, 2 * s, false, true, false}, {2, 2*s + ms, false, true, true},
		},
		"strays in a pipeline are spared for five seconds": {
			{2, 0, false, false, false}, {2, 5*s - ms, false, false, false}, {2, 5 * s, false, false, true}, {2, 10*s - ms, false, false, false}, {2, 10 * s, false, false, true},
		},
		"so are the primary's keys": {
			{2, 0, true, false, false}, {2, 5*s - ms, true, false, false}, {2, 5 * s, true, false, true},
		},
		"the five seconds begin anew with a version": {
			{2, 0, true, false, false}, {3, 4 * s, true, false, false}, {3, 6 * s, true, false, false}, {3, 9 * s, true, false, true},
		},
		"a command that comes alone is told although pipelines came before": {
			{2, 0, true, false, false}, {2, ms, true, true, true}, {3, s, false, false, false}, {3, 3 * s, false, true, true},
		},
		"time without keyed commands does not count": {
			{1, 0, true, false, false}, {2, 100 * s, true, false, false}, {2, 105 * s, true, false, true},
		},
	} {
		n := nudge{opened: 1}
		for i, a := range story {
			if got := n.take(a.version, a.at, a.primary, a.alone); got != a.want {
				t.Errorf("%s: step %d: %v", name, i, got)
			}
		}
	}
}

// A client that fetched the map has been told.
func TestNudgeAfterFetch(t *testing.T) {
	n := nudge{opened: 1}
	n.fetched(2, 0)
	if n.take(2, 99e9, true, true) {
		t.Error("the primary nudges a client that asked for the map")
	}
	if n.take(2, 1e9, false, true) || n.take(2, 2.9e9, false, true) {
		t.Error("a stray is nudged right after the client asked for the map")
	}
	if !n.take(2, 3e9, false, true) {
		t.Error("a client that goes on with an old map is not told")
	}
	if !n.take(3, 100e9, true, true) {
		t.Error("having fetched counts for a later version")
	}
}

func TestNudgedConnections(t *testing.T) {
	r := newRingRig(t, view(5, 3))
	mine, other := keyOf(0), keyOf(4) // first places: nodes 1 and 5; this node is third on the second list
	at := func(key, addr string) string {
		return "-" + string(resp.Moved(uint16(command.Slot([]byte(key))), addr))
	}
	// nudged reads a key until that is answered with MOVED.
	nudged := func(c *client, key, addr string) {
		t.Helper()
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for range 500 {
			switch got := show(c.do("GET", key)); got {
			case "nil":
				<-tick.C
			case at(key, addr):
				return
			default:
				t.Fatalf("GET %s: %s, want nil or %s", key, got, at(key, addr))
			}
		}
		t.Fatalf("GET %s was never answered with MOVED", key)
	}
	a, asked, reader, inMulti := r.dial(r.cluster), r.dial(r.cluster), r.dial(r.cluster), r.dial(r.cluster)
	reader.want("OK", "READONLY")
	inMulti.want("OK", "MULTI")
	inMulti.want("QUEUED", "GET", other)
	inMulti.want("[nil]", "EXEC")
	reader.want("nil", "GET", other)
	a.want("nil", "GET", mine)
	a.want("nil", "GET", other)
	nudged(a, other, "10.0.0.5:7005")
	a.want("nil", "GET", other)
	// The version changes: the primary sends its client to another that lives, once.
	v := view(5, 3, 2)
	v.Version = 2
	r.ring.now.Store(mustTopology(t, v))
	asked.do("CLUSTER", "SLOTS")
	asked.want("nil", "GET", mine)
	a.want(at(mine, "10.0.0.3:7003"), "GET", mine)
	a.want("nil", "GET", mine)
	a.want("nil", "GET", other)
	b := r.dial(r.cluster)
	b.want("nil", "GET", mine)
	b.send(append(encode("GET", other), encode("GET", other)...)) // a pipeline is spared at first
	b.next("nil")
	b.next("nil")
	watcher := r.dial(r.cluster)
	watcher.want("OK", "WATCH", other) // what is watched is read, and EXEC said, on the same connection
	watcher.want("nil", "GET", other)
	watcher.want("OK", "UNWATCH")
	reader.want("nil", "GET", other)
	reader.want("OK", "READWRITE")
	for _, c := range []*client{watcher, reader} { // the time of both begins
		c.want("nil", "GET", other)
	}
	nudged(watcher, other, "10.0.0.5:7005")
	nudged(reader, other, "10.0.0.5:7005")
	if n := r.srv.totals.nudges.Load(); n != 4 {
		t.Errorf("%d nudges counted, want 4", n)
	}
}
