package gossip

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/rondokv/rondo/engine/object"
)

// delegate is what memberlist calls. Most calls come with memberlist's own lock held, so nothing here waits, logs or
// calls memberlist: the table is changed under its mutex, which nobody holds while calling memberlist, and the goroutines
// of Gossip are told.
type delegate struct{ g *Gossip }

var (
	_ memberlist.Delegate         = (*delegate)(nil)
	_ memberlist.EventDelegate    = (*delegate)(nil)
	_ memberlist.AliveDelegate    = (*delegate)(nil)
	_ memberlist.MergeDelegate    = (*delegate)(nil)
	_ memberlist.ConflictDelegate = (*delegate)(nil)
	_ memberlist.PingDelegate     = (*delegate)(nil)
)

// NodeMeta is what this node says of itself.
func (d *delegate) NodeMeta(int) []byte {
	d.g.mu.Lock()
	defer d.g.mu.Unlock()
	return d.g.mine.appendTo(nil)
}

// NotifyMsg takes a goodbye. It keeps nothing of b.
func (d *delegate) NotifyMsg(b []byte) {
	if m, ok := parseGoodbye(b); ok {
		d.g.change(func(time.Time) bool { return d.g.table.parting(m.id, m.incarnation) })
	}
}

// GetBroadcasts and the two below are of no use here: what is passed on fits into the meta bytes.
func (d *delegate) GetBroadcasts(int, int) [][]byte { return nil }

func (d *delegate) LocalState(bool) []byte { return nil }

func (d *delegate) MergeRemoteState([]byte, bool) {}

// NotifyAlive refuses what this node cannot read, and echoes of an earlier life.
func (d *delegate) NotifyAlive(n *memberlist.Node) error {
	id, a, err := readNode(n)
	if err != nil {
		d.g.refused.Add(1)
		return err
	}
	if id == d.g.id {
		return nil
	}
	d.g.mu.Lock()
	ok := d.g.table.admits(id, &a)
	known := ""
	if e := d.g.table.entries[id]; e != nil {
		known = e.addr
	}
	d.g.mu.Unlock()
	if ok {
		return nil
	}
	d.g.refused.Add(1)
	if addr := n.Address(); known != "" && known != addr {
		d.g.conflicted(rival{id: id, addr: addr, known: known, incarnation: a.incarnation, settled: a.settled})
	}
	return errNotAdmitted
}

var errNotAdmitted = errors.New("gossip: an earlier incarnation, or no room for another member")

// NotifyJoin: a member came up.
func (d *delegate) NotifyJoin(n *memberlist.Node) { d.rose(n) }

// NotifyUpdate: a member that is up says something else.
func (d *delegate) NotifyUpdate(n *memberlist.Node) { d.rose(n) }

func (d *delegate) rose(n *memberlist.Node) {
	id, a, err := readNode(n)
	if err != nil || id == d.g.id {
		return
	}
	addr := n.Address()
	d.g.change(func(now time.Time) bool { return d.g.table.rose(now, id, a, addr) })
}

// NotifyLeave: memberlist gave a member up, or heard that it goes. Which of the two is in its last meta bytes.
func (d *delegate) NotifyLeave(n *memberlist.Node) {
	if id, ok := parseName(n.Name); ok && id != d.g.id {
		d.g.change(func(now time.Time) bool { return d.g.table.sank(now, id) })
	}
}

const (
	ackVersion = 1
	ackLen     = 1 + 8
)

// AckPayload tells who probes this node which life of it answers.
func (d *delegate) AckPayload() []byte {
	return binary.BigEndian.AppendUint64([]byte{ackVersion}, uint64(d.g.incarnation))
}

// NotifyPingComplete: a probe of ours was answered directly. An indirect answer does not come here, and says nothing about
// what this node can reach.
func (d *delegate) NotifyPingComplete(n *memberlist.Node, rtt time.Duration, payload []byte) {
	id, ok := parseName(n.Name)
	if !ok || len(payload) < ackLen || payload[0] != ackVersion {
		return
	}
	inc := object.Incarnation(binary.BigEndian.Uint64(payload[1:]))
	d.g.change(func(now time.Time) bool { return d.g.table.answered(now, id, inc, rtt) })
}

// NotifyConflict: two addresses for one id. If the id is this node's, somebody has to go; see conflict.go.
func (d *delegate) NotifyConflict(existing, other *memberlist.Node) {
	id, a, err := readNode(other)
	if err != nil {
		return
	}
	d.g.conflicted(rival{id: id, addr: other.Address(), known: existing.Address(), incarnation: a.incarnation, settled: a.settled})
}

// NotifyMerge sees whom a node knows before it is merged with; every node comes in through such an exchange. An error calls it
// off.
func (d *delegate) NotifyMerge(peers []*memberlist.Node) error {
	company := false
	for _, p := range peers {
		up := p.State == memberlist.StateAlive || p.State == memberlist.StateSuspect
		if p.Name != nodeName(d.g.id) {
			company = company || up
			continue
		}
		if !up || p.Address() == d.g.addr {
			continue
		}
		_, a, err := readNode(p)
		if err != nil {
			return err
		}
		r := rival{id: d.g.id, addr: p.Address(), known: d.g.addr, incarnation: a.incarnation, settled: a.settled}
		d.g.conflicted(r)
		// Two that are settled are in two halves of a cluster, which must be merged for the right one to hear of it.
		if !r.settled || !d.g.isSettled() {
			return fmt.Errorf("gossip: id %s is in use at %s", p.Name, r.addr)
		}
	}
	if company {
		d.g.change(func(time.Time) bool {
			news := !d.g.mine.settled
			d.g.mine.settled = true
			return news
		})
	}
	return nil
}

// readNode reads name, address and meta of what memberlist heard.
func readNode(n *memberlist.Node) (object.NodeID, announcement, error) {
	id, ok := parseName(n.Name)
	if !ok {
		return 0, announcement{}, fmt.Errorf("gossip: %.40q is no node id", n.Name)
	}
	if addr, ok := netip.AddrFromSlice(n.Addr); !ok || addr.IsUnspecified() || n.Port == 0 {
		return 0, announcement{}, fmt.Errorf("gossip: node %s has no address", n.Name)
	}
	a, err := parseAnnouncement(n.Meta)
	return id, a, err
}
