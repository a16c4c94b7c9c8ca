package server

import (
	"errors"
	"io"
	"os"
	"time"
)

// The wire's reads and writes of the socket, and when they have taken too long.

// receive reads and serves until the connection ends, and returns why.
func (w *wire) receive() error {
	socket := rawSocket(w.Conn)
	for {
		if w.srv.closing.Load() {
			return io.EOF
		}
		w.armIdle()
		var err error
		if socket != nil {
			err = w.drain(socket)
		} else {
			err = w.readOnce()
		}
		switch {
		case w.ended != nil:
			return w.ended
		case err == nil:
			continue
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return err
		}
		w.unsure = false // it reads next
		if err := w.overdue(); err != nil {
			return err
		}
		w.arm()
	}
}

// readOnce reads what no raw socket is behind, such as TLS.
func (w *wire) readOnce() error {
	n, err := w.Conn.Read(w.room())
	if n > 0 {
		return w.took(n)
	}
	return err
}

// armIdle sets the deadline of a connection that has none and needs one.
func (w *wire) armIdle() {
	if w.deadline == 0 && w.srv.live.Load().IdleTimeout > 0 {
		w.arm()
	}
}

// overdue tells whether a read deadline that passed stands for something: it may be an old one, or a poke.
func (w *wire) overdue() error {
	set, now := w.srv.live.Load(), w.srv.nanos()
	if w.srv.closing.Load() {
		return io.EOF
	}
	if w.mayIdleOut(set) && now-w.readAt >= int64(set.IdleTimeout) {
		return w.cut(&w.srv.totals.cutIdle, "idle")
	}
	if w.tooSlow() {
		return w.cut(&w.srv.totals.cutSlow, "unfinished command came in too slowly")
	}
	return nil
}

// mayIdleOut tells whether silence ends the connection: a client that said MONITOR listens.
func (w *wire) mayIdleOut(set *Settings) bool { return set.IdleTimeout > 0 && w.session.feed == nil }

// tooSlow tells whether a command has been unfinished for the command timeout and came in below the least rate.
func (w *wire) tooSlow() bool {
	timeout := int64(w.srv.live.Load().CommandTimeout)
	if w.began == 0 || timeout <= 0 {
		return false
	}
	age := w.srv.nanos() - w.began
	return age >= timeout && int64(len(w.buf)) < age*minRate/int64(time.Second)
}

// arm sets the read deadline that the present state asks for. A deadline that passes only makes receive look again, so one
// that has become too early is left alone: keeping time costs nothing on the usual way.
func (w *wire) arm() {
	for {
		set, now := w.srv.live.Load(), w.srv.nanos()
		var at int64
		if w.mayIdleOut(set) {
			at = max(w.readAt, w.session.created) + int64(set.IdleTimeout)
		}
		if w.began != 0 && set.CommandTimeout > 0 {
			look := w.began + int64(set.CommandTimeout)
			if look <= now {
				look = now + int64(time.Second)
			}
			if at == 0 || look < at {
				at = look
			}
		}
		if w.unsure && (at == 0 || now+int64(endCheck) < at) {
			at = now + int64(endCheck)
		}
		w.deadline = at
		deadline := time.Time{}
		if at != 0 {
			deadline = w.srv.start.Add(time.Duration(at))
		}
		_ = w.Conn.SetReadDeadline(deadline) // a closed connection is met by the read
		if w.srv.closing.Load() || w.srv.live.Load() == set {
			return
		}
	}
}

// poke wakes a waiting read so that it looks at settings and at Shutdown again. Any goroutine may call it.
func (w *wire) poke() { _ = w.Conn.SetReadDeadline(time.Unix(1, 0)) }

// Write sends b whole. It fails once the client has taken no byte for the write timeout. Any goroutine may call it.
func (w *wire) Write(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil // redcon flushes after each batch what it has not written
	}
	w.writing.Lock()
	defer w.writing.Unlock()
	timeout := int64(w.srv.live.Load().WriteTimeout)
	fresh := false // the deadline was set for what is being written now
	if timeout > 0 && w.session.lastUsed.Load()+timeout/2 > w.writeDeadline {
		w.armWrite(timeout)
		fresh = true
	}
	total := 0
	for {
		n, err := w.Conn.Write(b)
		total += n
		w.bytesOut.Store(w.bytesOut.Load() + int64(n))
		if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return total, err
		}
		if n == 0 && fresh {
			w.srv.totals.cutUnread.Add(1)
			why := "did not read its replies"
			w.cutReason.Store(&why)
			return total, errCut
		}
		b = b[n:]
		w.armWrite(timeout)
		fresh = true
	}
}

func (w *wire) armWrite(timeout int64) {
	w.writeDeadline = w.srv.nanos() + timeout
	_ = w.Conn.SetWriteDeadline(w.srv.start.Add(time.Duration(w.writeDeadline)))
}
