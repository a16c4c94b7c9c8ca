package server

import (
	"runtime/debug"
	"time"

	"github.com/rondokv/rondo/resp"
)

func slowlogCommand(s *session, c *resp.Command, args [][]byte) resp.Value {
	log := &s.srv.slowlog
	switch c.Name {
	case "slowlog|get":
		if len(args) > 3 {
			return resp.SubcommandSyntax(args[0], args[1]).Value()
		}
		n, err := slowlogCount(args)
		if err != nil {
			return failure(err)
		}
		var rows []resp.Value
		for _, e := range log.newest(n) {
			rows = append(rows, e.reply())
		}
		return resp.Array(rows...)
	case "slowlog|len":
		return resp.Int(int64(log.len()))
	case "slowlog|reset":
		log.reset()
		return resp.OK()
	}
	return s.srv.helpOrUnknown(c, args)
}

func latencyCommand(s *session, c *resp.Command, args [][]byte) resp.Value {
	m := &s.srv.admin.latency
	switch c.Name {
	case "latency|latest":
		return m.latest()
	case "latency|history":
		return m.history(string(args[2]))
	case "latency|reset":
		return resp.Int(int64(m.reset(args[2:])))
	case "latency|histogram":
		return latencyHistogram(s.srv, args[2:])
	}
	return s.srv.helpOrUnknown(c, args)
}

// latencyHistogram shows the named commands that have been called, all when none
// is named; a container's name stands for its subcommands.
func latencyHistogram(s *Server, names [][]byte) resp.Value {
	var kvs []resp.Value
	add := func(e *entry) {
		if h := e.stats.histogram(); h.total > 0 {
			kvs = append(kvs, resp.BulkString(e.cmd.Name), h.reply())
		}
	}
	for _, e := range s.table.all {
		if len(names) == 0 {
			add(e)
		}
	}
	for _, name := range names {
		full := string(lowerASCII(name))
		for _, e := range s.table.all {
			if e.cmd.Name == full || len(e.cmd.Name) > len(full) && e.cmd.Name[:len(full)+1] == full+"|" {
				add(e)
			}
		}
	}
	return resp.Map(kvs...)
}

// memoryCommand is MEMORY but for USAGE, which is an operation on a key.
func memoryCommand(s *session, c *resp.Command, args [][]byte) resp.Value {
	switch c.Name {
	case "memory|stats":
		return memoryStats(s.srv)
	case "memory|purge":
		debug.FreeOSMemory()
		return resp.OK()
	}
	return s.srv.helpOrUnknown(c, args)
}

// memoryStats has those of Redis's figures that a process whose data is on disk
// can tell.
func memoryStats(s *Server) resp.Value {
	m := s.admin.memory()
	var keys int64
	if k, ok := s.node.(keyspaceCounter); ok {
		for _, db := range k.Keyspace() {
			keys += db.Keys
		}
	}
	var kvs []resp.Value
	num := func(name string, n int64) { kvs = append(kvs, resp.BulkString(name), resp.Int(n)) }
	float := func(name string, f float64) { kvs = append(kvs, resp.BulkString(name), resp.Double(f)) }
	num("peak.allocated", m.peak)
	num("total.allocated", m.used)
	num("startup.allocated", 0)
	num("replication.backlog", 0)
	num("clients.slaves", 0)
	num("clients.normal", 0)
	num("cluster.links", 0)
	num("aof.buffer", 0)
	num("lua.caches", 0)
	num("functions.caches", 0)
	num("keys.count", keys)
	float("peak.percentage", 100*ratio(m.used, m.peak))
	num("allocator.allocated", m.heap)
	num("allocator.active", m.used)
	num("allocator.resident", m.resident)
	float("fragmentation", ratio(m.resident, m.used))
	num("fragmentation.bytes", m.resident-m.used)
	return resp.Map(kvs...)
}

// objectCommand is OBJECT HELP; the rest are operations on a key.
func objectCommand(s *session, c *resp.Command, args [][]byte) resp.Value {
	return s.srv.helpOrUnknown(c, args)
}

// moduleCommand is MODULE; what loads and unloads is refused by name in the
// protocol's table.
func moduleCommand(s *session, c *resp.Command, args [][]byte) resp.Value {
	if c.Name == "module|list" {
		return resp.Array()
	}
	return s.srv.helpOrUnknown(c, args)
}

// maxDebugSleep bounds DEBUG SLEEP.
const maxDebugSleep = time.Hour

// debugCommand is DEBUG SLEEP, which holds up this connection only; nothing else
// of DEBUG is there.
func debugCommand(s *session, _ *resp.Command, args [][]byte) resp.Value {
	if !equalFold(args[1], "sleep") || len(args) != 3 {
		return resp.SubcommandSyntax(args[0], args[1]).Value()
	}
	// C's strtod: what is no number is 0.
	seconds, _ := resp.ParseFloat(args[2])
	d := time.Duration(min(max(seconds, 0), maxDebugSleep.Seconds()) * float64(time.Second))
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.srv.closed:
	}
	return resp.OK()
}

// roleCommand answers as a master without replicas: nodes here have no roles.
func roleCommand(*session, *resp.Command, [][]byte) resp.Value {
	return resp.Array(resp.BulkString("master"), resp.Int(0), resp.Array())
}

// lastsaveCommand is the time of the start, as of a Redis that never took a
// snapshot: there are none to wait for.
func lastsaveCommand(s *session, _ *resp.Command, _ [][]byte) resp.Value {
	return resp.Int(s.srv.start.Unix())
}
