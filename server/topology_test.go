package server

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
)

// members are n members, node i at 10.0.0.i:7000+i; those named failed.
func members(n int, failed ...object.NodeID) []Member {
	var ms []Member
	for i := 1; i <= n; i++ {
		ms = append(ms, Member{
			Node: object.NodeID(i), Host: "10.0.0." + strconv.Itoa(i), Port: 7000 + i, PeerPort: 17000 + i,
			Failed: slices.Contains(failed, object.NodeID(i)),
		})
	}
	return ms
}

// lists are preference lists of eight partitions over n nodes: partition p begins at node p%n+1.
func lists(n, replicas int) [][]object.NodeID {
	out := make([][]object.NodeID, 8)
	for p := range out {
		for i := range replicas {
			out[p] = append(out[p], object.NodeID((p+i)%n+1))
		}
	}
	return out
}

func mustTopology(t testing.TB, v View) *Topology {
	t.Helper()
	topo, err := NewTopology(v)
	if err != nil {
		t.Fatal(err)
	}
	return topo
}

// threeNodes is a ring of three as its second member sees it, the third having failed.
func threeNodes() *Topology {
	v := View{Version: 3, Epoch: 7, Self: 2, Members: members(3, 3), Lists: lists(3, 3)}
	v.Members[2].Host = "node-c.example"
	topo, err := NewTopology(v)
	if err != nil {
		panic(err)
	}
	return topo
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
		ClientNodeID(1) + " 10.0.0.1:7001@17001 master - 0 0 7 connected 0-2047 4096-8191 10240-14335",
		ClientNodeID(2) + " 10.0.0.2:7002@17002 myself,master - 0 0 7 connected 2048-4095 8192-10239 14336-16383",
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
	// Two of five are gone that are all the home replicas of some slots: the others say so and go on.
	holed := mustTopology(t, View{Version: 1, Self: 1, Members: members(5, 2, 3), Lists: lists(5, 2)})
	if info := holed.infoText(); !strings.Contains(info, "cluster_state:ok\r\n") || !strings.Contains(info, "slots_ok:12288\r\n") ||
		!strings.Contains(info, "slots_fail:4096\r\n") {
		t.Errorf("slots without a living home replica: %q", info)
	}
}

// Every slot is one living member's, whoever has failed; what this node is to it follows from the lists.
func TestPlaces(t *testing.T) {
	for _, failed := range [][]object.NodeID{nil, {2}, {2, 3}, {2, 3, 4, 5}, {1}} {
		topo := mustTopology(t, View{Version: 1, Self: 1, Members: members(5, failed...), Lists: lists(5, 3)})
		owner := map[object.Slot]int{}
		for i, m := range topo.Members {
			if m.Failed && len(m.Slots) > 0 {
				t.Errorf("%v: failed member %d has slots", failed, m.Node)
			}
			for _, r := range m.Slots {
				for s := int(r.First); s <= int(r.Last); s++ {
					if old, twice := owner[object.Slot(s)]; twice {
						t.Fatalf("%v: slot %d is of members %d and %d", failed, s, old, i)
					}
					owner[object.Slot(s)] = i
				}
			}
		}
		if len(owner) != object.SlotCount {
			t.Errorf("%v: %d slots are served", failed, len(owner))
		}
		for p, list := range lists(5, 3) {
			at := topo.place(object.Slot(p * 2048))
			if at.home != slices.Contains(list, 1) || owner[object.Slot(p*2048)] != int(at.serves) {
				t.Errorf("%v: partition %d: %+v", failed, p, at)
			}
			if at.other >= 0 && (topo.Members[at.other].Failed || topo.Members[at.other].Node == 1 || !slices.Contains(list, topo.Members[at.other].Node)) {
				t.Errorf("%v: partition %d: other is %d", failed, p, at.other)
			}
		}
	}
	// Of partition 1 (nodes 2, 3) nobody is left: the first living owner of those that follow answers.
	topo := mustTopology(t, View{Version: 1, Self: 1, Members: members(5, 2, 3), Lists: lists(5, 2)})
	if at := topo.place(2048); at.home || at.alive != 0 || topo.Members[at.serves].Node != 4 {
		t.Errorf("a partition without living home replica: %+v", at)
	}
}

// A node that holds a partition without being on its list serves it: it sends nobody elsewhere.
func TestServesWhatMoves(t *testing.T) {
	for _, owns := range []bool{false, true} {
		topo := mustTopology(t, View{
			Version: 1, Self: 4, Members: members(4), Lists: lists(3, 3),
			Owns: func(p int) bool { return owns && p == 5 },
		})
		for p := range topo.places {
			if at := topo.places[p]; at.home != (owns && p == 5) || at.serves == topo.self {
				t.Errorf("owns 5: %v; partition %d: %+v", owns, p, at)
			}
		}
	}
}

func TestTopologyRefused(t *testing.T) {
	for name, change := range map[string]func(*View){
		"no version":        func(v *View) { v.Version = 0 },
		"not a member":      func(v *View) { v.Self = 9 },
		"no host":           func(v *View) { v.Members[1].Host = "" },
		"no port":           func(v *View) { v.Members[1].Port = 0 },
		"twice":             func(v *View) { v.Members[1].Node = 1 },
		"no lists":          func(v *View) { v.Lists = nil },
		"seven partitions":  func(v *View) { v.Lists = v.Lists[:7] },
		"an empty list":     func(v *View) { v.Lists[3] = nil },
		"an unknown member": func(v *View) { v.Lists[3][0] = 9 },
	} {
		v := View{Version: 1, Self: 1, Members: members(3), Lists: lists(3, 3)}
		change(&v)
		if topo, err := NewTopology(v); err == nil {
			t.Errorf("%s: %+v", name, topo)
		}
	}
}

// Each spelling is made once a version, and SLOTS and SHARDS are the same whoever answers.
func TestSpelledOnce(t *testing.T) {
	var first *spellings
	for self := object.NodeID(1); self <= 5; self++ {
		topo := mustTopology(t, View{Version: 1, Epoch: 2, Self: self, Members: members(5), Lists: lists(5, 3)})
		s := topo.spelled()
		if topo.spelled() != s || s.slots[0].Str == "" || s.slots[0].Str == s.slots[1].Str {
			t.Error("spelled again, or not at all")
		}
		if first == nil {
			first = s
		}
		if s.slots[0].Str != first.slots[0].Str || s.shards[1].Str != first.shards[1].Str {
			t.Errorf("node %d says otherwise", self)
		}
		if strings.Count(s.nodes, "myself") != 1 {
			t.Errorf("NODES of node %d: %s", self, s.nodes)
		}
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
