package server

import (
	"math"
	"strconv"
	"time"

	"github.com/rondokv/rondo/resp"
)

// coreHandlers are the commands of the connection, of transactions and of the whole keyspace.
func coreHandlers() map[string]action {
	return map[string]action{
		"ping":   {run: pingCommand, free: true},
		"echo":   {run: echoCommand, free: true},
		"time":   {run: timeCommand, free: true},
		"select": {run: selectCommand, free: true},

		"at":          {at: true},
		"consistency": {run: consistencyCommand, free: true},
		"keyinfo":     {run: keyInfoCommand},

		"readonly":  {run: readOnlyCommand, free: true},
		"readwrite": {run: readOnlyCommand, free: true},
		"asking":    {run: clusterOnly, free: true},

		"auth":  {run: authCommand},
		"hello": {run: helloCommand},
		"reset": {run: resetCommand, inMulti: true},
		"quit":  {run: quitCommand, inMulti: true},

		"multi":   {run: multiCommand, inMulti: true},
		"exec":    {run: execCommand, inMulti: true},
		"discard": {run: discardCommand, inMulti: true},
		"watch":   {run: watchCommand, inMulti: true},
		"unwatch": {run: unwatchCommand, free: true},

		"scan":      {run: scanCommand},
		"keys":      {run: keysCommand},
		"randomkey": {run: randomKeyCommand},
		"dbsize":    {run: dbSizeCommand},
		"flushdb":   {run: flushDBCommand},
		"flushall":  {run: flushAllCommand},

		"wait":     {run: waitCommand},
		"shutdown": {run: shutdownCommand},
	}
}

func pingCommand(_ *session, _ *resp.Command, args [][]byte) resp.Value {
	switch len(args) {
	case 1:
		return resp.Pong()
	case 2:
		return resp.Bulk(args[1])
	}
	return resp.WrongArity("ping").Value()
}

func echoCommand(_ *session, _ *resp.Command, args [][]byte) resp.Value { return resp.Bulk(args[1]) }

func timeCommand(_ *session, _ *resp.Command, _ [][]byte) resp.Value {
	micros := time.Now().UnixMicro()
	return resp.Array(
		resp.BulkString(strconv.FormatInt(micros/1e6, 10)),
		resp.BulkString(strconv.FormatInt(micros%1e6, 10)))
}

// parseDB reads a database number for this face.
func (s *session) parseDB(arg []byte) (uint8, resp.Error) {
	n, ok := resp.ParseInt(arg)
	switch {
	case !ok:
		return 0, resp.ErrNotInteger
	case n < math.MinInt32 || n > math.MaxInt32:
		return 0, resp.NotInRange(math.MinInt32, math.MaxInt32)
	case s.face == clusterFace && n != 0:
		return 0, resp.ErrSelectCluster
	case n < 0 || n >= databases:
		return 0, resp.ErrDBIndex
	}
	return uint8(n), ""
}

func selectCommand(s *session, _ *resp.Command, args [][]byte) resp.Value {
	db, bad := s.parseDB(args[1])
	if bad != "" {
		return bad.Value()
	}
	s.setDB(db)
	return resp.OK()
}

// readOnlyCommand is READONLY and READWRITE. Every home replica serves what it holds anyway; who says READONLY knows that it
// asks one that is not the primary, and is not sent there.
func readOnlyCommand(s *session, c *resp.Command, _ [][]byte) resp.Value {
	if s.face == forwardFace {
		return resp.ErrClusterDisabled.Value()
	}
	s.readOnly = c.Name == "readonly"
	return resp.OK()
}

// clusterOnly answers ASKING, which changes nothing: no slot is ever served by halves.
func clusterOnly(s *session, _ *resp.Command, _ [][]byte) resp.Value {
	if s.face == forwardFace {
		return resp.ErrClusterDisabled.Value()
	}
	return resp.OK()
}

// authenticate tries a user and a password.
func (s *session) authenticate(user, password []byte) bool {
	u := s.srv.users.get(string(user))
	if !u.takes(password, s.srv.live.Load().RequirePass) {
		s.srv.totals.deniedAuth.Add(1)
		return false
	}
	s.setAuthed(true)
	s.become(u)
	return true
}

func (s *session) setAuthed(authed bool) {
	s.authed = authed
	s.wire.authed = authed
}

func authCommand(s *session, _ *resp.Command, args [][]byte) resp.Value {
	user, password := []byte(defaultUser), args[1]
	switch len(args) {
	case 2:
		if s.srv.live.Load().RequirePass == "" {
			return resp.ErrNoPassword.Value()
		}
	case 3:
		user, password = args[1], args[2]
	default:
		return resp.ErrSyntax.Value()
	}
	if !s.authenticate(user, password) {
		return resp.ErrWrongPass.Value()
	}
	return resp.OK()
}

// helloOptions reads HELLO's version and takes its options one by one: those before a wrong one have had their effect.
func (s *session) helloOptions(args [][]byte) (proto int, bad resp.Error) {
	if len(args) == 1 {
		return 0, ""
	}
	version, ok := resp.ParseInt(args[1])
	switch {
	case !ok:
		return 0, resp.ErrProtoNotInt
	case version < 2 || version > 3:
		return 0, resp.ErrNoProto
	}
	for i := 2; i < len(args); i++ {
		more := len(args) - 1 - i
		switch {
		case equalFold(args[i], "auth") && more >= 2:
			if !s.authenticate(args[i+1], args[i+2]) {
				return 0, resp.ErrWrongPass
			}
			i += 2
		case equalFold(args[i], "setname") && more >= 1:
			if !validClientName(args[i+1]) {
				return 0, resp.ErrClientName
			}
			s.setName(string(args[i+1]))
			i++
		default:
			return 0, resp.HelloOption(args[i])
		}
	}
	return int(version), ""
}

func helloCommand(s *session, _ *resp.Command, args [][]byte) resp.Value {
	proto, bad := s.helloOptions(args)
	if bad != "" {
		return bad.Value()
	}
	if !s.authed {
		return resp.ErrNoAuthHello.Value()
	}
	if proto != 0 {
		s.setProto(proto)
	}
	s.setLevels(Levels{})
	mode := "cluster"
	if s.face == forwardFace {
		mode = "standalone"
	}
	return resp.Map(
		resp.BulkString("server"), resp.BulkString("redis"),
		resp.BulkString("version"), resp.BulkString(RedisVersion),
		resp.BulkString("proto"), resp.Int(int64(s.proto)),
		resp.BulkString("id"), resp.Int(s.id),
		resp.BulkString("mode"), resp.BulkString(mode),
		resp.BulkString("role"), resp.BulkString("master"),
		resp.BulkString("modules"), resp.Array(),
	)
}

// resetCommand makes the connection as new.
func resetCommand(s *session, _ *resp.Command, _ [][]byte) resp.Value {
	s.tx.close()
	s.showTransaction()
	s.stopMonitor()
	s.setDB(0)
	s.setProto(2)
	s.setName("")
	s.reply, s.readOnly, s.writes = replyOn, false, writes{}
	s.setLevels(Levels{})
	s.mu.Lock()
	s.noEvict, s.noTouch = false, false
	s.mu.Unlock()
	s.becomeDefault()
	return resp.Simple("RESET")
}

func quitCommand(s *session, _ *resp.Command, _ [][]byte) resp.Value {
	s.closeAfterReply()
	return resp.OK()
}

// shutdownCommand is SHUTDOWN. There is nothing to save, so SAVE, NOSAVE, NOW and FORCE are all the same.
func shutdownCommand(s *session, _ *resp.Command, args [][]byte) resp.Value {
	var save, noSave, abort bool
	for _, a := range args[1:] {
		switch {
		case equalFold(a, "save"):
			save = true
		case equalFold(a, "nosave"):
			noSave = true
		case equalFold(a, "abort"):
			abort = true
		case !equalFold(a, "now") && !equalFold(a, "force"):
			return resp.ErrSyntax.Value()
		}
	}
	switch {
	case save && noSave || abort && len(args) > 2:
		return resp.ErrSyntax.Value()
	case abort:
		return resp.ErrNoShutdown.Value()
	case s.srv.opt.OnShutdown == nil:
		return resp.ErrShutdownFailed.Value()
	}
	s.srv.log.Info("a client asked for the shutdown", "client", s.addr)
	s.srv.shutdownOnce.Do(func() { go s.srv.opt.OnShutdown() })
	return resp.None() // as in Redis the answer is the end of the connection
}
