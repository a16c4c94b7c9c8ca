package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rondokv/rondo/cluster/gossip"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/engine/object"
)

const leftBehindText = "left behind when the ring was recovered"

// Two of three are lost for good, the third goes on, and then they are back, a majority of the voters of before: they are refused by
// name, in gossip and on links, told what to do, and it helps.
func TestLeftBehind(t *testing.T) {
	c := newTheatre(t, 3, 3)
	eventually(t, func() error { return expect(say(t, c.Nodes[0].Forward, "AT ALL SET a before"), "+OK") })
	before := c.status(t, 0)
	c.kill(t, 0, 1, 2)
	if out := c.obeyed(t, 0, "ring", "status"); !strings.Contains(out, ": 0 with all copies, 0 with a majority of them, 16 with fewer, 0 with none") {
		t.Errorf("with two of three dead:\n%s", out)
	}
	c.obeyed(t, 0, "ring", "recover", "--yes", "--watch")
	after := c.await(t, 0, "alone", func(p *ringPage) bool { return p.Stage == "stable" && len(p.Members) == 1 })
	if after.Cluster == before.Cluster {
		t.Fatalf("still cluster %s", after.Cluster)
	}
	for _, i := range []int{1, 2} {
		c.start(t, i)
	}
	for _, i := range []int{1, 2} {
		id := c.of(&before, i).ID
		eventually(t, func() error {
			if !hasLine(c.log(t, 0), `msg="a node is refused"`, "id="+id, leftBehindText, "start it with --join") {
				return fmt.Errorf("gossip does not say so:\n%s", c.log(t, 0))
			}
			if !hasLine(c.log(t, 0), `msg="connection refused"`, leftBehindText) {
				return fmt.Errorf("links do not say so:\n%s", c.log(t, 0))
			}
			if !hasLine(c.log(t, i), `msg="cannot connect to peer"`, leftBehindText, "empty its data directory") {
				return fmt.Errorf("node %d does not say so:\n%s", i+1, c.log(t, i))
			}
			return nil
		})
	}
	c.ready(t, 1) // with node 3, it is a majority of what it knows
	for _, n := range listNodes(t, c.Nodes[0].Admin).Nodes {
		if !n.Self && (n.Member || n.Link != "" || n.State != gossip.Suspect.String() || n.Doubt != gossip.Foreign.String()) {
			t.Errorf("%+v", n)
		}
	}
	eventually(t, func() error { return expect(say(t, c.Nodes[0].Forward, "AT ALL SET a after"), "+OK") })
	if got := say(t, c.Nodes[1].Forward, "GET a"); got != "before" {
		t.Errorf("the ring of before shows %q", got)
	}

	c.stop(t, 1)
	if err := os.RemoveAll(c.Nodes[1].Dir); err != nil {
		t.Fatal(err)
	}
	c.Nodes[1].Command = append(withoutFlag(c.Nodes[1].Command, "--founders"), "--join", c.Nodes[0].Gossip)
	c.start(t, 1)
	c.await(t, 0, "aware of who waits", func(p *ringPage) bool { return len(p.Waiting) == 1 })
	eventually(t, func() error {
		if code, out, errs := c.order(t, 0, "ring", "plan"); code != 0 {
			return fmt.Errorf("%s%s", out, errs)
		}
		return nil
	})
	c.obeyed(t, 0, "ring", "commit", "--watch")
	c.ready(t, 1)
	eventually(t, func() error { return expect(say(t, c.Nodes[1].Forward, "AT ALL GET a"), "after") })
}

// hasLine says whether one line has all texts.
func hasLine(log string, texts ...string) bool {
	for line := range strings.Lines(log) {
		has := true
		for _, text := range texts {
			has = has && strings.Contains(line, text)
		}
		if has {
			return true
		}
	}
	return false
}

// While the places of the lost are handed on they are members still, and left behind all the same; the survivors are talked to under
// the id of before.
func TestLeftBehindMembers(t *testing.T) {
	var members []ring.Member
	for id := ring.NodeID(1); id <= 5; id++ {
		at := fmt.Sprintf("127.0.0.1:%d", 1000+id)
		members = append(members, ring.Member{Node: ring.Node{ID: id, Weight: 1}, Client: at, Peer: at, Gossip: at})
	}
	old, err := ring.Found(ring.Founding{Cluster: strings.Repeat("1", 32), Name: "n", Replicas: 3, Slots: 1024, Members: members})
	if err != nil {
		t.Fatal(err)
	}
	d, err := ring.Recover(old, []ring.NodeID{1, 2}, strings.Repeat("2", 32))
	if err != nil {
		t.Fatal(err)
	}
	if d.Plan == nil || d.Member(5) == nil {
		t.Fatalf("a recovery without a plan: %+v", d)
	}
	c, err := newChart(d)
	if err != nil {
		t.Fatal(err)
	}
	for id := object.NodeID(1); id <= 6; id++ {
		g := gossip.Member{ID: id, Meta: gossip.Meta{Epoch: 1, Lineage: lineage(old.Cluster)}}
		if got, want := c.leftBehind(&g), id > 2 && id < 6; got != want {
			t.Errorf("node %d is left behind: %v", id, got)
		}
		if got, want := c.peerOf(addresses{ID: id}).Former, id <= 2; got != want {
			t.Errorf("node %d is talked to under the id of before: %v", id, got)
		}
		if c.was(&g) {
			t.Errorf("node %d of before is linked to", id)
		}
		for _, told := range []uint64{0, lineage(d.Cluster)} { // a node of before lineages were told, and one that was removed since
			g.Lineage = told
			if c.leftBehind(&g) || !c.was(&g) {
				t.Errorf("node %d of lineage %x is not told that it is no member any more", id, told)
			}
		}
	}
}
