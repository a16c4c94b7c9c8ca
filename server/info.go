package server

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
)

// infoSection is one part of INFO.
type infoSection struct {
	title string
	// byDefault: shown without being asked for by name, "all" or "everything".
	byDefault bool
	write     func(*infoReport)
}

// infoReport is one INFO being written, for one connection.
type infoReport struct {
	infoWriter
	srv  *Server
	face face
}

// infoSections are the parts of INFO in their order; a section's name is its
// title in lower case.
func infoSections() []infoSection {
	return []infoSection{
		{"Server", true, (*infoReport).server},
		{"Clients", true, (*infoReport).clients},
		{"Memory", true, (*infoReport).memory},
		{"Persistence", true, (*infoReport).persistence},
		{"Stats", true, (*infoReport).stats},
		{"Replication", true, (*infoReport).replication},
		{"CPU", true, (*infoReport).cpu},
		{"Modules", true, func(*infoReport) {}},
		{"Commandstats", false, (*infoReport).commandStats},
		{"Errorstats", true, (*infoReport).errorStats},
		{"Latencystats", false, (*infoReport).latencyStats},
		{"Cluster", true, (*infoReport).cluster},
		{"Keyspace", true, (*infoReport).keyspace},
		{"Rondo", true, (*infoReport).rondo},
		{"Ring", true, (*infoReport).ring},
		{"Consistency", true, (*infoReport).consistency},
	}
}

// infoCommand is INFO [section ...].
func infoCommand(s *session, _ *resp.Command, args [][]byte) resp.Value {
	want := chooseSections(args[1:])
	r := infoReport{srv: s.srv, face: s.face}
	for _, sec := range infoSections() {
		if want(sec) {
			r.section(sec.title)
			sec.write(&r)
		}
	}
	return resp.Verbatim(r.String())
}

// chooseSections reads the arguments of INFO. Unknown names choose nothing.
func chooseSections(names [][]byte) func(infoSection) bool {
	all, byDefault := false, len(names) == 0
	var chosen []string
	for _, n := range names {
		switch name := string(lowerASCII(n)); name {
		case "all", "everything":
			all = true
		case "default":
			byDefault = true
		default:
			chosen = append(chosen, name)
		}
	}
	return func(s infoSection) bool {
		return all || byDefault && s.byDefault || slices.Contains(chosen, strings.ToLower(s.title))
	}
}

// keyspaceCounter and expiryCounter are what some nodes can tell besides Node.
type (
	keyspaceCounter interface {
		Keyspace() [object.DBCount]cluster.DatabaseInfo
	}
	expiryCounter interface{ ExpiredKeys() int64 }
)

func (r *infoReport) keyspace() {
	k, ok := r.srv.node.(keyspaceCounter)
	if !ok {
		return
	}
	for db, n := range k.Keyspace() {
		if n.Keys > 0 && (db == 0 || r.face == forwardFace) {
			r.text("db"+strconv.Itoa(db), fmt.Sprintf("keys=%d,expires=%d,avg_ttl=0", n.Keys, n.Expires))
		}
	}
}

func (r *infoReport) cluster() { r.bool("cluster_enabled", r.face == clusterFace) }

// ring is the ring as this node sees it.
func (r *infoReport) ring() {
	t := r.srv.topology()
	r.uint("ring_epoch", t.Epoch)
	r.uint("ring_version", t.Version)
	r.int("ring_nodes", int64(len(t.Members)))
	r.int("ring_nodes_alive", int64(t.alive()))
	r.int("ring_slots_without_home", int64(object.SlotCount-t.served))
	for i := range t.Members {
		m := &t.Members[i]
		state, slots := "ok", 0
		if m.Failed {
			state = "fail"
		}
		for _, run := range m.Slots {
			slots += int(run.Last) - int(run.First) + 1
		}
		r.text("member"+strconv.Itoa(i), fmt.Sprintf("id=%s,address=%s,state=%s,primary_of_slots=%d", m.ID,
			net.JoinHostPort(m.Host, strconv.Itoa(m.Port)), state, slots))
	}
	r.int("moved_replies", r.srv.totals.moved.Load())
	r.int("moved_nudges", r.srv.totals.nudges.Load())
	if of := r.srv.opt.ReplicationInfo; of != nil {
		for _, f := range of() {
			r.text(f.Name, f.Value)
		}
	}
}

// consistency is the operations by level, of the levels that were asked for.
func (r *infoReport) consistency() {
	r.text("level_default", "read="+r.srv.opt.Levels.Read.String()+",write="+r.srv.opt.Levels.Write.String())
	r.srv.levels.each(func(kind string, level cluster.Level, l *levelStats) {
		h := l.histogram()
		r.text("level_"+kind+"_"+level.String(), fmt.Sprintf(
			"operations=%d,unavailable=%d,timeouts=%d,overloaded=%d,usec_per_operation=%.2f,p50=%.3f,p99=%.3f",
			h.total, l.unavailable.Load(), l.timeouts.Load(), l.overloaded.Load(), ratio(l.waited.Load()/1000, h.total),
			h.percentile(50), h.percentile(99)))
	})
}

// replication is that of a Redis that nobody replicates: nodes here have no roles.
func (r *infoReport) replication() {
	const none = "0000000000000000000000000000000000000000"
	r.text("role", "master")
	r.int("connected_slaves", 0)
	r.text("master_failover_state", "no-failover")
	r.text("master_replid", r.srv.runID())
	r.text("master_replid2", none)
	r.int("master_repl_offset", 0)
	r.int("second_repl_offset", -1)
	r.int("repl_backlog_active", 0)
	r.int("repl_backlog_size", 0)
	r.int("repl_backlog_first_byte_offset", 0)
	r.int("repl_backlog_histlen", 0)
}

func (r *infoReport) cpu() {
	t := processCPU()
	r.float("used_cpu_sys", t.sys, 6)
	r.float("used_cpu_user", t.user, 6)
	r.float("used_cpu_sys_children", t.childSys, 6)
	r.float("used_cpu_user_children", t.childUser, 6)
}

// rondo is what Redis has no fields for.
func (r *infoReport) rondo() {
	s := r.srv
	_, inc := s.node.Identity()
	t := s.topology()
	r.text("rondo_version", s.opt.Version)
	r.text("node_id", t.Self)
	r.uint("incarnation", uint64(inc))
	if n, err := strconv.Atoi(s.setting("replicas")); err == nil {
		r.int("replicas_configured", int64(n))
	}
	r.int("replicas_effective", int64(t.Replicas))
	if d := s.setting("appendfsync", "durability"); d != "" {
		r.text("durability", d)
	}
	r.int("scattered_commands", s.totals.scattered.Load())
	r.int("transactions_over_slots", s.totals.splitMulti.Load())
	r.int("acl_access_denied_auth", s.totals.deniedAuth.Load())
	r.int("acl_access_denied_cmd", s.totals.deniedRun.Load())
	r.int("command_panics", s.totals.panics.Load())
	r.int("closed_protocol_error", s.totals.cutProtocol.Load())
	r.int("closed_query_buffer_limit", s.totals.cutQuery.Load())
	r.int("closed_slow_request", s.totals.cutSlow.Load())
	r.int("closed_output_buffer_limit", s.totals.cutOutput.Load())
	r.int("closed_unread_reply", s.totals.cutUnread.Load())
	r.int("closed_idle", s.totals.cutIdle.Load())
	for _, f := range s.engineFigures() {
		r.text(f.Name, f.Value)
	}
}

func (s *Server) engineFigures() []Figure {
	if s.opt.EngineInfo == nil {
		return nil
	}
	return s.opt.EngineInfo()
}

// setting is the value of the first of these settings that the table has.
func (s *Server) setting(names ...string) string {
	if s.opt.Config == nil {
		return ""
	}
	items := s.opt.Config.Items()
	for _, name := range names {
		for _, it := range items {
			if it.Name == name {
				return it.Value
			}
		}
	}
	return ""
}
