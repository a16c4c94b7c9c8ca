package server

import (
	"errors"
	"io"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/rondokv/rondo/resp"
)

// wire is the connection that redcon reads from. It hands on whole commands only, checked against the protocol and its
// limits, so redcon's parser never meets what it would take wrongly, never waits inside a command and never keeps a
// buffer larger than its first. It also counts bytes and keeps time.
//
// In the usual case one read of the socket goes straight into redcon's buffer, is scanned there and handed on: no copy.
// What comes after the last whole command moves to buf and is completed there. Three kinds of command do not pass through
// redcon at all but aside, their place in the stream held by a dummy: those longer than redcon's first buffer, which it
// would parse again after each read and whose buffer it would keep; inline commands, whose quoting it does not know; and
// empty ones are dropped. A violation is answered here, once the commands before it have been.
type wire struct {
	net.Conn
	srv     *Server
	session *session

	// The reading side belongs to the connection's goroutine.
	frame  framer
	lim    frameLimits
	authed bool   // for the limits
	buf    []byte // what has come in and was not handed on; buf[0] begins a command
	pooled *[]byte
	aside  [][]byte // the command that the dummy stands for
	ended  error    // after a violation: what Read returns

	readAt    int64 // srv.nanos of the last read
	began     int64 // when the unfinished command began; 0 when there is none
	deadline  int64 // the read deadline that is set; 0 for none
	bytesIn   atomic.Int64
	bytesOut  atomic.Int64
	cutReason atomic.Pointer[string]

	writing       sync.Mutex
	writeDeadline int64 // srv.nanos
}

// dummy is what redcon sees of a command that passes aside.
const dummy = "*1\r\n$4\r\nPING\r\n"

const (
	// readRoom is how much is read at once where redcon's own buffer is not used.
	readRoom = 16 << 10
	// minRate is how slowly an unfinished command may come in once it is older than the command timeout, bytes a second.
	minRate = 1 << 10
)

var errCut = errors.New("server: connection cut at a limit")

// takeAside returns the command that the batch's dummy stands for, nil when the batch is what redcon parsed.
func (w *wire) takeAside() [][]byte {
	args := w.aside
	w.aside = nil
	return args
}

// Read implements net.Conn for redcon: all that it returns are whole commands. redcon reads through a bufio.Reader, so p
// has at least 4096 bytes.
func (w *wire) Read(p []byte) (n int, err error) {
	defer func() {
		if cause := recover(); cause != nil { // redcon's loop would take the process with it
			w.srv.panicked(cause, debug.Stack())
			n, err = 0, errInternal
		}
	}()
	if w.ended != nil {
		return 0, w.ended
	}
	for {
		w.lim = limitsOf(w.srv.live.Load(), w.authed)
		w.frame.reset()
		if len(w.buf) > 0 {
			if n, err := w.complete(p); n > 0 || err != nil {
				return n, err
			}
			continue
		}
		n, err := w.receive(p)
		if err != nil {
			return 0, err
		}
		end, v := w.frame.scan(p[:n], &w.lim, false)
		if end == n && v == needMore {
			return n, nil
		}
		w.keep(p[end:n])
		if end > 0 {
			return end, nil
		}
	}
}

// complete hands on the next commands of buf, reading more as needed. It returns 0 and no error when buf has run empty.
func (w *wire) complete(p []byte) (int, error) {
	for len(w.buf) > 0 {
		// Commands that fit into p go through redcon.
		window := w.buf[:min(len(w.buf), len(p))]
		end, v := w.frame.scan(window, &w.lim, false)
		if end > 0 {
			n := copy(p, w.buf[:end])
			w.drop(end)
			return n, nil
		}
		switch {
		case v == violation:
			return w.refuse(w.frame.err)
		case v == oddLine:
			if n, err := w.line(p); n > 0 || err != nil {
				return n, err
			}
		case len(window) == len(p):
			return w.long(p)
		default:
			if err := w.more(readRoom); err != nil {
				return 0, err
			}
		}
	}
	return 0, nil
}

// line takes the inline or empty command at the front of buf. It returns 0 and no error when the caller is to look again.
func (w *wire) line(p []byte) (int, error) {
	words, used, ok := cutLine(w.buf)
	switch {
	case !ok:
		return w.refuse(resp.ErrProtoQuotes)
	case used == 0 && len(w.buf) > maxInline:
		return w.refuse(resp.ErrProtoInlineTooBig)
	case used == 0:
		return 0, w.more(readRoom)
	}
	w.drop(used)
	w.frame.reset()
	if len(words) == 0 {
		return 0, nil
	}
	w.aside = words
	return copy(p, dummy), nil
}

// long reads on until the command at the front of buf is whole, and passes it aside.
func (w *wire) long(p []byte) (int, error) {
	limit := w.srv.live.Load().QueryBufferLimit
	for {
		end, v := w.frame.scan(w.buf, &w.lim, true)
		if v == violation {
			return w.refuse(w.frame.err)
		}
		if end > 0 {
			w.passAside(end)
			w.frame.reset()
			return copy(p, dummy), nil
		}
		if int64(len(w.buf)) > limit {
			return w.cut(&w.srv.totals.cutQuery, "unfinished command over client-query-buffer-limit")
		}
		if err := w.more(max(readRoom, w.frame.pos+w.frame.body-len(w.buf))); err != nil {
			return 0, err
		}
	}
}

// passAside gives the first end bytes of buf away as a command and moves the rest to a buffer of its own.
func (w *wire) passAside(end int) {
	whole, rest := w.buf[:end:end], w.buf[end:]
	if w.pooled != nil {
		// The command keeps its bytes for ever: they must not be the pool's.
		whole = append([]byte(nil), whole...)
		w.aside = splitArgs(whole)
		w.drop(end)
		return
	}
	w.buf = nil
	w.aside = splitArgs(whole)
	w.began = 0
	if len(rest) > 0 {
		w.keep(rest)
	}
}

// more reads into buf, which holds the beginning of a command and is given room. A buffer grows with what has come in: to
// at most twice that, however much the command declares.
func (w *wire) more(want int) error {
	if w.began == 0 {
		w.began = w.readAt
	}
	if due := w.began + int64(w.srv.live.Load().CommandTimeout); w.deadline == 0 || due < w.deadline {
		w.arm()
	}
	if cap(w.buf)-len(w.buf) < min(want, readRoom/4) {
		w.grow(want)
	}
	n, err := w.receive(w.buf[len(w.buf):cap(w.buf)])
	w.buf = w.buf[:len(w.buf)+n]
	if err == nil && w.tooSlow() {
		_, err = w.cut(&w.srv.totals.cutSlow, "unfinished command came in too slowly")
	}
	return err
}

func (w *wire) grow(want int) {
	size := len(w.buf) + max(len(w.buf)/4, min(want, max(len(w.buf), readRoom)))
	next := make([]byte, len(w.buf), size)
	copy(next, w.buf)
	w.release()
	w.buf = next
}

// refuse answers a violation and ends the stream.
func (w *wire) refuse(why resp.Error) (int, error) {
	w.srv.totals.cutProtocol.Add(1)
	w.release()
	w.ended = io.EOF
	_, _ = w.Write(why.Value().AppendTo(nil, 2)) // the connection closes either way
	return 0, w.ended
}

// cut ends the stream without a word, as Redis does at these limits.
func (w *wire) cut(counter *atomic.Int64, why string) (int, error) {
	counter.Add(1)
	w.cutReason.Store(&why)
	w.release()
	w.ended = errCut
	return 0, errCut
}

// keep moves bytes that were read too far into buf.
func (w *wire) keep(tail []byte) {
	w.takePooled()
	if cap(w.buf) < len(tail) {
		w.release()
		w.buf = make([]byte, 0, len(tail)+readRoom)
	}
	w.buf = append(w.buf[:0], tail...)
}

// drop lets go of the first n bytes of buf.
func (w *wire) drop(n int) {
	if n == len(w.buf) {
		w.release()
	} else {
		w.buf = w.buf[:copy(w.buf, w.buf[n:])]
	}
	w.began = 0
}

// takePooled gives buf an empty buffer of readRoom bytes.
func (w *wire) takePooled() {
	w.release()
	b, ok := w.srv.readBuffers.Get().(*[]byte)
	if !ok {
		room := make([]byte, 0, readRoom)
		b = &room
	}
	w.pooled, w.buf = b, (*b)[:0]
}

// release gives up buf.
func (w *wire) release() {
	if w.pooled != nil {
		w.srv.readBuffers.Put(w.pooled)
		w.pooled = nil
	}
	w.buf = nil
}
