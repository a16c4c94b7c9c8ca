package server

import (
	"strings"
	"testing"

	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
)

// threeNodes is a ring whose second member serves two runs and whose third failed.
func threeNodes() *Topology {
	a, b, c := ClientNodeID(1), ClientNodeID(2), ClientNodeID(3)
	return &Topology{Epoch: 7, Self: b, Members: []Member{
		{ID: a, Host: "10.0.0.1", Port: 7001, PeerPort: 17001, Slots: []SlotRun{{101, 8000}}},
		{ID: b, Host: "10.0.0.2", Port: 7002, PeerPort: 17002, Slots: []SlotRun{{0, 100}, {8001, 16382}, {16383, 16383}}},
		{ID: c, Host: "node-c.example", Port: 7003, PeerPort: 17003, Failed: true},
	}}
}

func TestClientNodeID(t *testing.T) {
	id := ClientNodeID(0x0123456789abcdef)
	if len(id) != 40 || !strings.HasPrefix(id, "0123456789abcdef") || strings.Trim(id, "0123456789abcdef") != "" {
		t.Errorf("id %q: want 40 hex digits, the node's own 16 first", id)
	}
	if id == ClientNodeID(0x0123456789abcdee) || id != ClientNodeID(0x0123456789abcdef) {
		t.Error("ids must follow the node and differ between nodes")
	}
}

func TestNodesText(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(threeNodes().nodesText(), "\n"), "\n")
	want := []string{
		ClientNodeID(1) + " 10.0.0.1:7001@17001 master - 0 0 7 connected 101-8000",
		ClientNodeID(2) + " 10.0.0.2:7002@17002 myself,master - 0 0 7 connected 0-100 8001-16382 16383",
		ClientNodeID(3) + " node-c.example:7003@17003 master,fail - 0 0 7 disconnected",
	}
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d", len(lines), len(want))
	}
	for i := range want {
		if lines[i] != want[i] {
			t.Errorf("line %d:\n got %s\nwant %s", i, lines[i], want[i])
		}
	}
}

// Every slot is in one row, rows ascend, and no host is empty.
func TestSlotsReplyCoversEverySlotOnce(t *testing.T) {
	for name, topo := range map[string]*Topology{"three": threeNodes(), "one": NewRingOfOne(1, Member{ID: ClientNodeID(9), Host: "::1", Port: 1}).Topology()} {
		next := int64(0)
		for _, row := range topo.slotsReply().Elems {
			if row.Elems[0].Int != next {
				t.Errorf("%s: a row begins at %d, want %d", name, row.Elems[0].Int, next)
			}
			next = row.Elems[1].Int + 1
			node := row.Elems[2].Elems
			if len(node) != 4 || node[0].Str == "" || node[1].Int == 0 || topo.member(node[2].Str) == nil {
				t.Errorf("%s: bad node %+v", name, node)
			}
		}
		if next != object.SlotCount {
			t.Errorf("%s: rows end at %d", name, next)
		}
	}
}

// One shard a primary: two with one node would overwrite each other in some clients.
func TestShardsReplyNamesEachPrimaryOnce(t *testing.T) {
	seen := map[string]bool{}
	slots := int64(0)
	for _, shard := range threeNodes().shardsReply().Elems {
		runs, nodes := shard.Elems[1].Elems, shard.Elems[3].Elems
		for i := 0; i < len(runs); i += 2 {
			slots += runs[i+1].Int - runs[i].Int + 1
		}
		if len(nodes) != 1 {
			t.Fatalf("%d nodes in a shard", len(nodes))
		}
		id := nodes[0].Elems[1].Str
		if seen[id] {
			t.Errorf("%s is in two shards", id)
		}
		seen[id] = true
	}
	if slots != object.SlotCount || len(seen) != 2 {
		t.Errorf("%d slots in %d shards", slots, len(seen))
	}
}

func TestShardNodeOfAHostName(t *testing.T) {
	m := Member{ID: ClientNodeID(1), Host: "a.example", Port: 5}
	text := string(m.shardNode().AppendTo(nil, 3))
	for _, want := range []string{"$2\r\nip\r\n$9\r\na.example", "$8\r\nendpoint\r\n$9\r\na.example", "$8\r\nhostname\r\n$9\r\na.example"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q lacks %q", text, want)
		}
	}
	m.Host = "::1"
	if text := string(m.shardNode().AppendTo(nil, 3)); strings.Contains(text, "hostname") {
		t.Errorf("an address is no host name: %q", text)
	}
}

func TestClusterInfo(t *testing.T) {
	info := threeNodes().infoText()
	for _, line := range []string{"cluster_state:ok", "cluster_slots_assigned:16384", "cluster_known_nodes:3", "cluster_size:2", "cluster_current_epoch:7"} {
		if !strings.Contains(info, line+"\r\n") {
			t.Errorf("no %s in %q", line, info)
		}
	}
	holed := threeNodes()
	holed.Members[0].Slots[0].First++
	if info := holed.infoText(); !strings.Contains(info, "cluster_state:fail\r\n") || !strings.Contains(info, "assigned:16383\r\n") {
		t.Errorf("a slot without a node: %q", info)
	}
}

func TestUnknownMember(t *testing.T) {
	if v := ofMember(threeNodes(), []byte("foo"), resp.Int(0)); v.Str != "ERR Unknown node foo" {
		t.Errorf("got %+v", v)
	}
	if v := ofMember(threeNodes(), []byte(ClientNodeID(3)), resp.Int(0)); v.Kind != resp.KindInt {
		t.Errorf("got %+v", v)
	}
}
