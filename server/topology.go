package server

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
)

// Topology is the ring as clients of the cluster face are told it: one value a
// version (epoch and liveness), immutable once published. CLUSTER SLOTS, SHARDS
// and NODES are three spellings of it.
//
// Invariant: every slot is in at most one run of one member, runs of a member
// ascend, and every host is one that clients can dial.
type Topology struct {
	Epoch   uint64
	Self    string // id of the member that answers
	Members []Member
}

// Member is a node of the ring as clients know it.
type Member struct {
	ID       string // 40 hex digits, see ClientNodeID
	Host     string // never empty, never a wildcard
	Port     int    // where cluster clients connect
	PeerPort int    // the cport of CLUSTER NODES
	Failed   bool   // not reachable: it has no slots
	Slots    []SlotRun
}

// SlotRun is the slots First..Last, both among them.
type SlotRun struct{ First, Last object.Slot }

// TopologySource gives the present topology. Called by any goroutine, for every
// CLUSTER command: it must be cheap and never block.
type TopologySource interface {
	Topology() *Topology
}

// RingOfOne is the topology of a node that is alone: all slots are its own.
type RingOfOne struct{ topology Topology }

// NewRingOfOne returns the source whose only member is self; Slots and Failed
// of self are not looked at.
func NewRingOfOne(epoch uint64, self Member) *RingOfOne {
	self.Failed = false
	self.Slots = []SlotRun{{0, object.SlotCount - 1}}
	return &RingOfOne{Topology{Epoch: epoch, Self: self.ID, Members: []Member{self}}}
}

// Topology implements TopologySource.
func (r *RingOfOne) Topology() *Topology { return &r.topology }

// ClientNodeID is the name that clients know a node by: 40 hex digits as Redis
// has them, of which the first 16 are the id itself.
func ClientNodeID(id object.NodeID) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(id))
	tail := sha256.Sum256(append([]byte("rondo node "), b[:]...))
	return hex.EncodeToString(b[:]) + hex.EncodeToString(tail[:12])
}

// primaries are the members that serve slots, by their first slot.
func (t *Topology) primaries() []*Member {
	var ms []*Member
	for i := range t.Members {
		if m := &t.Members[i]; len(m.Slots) > 0 && !m.Failed {
			ms = append(ms, m)
		}
	}
	slices.SortFunc(ms, func(a, b *Member) int { return int(a.Slots[0].First) - int(b.Slots[0].First) })
	return ms
}

func (t *Topology) member(id string) *Member {
	for i := range t.Members {
		if t.Members[i].ID == id {
			return &t.Members[i]
		}
	}
	return nil
}

// slotCount is how many slots somebody serves.
func (t *Topology) slotCount() int {
	n := 0
	for _, m := range t.primaries() {
		for _, r := range m.Slots {
			n += int(r.Last) - int(r.First) + 1
		}
	}
	return n
}

// slotsReply is CLUSTER SLOTS: a row a run, ascending.
func (t *Topology) slotsReply() resp.Value {
	type row struct {
		first object.Slot
		value resp.Value
	}
	var rows []row
	for _, m := range t.primaries() {
		node := resp.Array(resp.BulkString(m.Host), resp.Int(int64(m.Port)), resp.BulkString(m.ID), resp.Map())
		for _, r := range m.Slots {
			rows = append(rows, row{r.First, resp.Array(resp.Int(int64(r.First)), resp.Int(int64(r.Last)), node)})
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return int(a.first) - int(b.first) })
	elems := make([]resp.Value, len(rows))
	for i := range rows {
		elems[i] = rows[i].value
	}
	return resp.Array(elems...)
}

// shardsReply is CLUSTER SHARDS: a shard a primary, with all its runs. Two
// shards with one node would overwrite each other in some clients' maps.
func (t *Topology) shardsReply() resp.Value {
	var shards []resp.Value
	for _, m := range t.primaries() {
		var runs []resp.Value
		for _, r := range m.Slots {
			runs = append(runs, resp.Int(int64(r.First)), resp.Int(int64(r.Last)))
		}
		shards = append(shards, resp.Map(
			resp.BulkString("slots"), resp.Array(runs...),
			resp.BulkString("nodes"), resp.Array(m.shardNode()),
		))
	}
	return resp.Array(shards...)
}

func (m *Member) shardNode() resp.Value {
	kv := []resp.Value{
		resp.BulkString("id"), resp.BulkString(m.ID),
		resp.BulkString("port"), resp.Int(int64(m.Port)),
		// A name goes here too where there is no address: empty breaks clients that read only this.
		resp.BulkString("ip"), resp.BulkString(m.Host),
		resp.BulkString("endpoint"), resp.BulkString(m.Host),
	}
	if _, err := netip.ParseAddr(m.Host); err != nil {
		kv = append(kv, resp.BulkString("hostname"), resp.BulkString(m.Host))
	}
	return resp.Map(append(kv,
		resp.BulkString("role"), resp.BulkString("master"),
		resp.BulkString("replication-offset"), resp.Int(0),
		resp.BulkString("health"), resp.BulkString("online"),
	)...)
}

// nodesText is CLUSTER NODES: a line a member, eight fields, then the slots.
func (t *Topology) nodesText() string {
	var b strings.Builder
	for i := range t.Members {
		m := &t.Members[i]
		flags, link := "master", "connected"
		switch {
		case m.ID == t.Self:
			flags = "myself,master"
		case m.Failed:
			flags, link = "master,fail", "disconnected"
		}
		b.WriteString(m.ID + " " + m.Host + ":" + strconv.Itoa(m.Port) + "@" + strconv.Itoa(m.PeerPort))
		b.WriteString(" " + flags + " - 0 0 " + strconv.FormatUint(t.Epoch, 10) + " " + link)
		if !m.Failed {
			for _, r := range m.Slots {
				b.WriteString(" " + r.String())
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// String is the run as CLUSTER NODES writes it: 5 or 5-10.
func (r SlotRun) String() string {
	if r.First == r.Last {
		return strconv.Itoa(int(r.First))
	}
	return strconv.Itoa(int(r.First)) + "-" + strconv.Itoa(int(r.Last))
}

// infoText is CLUSTER INFO.
func (t *Topology) infoText() string {
	slots := t.slotCount()
	state := "ok"
	if slots < object.SlotCount {
		state = "fail"
	}
	var w infoWriter
	w.text("cluster_state", state)
	w.int("cluster_slots_assigned", int64(slots))
	w.int("cluster_slots_ok", int64(slots))
	w.int("cluster_slots_pfail", 0)
	w.int("cluster_slots_fail", 0)
	w.int("cluster_known_nodes", int64(len(t.Members)))
	w.int("cluster_size", int64(len(t.primaries())))
	w.uint("cluster_current_epoch", t.Epoch)
	w.uint("cluster_my_epoch", t.Epoch)
	w.int("cluster_stats_messages_sent", 0)
	w.int("cluster_stats_messages_received", 0)
	w.int("total_cluster_links_buffer_limit_exceeded", 0)
	return w.String()
}
