package server

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// endCheck is after how long a socket is read that was not read to its end.
const endCheck = 100 * time.Millisecond

// rawSocket is the socket behind a connection, nil when there is more to reading it than that.
func rawSocket(c net.Conn) syscall.RawConn {
	t, ok := c.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// drain reads and serves whenever the socket is readable, until the connection ends or its read deadline passes.
//
// net.Conn reads until the kernel says that there is nothing more, and waits then: two system calls for a request that came
// alone. The poller reports edges (EPOLLET): each arrival of bytes once. Who has read less than there was room for has read all and
// may wait at once (epoll(7), "Do I need to continuously read/write a file descriptor until EAGAIN"). That is sound only within one
// call of RawConn.Read, which between the calls of its function forgets no edge; so the commands are served in there.
//
// What a short read can miss is the end of the stream when it came in with the last bytes, as from a client that sends its
// commands and closes its side: there is no further edge for it. Therefore endCheck after such a read the socket is read again.
func (w *wire) drain(socket syscall.RawConn) error {
	return socket.Read(func(fd uintptr) (done bool) {
		for {
			room := w.room()
			n, err := syscall.Read(int(fd), room)
			switch {
			case n > 0:
				w.ended = w.took(n)
			case n == 0:
				w.ended = io.EOF
			case errors.Is(err, syscall.EINTR):
				continue
			case errors.Is(err, syscall.EAGAIN):
				return w.stay()
			default:
				w.ended = os.NewSyscallError("read", err)
			}
			if w.ended != nil {
				return true
			}
			if n < len(room) {
				if !w.unsure {
					w.unsure = true
					w.arm()
				}
				return w.stay()
			}
			if w.srv.closing.Load() {
				return true
			}
		}
	})
}

// stay prepares for waiting; leave says that there is no need to. Shutdown sets closing before it makes deadlines pass, and deadlines
// are set here before closing is looked at: one of the two sees the other.
func (w *wire) stay() (leave bool) {
	w.armIdle()
	return w.srv.closing.Load()
}
