package server

import (
	"errors"
	"strings"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
)

const (
	errClockCeiling resp.Error = "OVERLOADED the clock's ceiling has to be raised, nothing was done, try again later"

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
	var unavailable *cluster.UnavailableError
	var timeout *cluster.TimeoutError
	var remote *cluster.RemoteError
	switch {
	case errors.As(err, &unavailable):
		return resp.Unavailable(acksOf(&unavailable.Count), f == clusterFace).Value(), nothing
	case errors.As(err, &timeout):
		return resp.Timeout(acksOf(&timeout.Acks)).Value(), unknown
	case errors.As(err, &remote):
		words := remoteError(remote.Text)
		if words == resp.ErrStoreFailed {
			return words.Value(), unknown
		}
		return words.Value(), nothing
	}
	if words, ok := errorWords(err, s.opt.StoreError); ok {
		return words.Value(), nothing
	}
	s.log.Error("an operation failed", "err", err)
	return resp.ErrStoreFailed.Value(), unknown
}

// errorWords are the words for an error after which nothing was stored, the same on both faces and whichever node says them;
// false for one of which nothing is known.
func errorWords(err error, storeError func(error) (resp.Error, bool)) (resp.Error, bool) {
	var coded resp.Error
	var level *cluster.LevelError
	switch {
	case errors.As(err, &level):
		return levelError(level), true
	case errors.Is(err, errWaiting):
		return resp.Overloaded("the room for commands that wait for other nodes"), true
	case errors.Is(err, cluster.ErrOverloaded):
		return resp.Overloaded("the queue of operations"), true
	case errors.Is(err, cluster.ErrClockCeiling):
		return errClockCeiling, true
	case errors.Is(err, cluster.ErrTooLarge):
		return errTooLarge, true
	case errors.As(err, &coded):
		return coded, true
	case errors.Is(err, cluster.ErrClosed):
		return errClosing, true
	case errors.Is(err, object.ErrCorrupt):
		return resp.ErrUnreadable, true
	case storeError == nil:
		return "", false
	}
	return storeError(err)
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
