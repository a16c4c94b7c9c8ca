package server

import (
	"strconv"
	"strings"
	"time"

	"github.com/rondokv/rondo/resp"
)

// clientInfo is one connection as CLIENT LIST shows it.
type clientInfo struct {
	id          int64
	addr, laddr string
	name, user  string
	libName     string
	libVer      string
	age, idle   int64 // seconds
	flags       string
	db          int
	multi       int // commands queued, -1 outside MULTI
	cmd         string
	proto       int
}

// describe may be called from any goroutine.
func (s *session) describe() clientInfo {
	now := s.srv.nanos()
	c := clientInfo{
		id: s.id, addr: s.addr, laddr: s.laddr, user: s.userName(),
		age:   max(now-s.created, 0) / int64(time.Second),
		idle:  max(now-s.lastUsed.Load(), 0) / int64(time.Second),
		db:    int(s.shownDB.Load()),
		multi: int(s.shownTx.Load()),
		proto: int(s.shownRES.Load()),
		cmd:   "NULL",
	}
	if last := s.lastCmd.Load(); last != nil {
		c.cmd = last.Name
	}
	s.mu.Lock()
	c.name, c.libName, c.libVer = s.name, s.libName, s.libVer
	noEvict, noTouch := s.noEvict, s.noTouch
	s.mu.Unlock()
	var flags []byte
	if s.srv.monitors.has(s.id) {
		flags = append(flags, 'O')
	}
	if c.multi >= 0 {
		flags = append(flags, 'x')
	}
	if noEvict {
		flags = append(flags, 'e')
	}
	if noTouch {
		flags = append(flags, 'T')
	}
	c.flags = string(flags)
	if c.flags == "" {
		c.flags = "N"
	}
	return c
}

// appendLine writes the line of Redis 7.0, then lib-name and lib-ver of 7.2
// where the client told them. What Rondo does not measure is 0; fd is -1, since
// a descriptor of this process tells a client nothing.
func (c *clientInfo) appendLine(b []byte) []byte {
	num := func(name string, n int64) {
		b = append(append(b, ' '), name...)
		b = strconv.AppendInt(append(b, '='), n, 10)
	}
	word := func(name, v string) {
		b = append(append(b, ' '), name...)
		b = append(append(b, '='), v...)
	}
	b = append(b, "id="...)
	b = strconv.AppendInt(b, c.id, 10)
	word("addr", c.addr)
	word("laddr", c.laddr)
	num("fd", -1)
	word("name", c.name)
	num("age", c.age)
	num("idle", c.idle)
	word("flags", c.flags)
	num("db", int64(c.db))
	b = append(b, " sub=0 psub=0 ssub=0"...)
	num("multi", int64(c.multi))
	b = append(b, " qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 tot-mem=0 events=r"...)
	word("cmd", c.cmd)
	word("user", c.user)
	b = append(b, " redir=-1"...)
	num("resp", int64(c.proto))
	if c.libName != "" {
		word("lib-name", c.libName)
	}
	if c.libVer != "" {
		word("lib-ver", c.libVer)
	}
	return append(b, '\n')
}

// clientFilter chooses connections for CLIENT LIST and CLIENT KILL.
type clientFilter struct {
	ids         map[int64]bool // nil: any
	kind        string         // normal, master, slave, pubsub; empty: any
	addr, laddr string
	user        string
	maxAge      int64 // seconds; at least so old; 0: any
	skipMe      bool
}

// matches tells whether c, seen by the client with id self, is chosen.
func (f *clientFilter) matches(c *clientInfo, self int64) bool {
	switch {
	case f.ids != nil && !f.ids[c.id],
		f.kind != "" && f.kind != "normal", // there are no others
		f.addr != "" && f.addr != c.addr,
		f.laddr != "" && f.laddr != c.laddr,
		f.user != "" && f.user != c.user,
		f.maxAge > 0 && c.age < f.maxAge,
		f.skipMe && c.id == self:
		return false
	}
	return true
}

// parseClientType reads the TYPE of a filter; replica is another word for slave.
func parseClientType(arg []byte) (string, error) {
	switch t := strings.ToLower(string(arg)); t {
	case "normal", "master", "slave", "pubsub":
		return t, nil
	case "replica":
		return "slave", nil
	}
	return "", resp.UnknownClientType(arg)
}

// parseListFilter reads what follows CLIENT LIST.
func parseListFilter(args [][]byte) (clientFilter, error) {
	var f clientFilter
	switch {
	case len(args) == 0:
		return f, nil
	case len(args) == 2 && equalFold(args[0], "type"):
		var err error
		f.kind, err = parseClientType(args[1])
		return f, err
	case len(args) > 1 && equalFold(args[0], "id"):
		f.ids = make(map[int64]bool)
		for _, a := range args[1:] {
			id, ok := resp.ParseInt(a)
			if !ok {
				return f, resp.ErrClientID
			}
			f.ids[id] = true
		}
		return f, nil
	}
	return f, resp.ErrSyntax
}

// parseKillFilter reads what follows CLIENT KILL in its newer form. known tells whether there is a user of that name.
func parseKillFilter(args [][]byte, known func(user string) bool) (clientFilter, error) {
	f := clientFilter{skipMe: true}
	if len(args)%2 != 0 {
		return f, resp.ErrSyntax
	}
	for ; len(args) > 0; args = args[2:] {
		if equalFold(args[0], "user") && !known(string(args[1])) {
			return f, resp.NoSuchUser(args[1])
		}
		if err := f.option(args[0], args[1]); err != nil {
			return f, err
		}
	}
	return f, nil
}

func (f *clientFilter) option(name, value []byte) (err error) {
	switch strings.ToLower(string(name)) {
	case "id":
		id, ok := resp.ParseInt(value)
		if !ok || id < 1 {
			return resp.ErrClientIDPos
		}
		f.ids = map[int64]bool{id: true}
	case "type":
		f.kind, err = parseClientType(value)
	case "addr":
		f.addr = string(value)
	case "laddr":
		f.laddr = string(value)
	case "user":
		f.user = string(value)
	case "maxage": // of Redis 7.4
		age, ok := resp.ParseInt(value)
		if !ok {
			return errMaxAge
		}
		if age <= 0 {
			return errMaxAgePositive
		}
		f.maxAge = age
	case "skipme":
		switch {
		case equalFold(value, "yes"):
			f.skipMe = true
		case equalFold(value, "no"):
			f.skipMe = false
		default:
			return resp.ErrSyntax
		}
	default:
		return resp.ErrSyntax
	}
	return err
}

const (
	errMaxAge         resp.Error = "ERR maxage is not an integer or out of range"
	errMaxAgePositive resp.Error = "ERR maxage should be greater than 0"
)
