package server

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
)

// spellings are the replies that a topology is told in. Clients ask for them in bursts, when something has changed; each is
// encoded once.
type spellings struct {
	once   sync.Once
	slots  [2]resp.Value // by protocol version, 2 and 3
	shards [2]resp.Value
	nodes  string
}

// spelled makes the replies of t.
func (t *Topology) spelled() *spellings {
	t.spell.once.Do(func() {
		t.spell.nodes = t.nodesText()
		slots, shards := t.slotsReply(), t.shardsReply()
		for i := range 2 {
			t.spell.slots[i] = resp.Encoded(slots.AppendTo(nil, i+2))
			t.spell.shards[i] = resp.Encoded(shards.AppendTo(nil, i+2))
		}
	})
	return &t.spell
}

// primaries are the members that serve slots, by their first slot.
func (t *Topology) primaries() []*Member {
	var ms []*Member
	for i := range t.Members {
		if m := &t.Members[i]; len(m.Slots) > 0 {
			ms = append(ms, m)
		}
	}
	slices.SortFunc(ms, func(a, b *Member) int { return int(a.Slots[0].First) - int(b.Slots[0].First) })
	return ms
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

// shardsReply is CLUSTER SHARDS: a shard a primary, with all its runs. Two shards with one node would overwrite each other in
// some clients' maps.
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
		for _, r := range m.Slots {
			b.WriteString(" " + r.String())
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

// infoText is CLUSTER INFO. The state is ok as long as any level is served, and that is as long as there is a node to answer:
// clients take anything else for a cluster that refuses everything. Slots of which no home replica is alive are counted.
func (t *Topology) infoText() string {
	var w infoWriter
	w.text("cluster_state", "ok")
	w.int("cluster_slots_assigned", object.SlotCount)
	w.int("cluster_slots_ok", int64(t.served))
	w.int("cluster_slots_pfail", 0)
	w.int("cluster_slots_fail", int64(object.SlotCount-t.served))
	w.int("cluster_known_nodes", int64(len(t.Members)))
	w.int("cluster_size", int64(len(t.primaries())))
	w.uint("cluster_current_epoch", t.Epoch)
	w.uint("cluster_my_epoch", t.Epoch)
	w.int("cluster_stats_messages_sent", 0)
	w.int("cluster_stats_messages_received", 0)
	w.int("total_cluster_links_buffer_limit_exceeded", 0)
	return w.String()
}
