package chaos

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// Slowness is what a Relay does to each direction of a connection.
type Slowness struct {
	Delay time.Duration // from coming in to going out
	Rate  int           // bytes a second
}

// Relay passes TCP connections on, slowly. It keeps order, and holds what is on
// its way in memory: at most window bytes a direction, then it stops reading and
// TCP holds the sender back.
type Relay struct {
	ln     net.Listener
	target string
	slow   Slowness

	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]struct{}
	owned  sync.WaitGroup
}

const (
	relayPiece  = 16 << 10
	relayWindow = 64 // pieces
)

// NewRelay begins to pass what the listener accepts on to target. It owns the listener.
func NewRelay(ln net.Listener, target string, slow Slowness) *Relay {
	r := &Relay{ln: ln, target: target, slow: slow, conns: map[net.Conn]struct{}{}}
	r.owned.Go(r.accept)
	return r
}

// Close breaks all connections and waits for all goroutines.
func (r *Relay) Close() error {
	r.mu.Lock()
	r.closed = true
	for c := range r.conns {
		_ = c.Close() // it is to be broken
	}
	r.mu.Unlock()
	err := r.ln.Close()
	r.owned.Wait()
	return err
}

func (r *Relay) accept() {
	for {
		in, err := r.ln.Accept()
		if err != nil {
			return // closed
		}
		if r.hold(in) {
			r.owned.Go(func() { r.pass(in) })
		}
	}
}

// hold has Close break a connection; false when that has happened.
func (r *Relay) hold(c net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		_ = c.Close() // nothing was said over it
		return false
	}
	r.conns[c] = struct{}{}
	return true
}

func (r *Relay) drop(c net.Conn) {
	r.mu.Lock()
	delete(r.conns, c)
	r.mu.Unlock()
	_ = c.Close() // both ends learn of it
}

func (r *Relay) pass(in net.Conn) {
	defer r.drop(in)
	out, err := net.DialTimeout("tcp", r.target, time.Second)
	if err != nil || !r.hold(out) {
		return
	}
	defer r.drop(out)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
		both.Go(func() {
			_ = r.slow.copy(ctx, way[1], way[0]) // a connection that broke is passed on as that
			cancel()
			_, _ = in.Close(), out.Close()
		})
	}
	both.Wait()
}

// piece is some bytes on their way.
type piece struct {
	bytes []byte
	due   time.Time
}

// copy passes on what comes until an end breaks.
func (s Slowness) copy(ctx context.Context, to io.Writer, from io.Reader) error {
	pieces := make(chan piece, relayWindow)
	var reading sync.WaitGroup
	defer reading.Wait()
	reading.Go(func() {
		defer close(pieces)
		for {
			buf := make([]byte, relayPiece)
			n, err := from.Read(buf)
			if n > 0 {
				select {
				case pieces <- piece{buf[:n], time.Now().Add(s.Delay)}:
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				return
			}
		}
	})
	free := time.Now() // when the line is free again
	for p := range pieces {
		if free.Before(p.due) {
			free = p.due
		}
		free = free.Add(time.Duration(len(p.bytes)) * time.Second / time.Duration(s.Rate))
		select {
		case <-time.After(time.Until(free)):
		case <-ctx.Done():
			return ctx.Err()
		}
		if _, err := to.Write(p.bytes); err != nil {
			return errors.Join(err, closeReader(from))
		}
	}
	return nil
}

// closeReader ends a reader that has an end.
func closeReader(r io.Reader) error {
	if c, ok := r.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
