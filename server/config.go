package server

import (
	"errors"
	"net"
	"strconv"

	"github.com/rondokv/rondo/resp"
)

// configCommand is CONFIG.
func configCommand(s *session, c *resp.Command, args [][]byte) resp.Value {
	switch c.Name {
	case "config|get":
		return configGet(s, args[2:])
	case "config|set":
		return configSet(s, args[2:])
	case "config|resetstat":
		s.srv.resetStats()
		return resp.OK()
	case "config|rewrite":
		return configRewrite(s)
	}
	return s.srv.helpOrUnknown(c, args)
}

// configGet answers every setting that matches one of the patterns, once.
func configGet(s *session, patterns [][]byte) resp.Value {
	var kvs []resp.Value
	for _, it := range s.srv.configItems(s.face) {
		for _, p := range patterns {
			if resp.Match(p, []byte(it.Name), true) {
				kvs = append(kvs, resp.BulkString(it.Name), resp.BulkString(it.Value))
				break
			}
		}
	}
	return resp.Map(kvs...)
}

// configItems are the settings of the table, then what clients of Redis ask for
// and Rondo has no setting for, so that they learn how it is.
func (s *Server) configItems(f face) []ConfigItem {
	var items []ConfigItem
	known := make(map[string]bool)
	if s.opt.Config != nil {
		items = append(items, s.opt.Config.Items()...)
		for _, it := range items {
			known[it.Name] = true
		}
	}
	for _, it := range s.fixedItems(f) {
		if !known[it.Name] {
			items = append(items, it)
		}
	}
	return items
}

// fixedItems are facts in the dress of settings; CONFIG SET cannot change them.
func (s *Server) fixedItems(f face) []ConfigItem {
	databases, clusterEnabled := "16", "no"
	if f == clusterFace {
		databases, clusterEnabled = "1", "yes"
	}
	host, port := s.listenAddr(f)
	return []ConfigItem{
		{"appendonly", "yes"}, // every write is logged before it is answered
		{"bind", host},
		{"cluster-enabled", clusterEnabled},
		{"databases", databases},
		{"maxmemory", "0"}, // memory never limits the data: it is on disk
		{"maxmemory-policy", "noeviction"},
		{"port", strconv.Itoa(port)},
		{"save", ""}, // no snapshots
	}
}

// listenAddr is where the face is bound.
func (s *Server) listenAddr(f face) (host string, port int) {
	ln := s.opt.Cluster
	if f == forwardFace {
		ln = s.opt.Forward
	}
	if ln == nil {
		return "", 0
	}
	host, text, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		return ln.Addr().String(), 0
	}
	port, _ = strconv.Atoi(text) // a bound port is a number
	return host, port
}

// parseConfigSet pairs names with values; Redis looks at nothing else first.
func parseConfigSet(args [][]byte) ([]ConfigItem, error) {
	if len(args)%2 != 0 {
		return nil, resp.ErrSyntax
	}
	var changes []ConfigItem
	for ; len(args) > 0; args = args[2:] {
		changes = append(changes, ConfigItem{string(lowerASCII(args[0])), string(args[1])})
	}
	return changes, nil
}

// configSet changes settings, all of them or none.
func configSet(s *session, args [][]byte) resp.Value {
	changes, err := parseConfigSet(args)
	if err != nil {
		return failure(err)
	}
	settable := make(map[string]bool) // false: known, but not in the table
	for _, it := range s.srv.fixedItems(s.face) {
		settable[it.Name] = false
	}
	if s.srv.opt.Config != nil {
		for _, it := range s.srv.opt.Config.Items() {
			settable[it.Name] = true
		}
	}
	seen := make(map[string]bool)
	for i, ch := range changes {
		can, known := settable[ch.Name]
		switch {
		case !known:
			return resp.ConfigUnknown(args[2*i]).Value()
		case seen[ch.Name]:
			return resp.ConfigDuplicate(ch.Name).Value()
		case !can:
			return resp.ConfigImmutable(ch.Name).Value()
		}
		seen[ch.Name] = true
	}
	return s.srv.changeSettings(changes)
}

// changeSettings hands the changes to the table and puts what it made of them
// in force, one CONFIG SET at a time.
func (s *Server) changeSettings(changes []ConfigItem) resp.Value {
	s.admin.configuring.Lock()
	defer s.admin.configuring.Unlock()
	next, err := s.opt.Config.Set(changes)
	if err == nil {
		s.apply(next)
		return resp.OK()
	}
	var bad *ConfigError
	switch {
	case !errors.As(err, &bad):
		return resp.Errf("ERR CONFIG SET failed - %v", err)
	case bad.Unknown:
		return resp.ConfigUnknown([]byte(bad.Name)).Value()
	case bad.Immutable:
		return resp.ConfigImmutable(bad.Name).Value()
	}
	return resp.ConfigFailed(bad.Name, bad.Reason).Value()
}

func configRewrite(s *session) resp.Value {
	if s.srv.opt.Config == nil || s.srv.opt.ConfigFile == "" {
		return resp.ErrNoConfigFile.Value()
	}
	if err := s.srv.opt.Config.Rewrite(); err != nil {
		s.srv.log.Error("CONFIG REWRITE failed", "file", s.srv.opt.ConfigFile, "err", err)
		return resp.Errf("ERR Rewriting config file: %v", err)
	}
	return resp.OK()
}

// resetStats is CONFIG RESETSTAT.
func (s *Server) resetStats() {
	s.totals.reset()
	for kind := range s.levels {
		for i := range s.levels[kind] {
			s.levels[kind][i].reset()
		}
	}
	for _, e := range s.table.all {
		e.stats.reset()
	}
	s.admin.errors.reset()
}

// lowerASCII is b in lower case; it never changes b.
func lowerASCII(b []byte) []byte {
	out := append([]byte(nil), b...)
	for i, c := range out {
		if c >= 'A' && c <= 'Z' {
			out[i] = c | 0x20
		}
	}
	return out
}
