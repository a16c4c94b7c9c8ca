//go:build blackbox

package clients

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

// Phases of a round in which the ring changes.
const (
	joining = "joining" // from the start of the new node until nothing is moved any more
	leaving = "leaving" // the same for the node that leaves, until it has ended
)

const (
	moveWithin = 3 * time.Minute
	moveRate   = "256kb" // a second, so that clients meet every stage
	ballast    = 5000    // keys to move, beside those of the clients
)

// TestMovesClusterClients has a node join a ring of three under cluster clients, and then the node leave that they were given.
func TestMovesClusterClients(t *testing.T) {
	if testing.Short() {
		t.Skip("long: make clients")
	}
	node := newModules(t.TempDir())
	options := harness.Options{Flags: []string{"--transfer.rate", moveRate}}
	ring := harness.StartRing(t, 3, options)
	fill(t, ring.Nodes[0])
	loads := begin(t, ringClients(node, Cluster), " through moves", ring.Nodes[0])
	lasting(steadyFor)
	enter(loads, joining)
	fourth := ring.Join(t, "fourth", options)
	fourth.Await()
	ring.Nodes = append(ring.Nodes, fourth)
	awaitMoved(t, ring)
	enter(loads, down)
	lasting(downFor)
	enter(loads, leaving)
	leaver := ring.Nodes[0]
	if out, err := leaver.Run("admin", "node", "leave", "--watch"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	select {
	case <-leaver.Exited():
	case <-time.After(moveWithin):
		t.Fatalf("the node that left runs on\n%s", leaver.LogTail())
	}
	ring.Nodes = ring.Nodes[1:]
	awaitMoved(t, ring)
	enter(loads, back)
	lasting(downFor)
	enter(loads, after)
	lasting(afterFor)
	for _, l := range loads {
		l.stop()
	}
	judgeMoves(t, loads)
}

// fill writes keys that nobody looks at.
func fill(t *testing.T, n *harness.Node) {
	t.Helper()
	c := harness.Dial(t, n.Forward)
	value := strings.Repeat("v", 200)
	for i := range ballast {
		if got := c.Do("SET", fmt.Sprintf("ballast:%d", i), value); got != "+OK\r\n" {
			t.Fatalf("SET: %q", got)
		}
	}
}

// awaitMoved waits until the ring is stable with the nodes that it is to have, and nothing is left to move.
func awaitMoved(t *testing.T, ring *harness.Ring) {
	t.Helper()
	var page []byte
	for end := time.Now().Add(moveWithin); time.Now().Before(end); <-time.After(200 * time.Millisecond) {
		var err error
		if page, err = ring.Nodes[len(ring.Nodes)-1].Page("/admin/ring"); err != nil {
			continue
		}
		var ringNow struct {
			Stage   string `json:"stage"`
			Members []struct {
				Left int `json:"partitions_left"`
			} `json:"members"`
		}
		if err := json.Unmarshal(page, &ringNow); err != nil {
			t.Fatal(err)
		}
		left := 0
		for _, m := range ringNow.Members {
			left += m.Left
		}
		if ringNow.Stage == "stable" && len(ringNow.Members) == len(ring.Nodes) && left == 0 {
			return
		}
	}
	t.Fatalf("still moving after %v: %s", moveWithin, page)
}

// judgeMoves prints what a round with moves showed and fails for what may not be.
func judgeMoves(t *testing.T, loads []*running) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "\n| client | version | options set | calls | longest call | errors in the join | longest call | errors in the leave | longest call | errors after |\n|%s\n",
		strings.Repeat("---|", 10))
	for _, l := range loads {
		all, joined, left, end := l.ledger.Of(steady, joining, down, leaving, back, after), l.ledger.Of(joining, down), l.ledger.Of(leaving, back), l.ledger.Of(after)
		before := l.ledger.Of(steady)
		fmt.Fprintf(&b, "| %s | %s | %s | %d | %.0f ms | %s | %.0f ms | %s | %.0f ms | %s |\n", l.name, all.Version, cmp.Or(l.options, "none"), all.Calls,
			before.LongestMs, joined.ErrorText(), joined.LongestMs, left.ErrorText(), left.LongestMs, end.ErrorText())
		if before.Calls == 0 || before.Failed() > 0 {
			t.Errorf("%s before anything changed: %d calls, %s", l.load, before.Calls, before.ErrorText())
		}
		if len(all.Wrong) > 0 {
			t.Errorf("%s: %d replies that cannot be: %q", l.load, len(all.Wrong), all.Wrong[:min(5, len(all.Wrong))])
		}
		if joined.Refused() > 0 {
			t.Errorf("%s while a node joined: %s", l.load, joined.ErrorText())
		}
		// Connections of the node that leaves end when it does: a command that was just sent may tell of it.
		if left.Refused()*100 > left.Calls {
			t.Errorf("%s while a node left: %d calls, %s", l.load, left.Calls, left.ErrorText())
		}
		if end.Calls < before.Calls/2 || end.Refused() > 0 {
			t.Errorf("%s does not work as before: %d calls, %s", l.load, end.Calls, end.ErrorText())
		}
	}
	t.Log(b.String())
}
