package server

import (
	"bytes"
	"strconv"

	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
)

const databases = object.DBCount

const (
	scanDefaultCount = 10
	// scanMaxCount bounds what one SCAN may gather; COUNT is a wish.
	scanMaxCount = 1 << 20
)

const (
	errCounting    resp.Error = "LOADING Rondo is counting its keys after an unclean stop"
	errKeysTooMany resp.Error = "ERR the reply would exceed client-output-buffer-limit, use SCAN"
)

// scanOptions are the arguments of SCAN.
type scanOptions struct {
	cursor  uint64
	count   int
	pattern []byte // nil: all
	kind    []byte // of TYPE; nil: all
}

func parseScan(args [][]byte) (o scanOptions, bad resp.Error) {
	var ok bool
	if o.cursor, ok = resp.ParseCursor(args[1]); !ok {
		return o, resp.ErrInvalidCursor
	}
	o.count = scanDefaultCount
	for i := 2; i < len(args); i += 2 {
		more := i+1 < len(args)
		switch {
		case more && equalFold(args[i], "count"):
			n, ok := resp.ParseInt(args[i+1])
			if !ok {
				return o, resp.ErrNotInteger
			}
			if n < 1 {
				return o, resp.ErrSyntax
			}
			o.count = int(min(n, scanMaxCount))
		case more && equalFold(args[i], "match"):
			o.pattern = args[i+1]
		case more && equalFold(args[i], "type"):
			o.kind = args[i+1]
		default:
			return o, resp.ErrSyntax
		}
	}
	return o, ""
}

func (o *scanOptions) wants(name []byte, t object.Type) bool {
	return (o.kind == nil || equalFold(o.kind, t.String())) && (o.pattern == nil || matches(o.pattern, name))
}

func scanCommand(s *session, _ *resp.Command, args [][]byte) resp.Value {
	o, bad := parseScan(args)
	if bad != "" {
		return bad.Value()
	}
	var names []resp.Value
	next, err := s.srv.keys.Scan(s.face.scope(), s.db, o.cursor, o.count, func(name []byte, t object.Type) {
		if o.wants(name, t) {
			names = append(names, resp.Bulk(bytes.Clone(name)))
		}
	})
	if err != nil {
		return s.nodeError(err)
	}
	return resp.Array(resp.BulkString(strconv.FormatUint(next, 10)), resp.Array(names...))
}

func keysCommand(s *session, _ *resp.Command, args [][]byte) resp.Value {
	limit := s.srv.live.Load().OutputBufferLimit
	var names []resp.Value
	var size int64
	err := s.srv.keys.Keys(s.face.scope(), s.db, func(name []byte) bool {
		if matches(args[1], name) {
			names = append(names, resp.Bulk(bytes.Clone(name)))
			size += int64(len(name)) + 32
		}
		return size <= limit && !s.srv.closing.Load()
	})
	switch {
	case err != nil:
		return s.nodeError(err)
	case size > limit:
		return errKeysTooMany.Value()
	case s.srv.closing.Load():
		return errClosing.Value()
	}
	return resp.Array(names...)
}

func randomKeyCommand(s *session, _ *resp.Command, _ [][]byte) resp.Value {
	name, ok, err := s.srv.keys.RandomKey(s.face.scope(), s.db)
	switch {
	case err != nil:
		return s.nodeError(err)
	case !ok:
		return resp.Nil()
	}
	return resp.Bulk(name)
}

func dbSizeCommand(s *session, _ *resp.Command, _ [][]byte) resp.Value {
	n, err := s.srv.keys.Size(s.face.scope(), s.db)
	if err != nil {
		return s.nodeError(err)
	}
	return resp.Int(n)
}

func flushDBCommand(s *session, _ *resp.Command, args [][]byte) resp.Value {
	return s.flushKeys(int(s.db), args)
}

func flushAllCommand(s *session, _ *resp.Command, args [][]byte) resp.Value {
	return s.flushKeys(-1, args)
}

// flushKeys removes all keys; SYNC and ASYNC are the same here, where nothing is freed key by key.
func (s *session) flushKeys(db int, args [][]byte) resp.Value {
	if len(args) > 2 || len(args) == 2 && !equalFold(args[1], "sync") && !equalFold(args[1], "async") {
		return resp.ErrSyntax.Value()
	}
	if err := s.srv.keys.Flush(s.face.scope(), db, s.levels.force.Write); err != nil {
		return s.nodeError(err)
	}
	return resp.OK()
}

// matchesAll reports whether a pattern is the one that matches every name; Match itself does not let "*" match the empty name.
func matchesAll(pattern []byte) bool { return len(pattern) == 1 && pattern[0] == '*' }

func matches(pattern, name []byte) bool {
	return matchesAll(pattern) || resp.Match(pattern, name, false)
}
