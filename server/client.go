package server

import (
	"strings"
	"time"

	"github.com/rondokv/rondo/resp"
)

// clientCommand is CLIENT: what a connection says about itself, and what it may
// see of and do to others.
func clientCommand(s *session, c *resp.Command, args [][]byte) resp.Value {
	s.lastCmd.Store(c) // CLIENT LIST shows the present command of its own connection
	switch c.Name {
	case "client|id":
		return resp.Int(s.id)
	case "client|getname":
		if name := s.clientName(); name != "" {
			return resp.BulkString(name)
		}
		return resp.Nil()
	case "client|setname":
		if !validClientName(args[2]) {
			return resp.ErrClientName.Value()
		}
		s.setName(string(args[2]))
		return resp.OK()
	case "client|setinfo":
		return clientSetInfo(s, args)
	case "client|info":
		info := s.describe()
		return resp.Verbatim(string(info.appendLine(nil)))
	case "client|list":
		return clientList(s, args)
	case "client|kill":
		return clientKill(s, args)
	case "client|no-evict", "client|no-touch":
		return clientSwitch(s, c.Name, args[2])
	case "client|reply":
		return clientReply(s, args[2])
	case "client|pause":
		return clientPause(s, args)
	case "client|unpause":
		s.srv.pause.clear()
		return resp.OK()
	case "client|unblock":
		return clientUnblock(args)
	}
	return s.srv.helpOrUnknown(c, args)
}

// helpOrUnknown ends every container: HELP, which is made from the protocol's
// table, or a subcommand that Redis has and Rondo has not, refused in the words
// with which Redis refuses one that it does not know.
func (s *Server) helpOrUnknown(c *resp.Command, args [][]byte) resp.Value {
	container, sub, _ := strings.Cut(c.Name, "|")
	switch {
	case sub == "help":
		return s.command([]byte(container)).Help()
	case len(args) < 2:
		return resp.UnknownCommand(args).Value()
	}
	return resp.UnknownSubcommand(args[0], args[1]).Value()
}

// failure is the reply for an error that a parser of this package returned.
func failure(err error) resp.Value {
	if e, ok := err.(resp.Error); ok { //nolint:errorlint // parsers return their texts bare
		return e.Value()
	}
	return resp.Errf("ERR %v", err)
}

// clientSetInfo is CLIENT SETINFO of Redis 7.2, whose words these are.
func clientSetInfo(s *session, args [][]byte) resp.Value {
	var attr string
	var field *string
	switch {
	case equalFold(args[2], "lib-name"):
		attr, field = "lib-name", &s.libName
	case equalFold(args[2], "lib-ver"):
		attr, field = "lib-ver", &s.libVer
	default:
		return resp.LibInfoOption(args[2]).Value()
	}
	if !validClientName(args[3]) {
		return resp.LibInfo(attr).Value()
	}
	s.mu.Lock()
	*field = string(args[3])
	s.mu.Unlock()
	return resp.OK()
}

func clientList(s *session, args [][]byte) resp.Value {
	f, err := parseListFilter(args[2:])
	if err != nil {
		return failure(err)
	}
	var b []byte
	s.srv.sessions.each(func(o *session) {
		if info := o.describe(); f.matches(&info, s.id) {
			b = info.appendLine(b)
		}
	})
	return resp.Verbatim(string(b))
}

// clientKill closes connections. The old form with an address answers OK or an
// error and takes this connection too; the newer one counts.
func clientKill(s *session, args [][]byte) resp.Value {
	old := len(args) == 3
	f := clientFilter{}
	if old {
		f.addr = string(args[2])
	} else {
		var err error
		if f, err = parseKillFilter(args[2:], func(user string) bool { return s.srv.users.get(user) != nil }); err != nil {
			return failure(err)
		}
	}
	killed := 0
	s.srv.sessions.each(func(o *session) {
		info := o.describe()
		if f.addr == "" && old || !f.matches(&info, s.id) {
			return
		}
		killed++
		if o == s {
			s.closeAfterReply()
		} else {
			o.kill()
		}
	})
	switch {
	case !old:
		return resp.Int(int64(killed))
	case killed == 0:
		return resp.ErrNoSuchClient.Value()
	}
	return resp.OK()
}

// clientSwitch is NO-EVICT and NO-TOUCH. Rondo never closes a client to save
// memory and keeps no access times, so both are as if on; the choice is shown.
func clientSwitch(s *session, name string, arg []byte) resp.Value {
	on := equalFold(arg, "on")
	if !on && !equalFold(arg, "off") {
		return resp.ErrSyntax.Value()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if name == "client|no-evict" {
		s.noEvict = on
	} else {
		s.noTouch = on
	}
	return resp.OK()
}

func clientReply(s *session, arg []byte) resp.Value {
	switch {
	case equalFold(arg, "on"):
		s.reply = replyOn
		return resp.OK()
	case equalFold(arg, "off"):
		s.reply = replyOff
	case equalFold(arg, "skip"):
		if s.reply != replyOff {
			s.reply = replySkip
		}
	default:
		return resp.ErrSyntax.Value()
	}
	return resp.None()
}

// maxPause bounds CLIENT PAUSE so that sums of times cannot overflow: 100 years.
const maxPause = 100 * 365 * 24 * time.Hour

func clientPause(s *session, args [][]byte) resp.Value {
	writesOnly := false
	switch {
	case len(args) > 4:
		return resp.SubcommandSyntax(args[0], args[1]).Value()
	case len(args) == 4 && equalFold(args[3], "write"):
		writesOnly = true
	case len(args) == 4 && !equalFold(args[3], "all"):
		return resp.ErrPauseMode.Value()
	}
	ms, ok := resp.ParseInt(args[2])
	switch {
	case !ok:
		return resp.ErrTimeoutNotInt.Value()
	case ms < 0:
		return resp.ErrTimeoutNeg.Value()
	}
	pause := maxPause
	if ms < maxPause.Milliseconds() {
		pause = time.Duration(ms) * time.Millisecond
	}
	s.srv.pause.set(s.srv.nanos()+int64(pause), writesOnly)
	return resp.OK()
}

// clientUnblock never finds a client to wake: no command blocks.
func clientUnblock(args [][]byte) resp.Value {
	switch {
	case len(args) > 4:
		return resp.SubcommandSyntax(args[0], args[1]).Value()
	case len(args) == 4 && !equalFold(args[3], "timeout") && !equalFold(args[3], "error"):
		return resp.ErrUnblockReason.Value()
	}
	if _, ok := resp.ParseInt(args[2]); !ok {
		return resp.ErrNotInteger.Value()
	}
	return resp.Int(0)
}
