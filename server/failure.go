package server

import (
	"errors"
	"strings"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
)

const (
	errClosing  resp.Error = "UNAVAILABLE the node is shutting down"
	errTooLarge resp.Error = "ERR the rows are too large to be sent to the other home replicas; nothing was stored"
)

// outcome is what is known of an operation.
type outcome uint8

const (
	done    outcome = iota
	nothing         // failed, and nothing was stored
	unknown         // may show now, later or never
)

// callError is the reply to an operation that failed, in the words of the face that its client sees, and what is known of it.
func (s *Server) callError(err error, f face) (resp.Value, outcome) {
	var coded resp.Error
	var unavailable *cluster.UnavailableError
	var timeout *cluster.TimeoutError
	var level *cluster.LevelError
	var remote *cluster.RemoteError
	switch {
	case errors.As(err, &unavailable):
		return resp.Unavailable(acksOf(&unavailable.Count), f == clusterFace).Value(), nothing
	case errors.As(err, &timeout):
		return resp.Timeout(acksOf(&timeout.Acks)).Value(), unknown
	case errors.As(err, &level):
		return levelError(level).Value(), nothing
	case errors.Is(err, cluster.ErrOverloaded):
		return resp.Overloaded("the queue of operations").Value(), nothing
	case errors.Is(err, cluster.ErrTooLarge):
		return errTooLarge.Value(), nothing
	case errors.As(err, &remote):
		return remoteError(remote.Text).Value(), nothing
	case errors.As(err, &coded):
		return coded.Value(), nothing
	case errors.Is(err, cluster.ErrClosed):
		return errClosing.Value(), nothing
	case errors.Is(err, object.ErrCorrupt):
		return resp.ErrUnreadable.Value(), nothing
	}
	if s.opt.StoreError != nil {
		if reply, ok := s.opt.StoreError(err); ok {
			return reply.Value(), nothing
		}
	}
	s.log.Error("an operation failed", "err", err)
	return resp.ErrStoreFailed.Value(), unknown
}

// remoteError is what the node that ran an operation said, if it said it as a reply; else its words behind ERR.
func remoteError(text string) resp.Error {
	code, _, more := strings.Cut(text, " ")
	if more && code != "" && strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
		return resp.Error(text)
	}
	return resp.Error("ERR the node that ran the operation refused it: " + text)
}

func acksOf(c *cluster.Count) resp.Acks {
	return resp.Acks{Got: c.Have, Need: c.Need, Of: c.Of, DC: c.DC}
}

// failed is callError of a call of this connection, counted by its level.
func (s *session) failed(err error, kind int, level uint8) (resp.Value, outcome) {
	l := &s.srv.levels[kind][level]
	var unavailable *cluster.UnavailableError
	var timeout *cluster.TimeoutError
	switch {
	case errors.As(err, &unavailable):
		l.unavailable.Add(1)
	case errors.As(err, &timeout):
		l.timeouts.Add(1)
	case errors.Is(err, cluster.ErrOverloaded):
		l.overloaded.Add(1)
	}
	return s.srv.callError(err, s.face)
}

// nodeError is the reply to a failed operation on the whole keyspace.
func (s *session) nodeError(err error) resp.Value {
	if errors.Is(err, cluster.ErrCounting) {
		return errCounting.Value()
	}
	reply, _ := s.srv.callError(err, s.face)
	return reply
}
