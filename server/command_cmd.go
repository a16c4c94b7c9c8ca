package server

import (
	"slices"
	"strings"

	"github.com/rondokv/rondo/resp"
)

// commandCommand is COMMAND: what this server serves, from the protocol's table.
// Commands that it refuses by name are not listed, so no client routes to them.
func commandCommand(s *session, c *resp.Command, args [][]byte) resp.Value {
	switch c.Name {
	case "command":
		return rows(s.srv.served())
	case "command|count":
		return resp.Int(int64(len(s.srv.served())))
	case "command|info":
		return commandInfo(s.srv, args[2:])
	case "command|docs":
		return commandDocs(s.srv, args[2:])
	case "command|list":
		return commandList(s.srv, args[2:])
	case "command|getkeys":
		return commandGetKeys(s.srv, args[2:], false)
	case "command|getkeysandflags":
		return commandGetKeys(s.srv, args[2:], true)
	}
	return s.srv.helpOrUnknown(c, args)
}

// served are the commands that run something here, sorted by name, each with
// those of its subcommands that do.
func (s *Server) served() []*resp.Command {
	s.admin.servedOnce.Do(func() {
		for _, e := range s.table.all {
			if !strings.Contains(e.cmd.Name, "|") && e.cmd.Refused == "" {
				s.admin.served = append(s.admin.served, servedPart(e.cmd))
			}
		}
		slices.SortFunc(s.admin.served, byCommandName)
		s.admin.served = slices.CompactFunc(s.admin.served, func(a, b *resp.Command) bool { return a.Name == b.Name })
	})
	return s.admin.served
}

func byCommandName(a, b *resp.Command) int { return strings.Compare(a.Name, b.Name) }

// servedPart is c without the subcommands that nothing serves.
func servedPart(c *resp.Command) *resp.Command {
	part := *c
	part.Subcommands = nil
	for _, sub := range c.Subcommands {
		if sub.Refused == "" && !notBuilt(sub.Name) {
			part.Subcommands = append(part.Subcommands, sub)
		}
	}
	return &part
}

// notBuilt are the subcommands of served containers that Redis 7.0 has and
// Rondo answers as if it had never heard of them.
func notBuilt(name string) bool {
	switch name {
	case "client|caching", "client|getredir", "client|tracking", "client|trackinginfo",
		"latency|doctor", "latency|graph",
		"memory|doctor", "memory|malloc-stats",
		"object|idletime":
		return true
	}
	return false
}

// command finds a served command or subcommand by its full name in any case.
func (s *Server) command(full []byte) *resp.Command {
	name := string(lowerASCII(full))
	own, _, isSub := strings.Cut(name, "|")
	i, ok := slices.BinarySearchFunc(s.served(), own, func(c *resp.Command, name string) int { return strings.Compare(c.Name, name) })
	if !ok {
		return nil
	}
	c := s.served()[i]
	if !isSub {
		return c
	}
	for _, sub := range c.Subcommands {
		if sub.Name == name {
			return sub
		}
	}
	return nil
}

func rows(cs []*resp.Command) resp.Value {
	out := make([]resp.Value, len(cs))
	for i, c := range cs {
		out[i] = c.Row()
	}
	return resp.Array(out...)
}

func commandInfo(s *Server, names [][]byte) resp.Value {
	if len(names) == 0 {
		return rows(s.served())
	}
	out := make([]resp.Value, len(names))
	for i, name := range names {
		out[i] = resp.Nil()
		if c := s.command(name); c != nil {
			out[i] = c.Row()
		}
	}
	return resp.Array(out...)
}

// commandDocs leaves out unknown names; a name asked for twice is answered twice.
func commandDocs(s *Server, names [][]byte) resp.Value {
	var kvs []resp.Value
	add := func(c *resp.Command) { kvs = append(kvs, resp.BulkString(c.Name), c.Doc()) }
	if len(names) == 0 {
		for _, c := range s.served() {
			add(c)
		}
	}
	for _, name := range names {
		if c := s.command(name); c != nil {
			add(c)
		}
	}
	return resp.Map(kvs...)
}

// commandFilter chooses the names of COMMAND LIST.
type commandFilter func(c *resp.Command) bool

func parseCommandFilter(args [][]byte) (commandFilter, error) {
	if len(args) != 3 || !equalFold(args[0], "filterby") {
		return nil, resp.ErrSyntax
	}
	switch {
	case equalFold(args[1], "module"): // there are none
		return func(*resp.Command) bool { return false }, nil
	case equalFold(args[1], "aclcat"):
		want := "@" + string(lowerASCII(args[2]))
		return func(c *resp.Command) bool { return slices.Contains(c.Categories.Names(), want) }, nil
	case equalFold(args[1], "pattern"):
		return func(c *resp.Command) bool { return resp.Match(args[2], []byte(c.Name), true) }, nil
	}
	return nil, resp.ErrSyntax
}

// commandList names commands; subcommands only where a filter finds them.
func commandList(s *Server, args [][]byte) resp.Value {
	if len(args) == 0 {
		var names []resp.Value
		for _, c := range s.served() {
			names = append(names, resp.BulkString(c.Name))
		}
		return resp.Array(names...)
	}
	keep, err := parseCommandFilter(args)
	if err != nil {
		return failure(err)
	}
	var names []resp.Value
	for _, c := range s.served() {
		if keep(c) {
			names = append(names, resp.BulkString(c.Name))
		}
		for _, sub := range c.Subcommands {
			if keep(sub) {
				names = append(names, resp.BulkString(sub.Name))
			}
		}
	}
	return resp.Array(names...)
}

// commandGetKeys finds the keys of the command that args are.
func commandGetKeys(s *Server, args [][]byte, withFlags bool) resp.Value {
	c := s.command(args[0])
	for c != nil && c.Name == "at" && len(args) > 2 {
		args = args[2:] // the keys are those of the inner command
		c = s.command(args[0])
	}
	if c != nil && len(c.Subcommands) > 0 && len(args) > 1 {
		c = s.command([]byte(c.Name + "|" + string(args[1])))
	}
	if c == nil {
		return resp.ErrGetKeysCommand.Value()
	}
	refs, err := c.KeyRefs(args)
	if err != nil {
		return failure(err)
	}
	keys := make([]resp.Value, len(refs))
	for i, r := range refs {
		key := resp.Bulk(args[r.Pos])
		if !withFlags {
			keys[i] = key
			continue
		}
		var flags []resp.Value
		for _, f := range r.Flags.Names() {
			flags = append(flags, resp.Simple(f))
		}
		keys[i] = resp.Array(key, resp.Set(flags...))
	}
	return resp.Array(keys...)
}
