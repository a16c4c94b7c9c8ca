package server

import (
	"net"
	"strconv"

	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
	"github.com/rondokv/rondo/server/command"
)

// clusterCommand is CLUSTER on the cluster face. What changes a ring is refused
// by name in the protocol's table, before it comes here.
func clusterCommand(s *session, c *resp.Command, args [][]byte) resp.Value {
	if s.face != clusterFace {
		return resp.ErrClusterDisabled.Value()
	}
	t := s.srv.topology()
	switch c.Name {
	case "cluster|info":
		return resp.Verbatim(t.infoText())
	case "cluster|myid":
		return resp.BulkString(t.Self)
	case "cluster|slots", "cluster|shards", "cluster|nodes":
		s.nudge.fetched(t.Version, s.pipe.since)
		return t.mapReply(c.Name, s.proto)
	case "cluster|keyslot":
		return resp.Int(int64(command.Slot(args[2])))
	case "cluster|countkeysinslot":
		return clusterCountKeys(s, args[2])
	case "cluster|getkeysinslot":
		return clusterGetKeys(s, args[2], args[3])
	case "cluster|links":
		return linksReply(s.srv.opt.Links)
	case "cluster|replicas", "cluster|slaves":
		return ofMember(t, args[2], resp.Array())
	case "cluster|count-failure-reports":
		return ofMember(t, args[2], resp.Int(0))
	}
	return s.srv.helpOrUnknown(c, args)
}

// mapReply is the map in the words that a command asks for.
func (t *Topology) mapReply(name string, proto int) resp.Value {
	switch name {
	case "cluster|slots":
		return t.spelled().slots[proto-2]
	case "cluster|shards":
		return t.spelled().shards[proto-2]
	}
	return resp.Verbatim(t.spelled().nodes)
}

// Link is one connection to or from another node, for CLUSTER LINKS.
type Link struct {
	Node      object.NodeID
	Inbound   bool
	Since     int64 // ms since the Unix epoch
	Readable  bool  // this node reads from it
	Writable  bool  // this node writes to it
	Allocated int64 // bytes of the queue that waits to be sent
	Queued    int64 // bytes of it in use
}

// linksReply is CLUSTER LINKS.
func linksReply(links func() []Link) resp.Value {
	if links == nil {
		return resp.Array()
	}
	var rows []resp.Value
	for _, l := range links() {
		direction, events := "to", ""
		if l.Inbound {
			direction = "from"
		}
		if l.Readable {
			events += "r"
		}
		if l.Writable {
			events += "w"
		}
		rows = append(rows, resp.Map(
			resp.BulkString("direction"), resp.BulkString(direction),
			resp.BulkString("node"), resp.BulkString(ClientNodeID(l.Node)),
			resp.BulkString("create-time"), resp.Int(l.Since),
			resp.BulkString("events"), resp.BulkString(events),
			resp.BulkString("send-buffer-allocated"), resp.Int(l.Allocated),
			resp.BulkString("send-buffer-used"), resp.Int(l.Queued),
		))
	}
	return resp.Array(rows...)
}

// ofMember is the reply when id names a member of the ring.
func ofMember(t *Topology, id []byte, reply resp.Value) resp.Value {
	if t.member(string(id)) == nil {
		return resp.Errf("ERR Unknown node %s", id)
	}
	return reply
}

func clusterCountKeys(s *session, arg []byte) resp.Value {
	slot, ok := resp.ParseInt(arg)
	if !ok {
		return resp.ErrNotInteger.Value()
	}
	if slot < 0 || slot >= object.SlotCount {
		return resp.ErrSlotOnly.Value()
	}
	n, err := s.srv.node.SlotSize(object.Slot(slot))
	if err != nil {
		return s.nodeError(err)
	}
	return resp.Int(n)
}

// maxKeysInSlot bounds the reply of CLUSTER GETKEYSINSLOT.
const maxKeysInSlot = 1 << 20

func clusterGetKeys(s *session, slotArg, countArg []byte) resp.Value {
	slot, ok := resp.ParseInt(slotArg)
	if !ok {
		return resp.ErrNotInteger.Value()
	}
	count, ok := resp.ParseInt(countArg)
	if !ok {
		return resp.ErrNotInteger.Value()
	}
	if slot < 0 || slot >= object.SlotCount || count < 0 {
		return resp.ErrSlotOrKeyCount.Value()
	}
	names, err := s.srv.node.SlotKeys(object.Slot(slot), int(min(count, maxKeysInSlot)))
	if err != nil {
		return s.nodeError(err)
	}
	keys := make([]resp.Value, len(names))
	for i, name := range names {
		keys[i] = resp.Bulk(name)
	}
	return resp.Array(keys...)
}

// topology is the present ring. A node that is told of none is alone.
func (s *Server) topology() *Topology {
	s.admin.topologyOnce.Do(func() {
		s.admin.ring = s.opt.Topology
		if s.admin.ring == nil {
			id, _ := s.node.Identity()
			host, port := s.advertised()
			s.admin.ring = NewRingOfOne(1, Member{Node: id, Host: host, Port: port, PeerPort: s.opt.PeerPort})
		}
	})
	return s.admin.ring.Topology()
}

// advertised is where clients are told to connect to the cluster face.
func (s *Server) advertised() (host string, port int) {
	host, port = s.listenAddr(clusterFace)
	if h, p, err := net.SplitHostPort(s.opt.Advertise); err == nil {
		host = h
		if n, err := strconv.Atoi(p); err == nil && n > 0 {
			port = n
		}
	} else if s.opt.Advertise != "" {
		host = s.opt.Advertise
	}
	return host, port
}
