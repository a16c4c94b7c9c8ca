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

// wire is the connection that redcon accepted, and what is read from it. It serves whole commands only, checked against
// the protocol and its limits, counts bytes and keeps time.
//
// redcon's loop calls Read once, and Read serves the connection until it ends: redcon's own parser would look at every byte a
// second time, copy each command apart and go over a long one again after each read.
//
// In the usual case one read of the socket brings whole commands: they are scanned where they were read and given one block
// of memory, which their arguments are parts of. What comes after the last whole command moves to buf and is completed there. A
// violation is answered here, once the commands before it have been.
type wire struct {
	net.Conn
	srv     *Server
	session *session
	// serve runs the commands of one read and answers them; leave ends the connection. The commands are good until it returns,
	// their arguments for ever.
	serve func(cmds [][][]byte) (leave bool)

	// The reading side belongs to the connection's goroutine.
	first  []byte // room for a read while nothing unfinished is there
	frame  framer
	lim    frameLimits
	authed bool   // for the limits
	buf    []byte // what has come in and was not served; buf[0] begins a command
	pooled *[]byte
	batch  [][][]byte // being served: arguments of each command
	ended  error      // why nothing more is read

	readAt    int64 // srv.nanos of the last read
	began     int64 // when the unfinished command began; 0 when there is none
	deadline  int64 // the read deadline that is set; 0 for none
	unsure    bool  // the socket may have told of its end unnoticed
	bytesIn   atomic.Int64
	bytesOut  atomic.Int64
	cutReason atomic.Pointer[string]

	writing       sync.Mutex
	writeDeadline int64 // srv.nanos
}

const (
	// readRoom is how much is read at once once a command has not come in whole with one read.
	readRoom = 16 << 10
	// minRate is how slowly an unfinished command may come in once it is older than the command timeout, bytes a second.
	minRate = 1 << 10
)

var errCut = errors.New("server: connection cut at a limit")

// Read implements net.Conn for redcon: it serves the session to its end and then returns why it ended, never any bytes. p is
// the room for what is read; redcon's is 4096 bytes.
func (w *wire) Read(p []byte) (n int, err error) {
	defer func() {
		if cause := recover(); cause != nil { // redcon's loop would take the process with it
			w.srv.panicked(cause, debug.Stack())
			n, err = 0, errInternal
		}
	}()
	w.first = p
	w.begin()
	return 0, w.receive()
}

// begin gets ready for a command.
func (w *wire) begin() {
	w.frame.reset()
	w.lim = limitsOf(w.srv.live.Load(), w.authed)
}

// room is where the next read goes.
func (w *wire) room() []byte {
	if len(w.buf) == 0 {
		return w.first
	}
	// buf holds the beginning of a command. It grows with what has come in: to at most twice that, however much the command
	// declares.
	want := max(readRoom, w.frame.pos+w.frame.body-len(w.buf))
	if cap(w.buf)-len(w.buf) < min(want, readRoom/4) {
		w.grow(want)
	}
	return w.buf[len(w.buf):cap(w.buf)]
}

// took serves what has become whole with the n bytes that were read into room. An error ends the connection.
func (w *wire) took(n int) error {
	w.readAt = w.srv.nanos()
	w.session.lastUsed.Store(w.readAt)
	w.bytesIn.Store(w.bytesIn.Load() + int64(n))
	if len(w.buf) > 0 {
		w.buf = w.buf[:len(w.buf)+n]
		if w.tooSlow() {
			return w.cut(&w.srv.totals.cutSlow, "unfinished command came in too slowly")
		}
		return w.complete()
	}
	end, _ := w.frame.scan(w.first[:n], &w.lim)
	if end < n {
		w.keep(w.first[end:n])
	}
	if end > 0 {
		if err := w.hand(append([]byte(nil), w.first[:end]...)); err != nil {
			return err
		}
	} else {
		w.begin() // a violation is met again from the front
	}
	return w.complete()
}

// complete serves what is whole in buf.
func (w *wire) complete() error {
	for len(w.buf) > 0 {
		end, v := w.frame.scan(w.buf, &w.lim)
		switch {
		case end > 0:
			if err := w.hand(w.take(end)); err != nil {
				return err
			}
		case v == violation:
			return w.refuse(w.frame.err)
		case v == oddLine:
			if whole, err := w.line(); !whole {
				return err
			}
		case int64(len(w.buf)) > w.srv.live.Load().QueryBufferLimit:
			return w.cut(&w.srv.totals.cutQuery, "unfinished command over client-query-buffer-limit")
		default:
			w.unfinished()
			return nil
		}
	}
	return nil
}

// unfinished keeps time for the command at the front of buf.
func (w *wire) unfinished() {
	if w.began == 0 {
		w.began = w.readAt
	}
	if due := w.began + int64(w.srv.live.Load().CommandTimeout); w.deadline == 0 || due < w.deadline {
		w.arm()
	}
}

// line serves the inline or empty command at the front of buf; whole is false when it has not come in whole or ends the connection.
func (w *wire) line() (whole bool, err error) {
	words, used, ok := cutLine(w.buf)
	switch {
	case !ok:
		return false, w.refuse(resp.ErrProtoQuotes)
	case used == 0 && len(w.buf) > maxInline:
		return false, w.refuse(resp.ErrProtoInlineTooBig)
	case used == 0:
		w.unfinished()
		return false, nil
	}
	w.drop(used)
	if len(words) > 0 {
		w.batch = append(w.batch, words)
	}
	err = w.runBatch()
	return err == nil, err
}

// hand serves b, the whole commands that scan has passed. They keep it.
func (w *wire) hand(b []byte) error {
	args := make([][]byte, 0, w.frame.words)
	for len(b) > 0 {
		from := len(args)
		args, b = splitArgs(args, b)
		w.batch = append(w.batch, args[from:len(args):len(args)])
	}
	return w.runBatch()
}

// runBatch serves the batch and forgets it.
func (w *wire) runBatch() error {
	leave := len(w.batch) > 0 && w.serve(w.batch)
	clear(w.batch)
	w.batch = w.batch[:0]
	if cap(w.batch) > keptSteps {
		w.batch = nil
	}
	if leave {
		w.ended = io.EOF // what could be written was; redcon closes
		return w.ended
	}
	w.begin()
	return nil
}

// take gives the first end bytes of buf away and moves the rest.
func (w *wire) take(end int) []byte {
	whole, rest := w.buf[:end:end], w.buf[end:]
	if w.pooled != nil { // commands keep their bytes for ever: they must not be the pool's
		whole = append([]byte(nil), whole...)
		w.drop(end)
		return whole
	}
	w.buf, w.began = nil, 0
	if len(rest) > 0 {
		w.keep(rest)
	}
	return whole
}

func (w *wire) grow(want int) {
	size := len(w.buf) + max(len(w.buf)/4, min(want, max(len(w.buf), readRoom)))
	next := make([]byte, len(w.buf), size)
	copy(next, w.buf)
	w.release()
	w.buf = next
}

// refuse answers a violation and ends the stream.
func (w *wire) refuse(why resp.Error) error {
	w.srv.totals.cutProtocol.Add(1)
	w.release()
	w.ended = io.EOF
	_, _ = w.Write(why.Value().AppendTo(nil, 2)) // the connection closes either way
	return w.ended
}

// cut ends the stream without a word, as Redis does at these limits.
func (w *wire) cut(counter *atomic.Int64, why string) error {
	counter.Add(1)
	w.cutReason.Store(&why)
	w.release()
	w.ended = errCut
	return errCut
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
