package gossip

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// maxStreams bounds what comes in: memberlist starts a goroutine for each and lets it live for streamTimeout.
const maxStreams = 256

// portTries is for port 0: the port that is free for TCP may be taken for UDP.
const portTries = 10

// transport is memberlist's own, UDP and TCP on one port, with what that lacks: a bound on incoming streams, and a Shutdown that
// ends streams and dials under way, so that nothing of this node touches the network afterwards.
type transport struct {
	*memberlist.NetTransport
	ctx     context.Context
	cancel  context.CancelFunc
	streams chan net.Conn
	stopped chan struct{} // the listeners are gone: nothing comes in any more
	wg      sync.WaitGroup
	logger  *log.Logger

	mu     sync.Mutex
	open   map[*trackedConn]struct{}
	in     int
	closed bool
}

func newTransport(bind netip.AddrPort, l *log.Logger) (*transport, error) {
	var (
		nt  *memberlist.NetTransport
		err error
	)
	for range portTries {
		nt, err = memberlist.NewNetTransport(&memberlist.NetTransportConfig{
			BindAddrs: []string{bind.Addr().String()}, BindPort: int(bind.Port()), Logger: l,
		})
		if err == nil || bind.Port() != 0 {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("gossip: listening on %s: %w", bind, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t := &transport{
		NetTransport: nt, ctx: ctx, cancel: cancel, logger: l,
		streams: make(chan net.Conn), stopped: make(chan struct{}), open: map[*trackedConn]struct{}{},
	}
	t.wg.Go(t.accept)
	return t, nil
}

func (t *transport) port() uint16 { return uint16(t.GetAutoBindPort()) }

func (t *transport) accept() {
	for {
		select {
		case c := <-t.NetTransport.StreamCh():
			conn, err := t.track(c, true)
			if err != nil {
				t.logger.Printf("[WARN] gossip: stream from %s refused: %v", c.RemoteAddr(), err)
				continue
			}
			select {
			case t.streams <- conn:
			case <-t.ctx.Done():
				_ = conn.Close()
			}
		case <-t.stopped:
			return
		}
	}
}

// StreamCh hides the unbounded one.
func (t *transport) StreamCh() <-chan net.Conn { return t.streams }

func (t *transport) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	return t.DialAddressTimeout(memberlist.Address{Addr: addr}, timeout)
}

func (t *transport) DialAddressTimeout(a memberlist.Address, timeout time.Duration) (net.Conn, error) {
	d := net.Dialer{Timeout: timeout}
	c, err := d.DialContext(t.ctx, "tcp", a.Addr)
	if err != nil {
		return nil, err
	}
	return t.track(c, false)
}

var errStreams = errors.New("gossip: shut down, or too many streams")

func (t *transport) track(c net.Conn, in bool) (net.Conn, error) {
	tc := &trackedConn{Conn: c, t: t, in: in}
	t.mu.Lock()
	refuse := t.closed || in && t.in >= maxStreams
	if !refuse {
		t.open[tc] = struct{}{}
		if in {
			t.in++
		}
	}
	t.mu.Unlock()
	if refuse {
		_ = c.Close()
		return nil, errStreams
	}
	return tc, nil
}

// Shutdown closes the listeners and every stream, and joins the goroutines of both transports.
func (t *transport) Shutdown() error {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return nil
	}
	t.closed = true
	open := make([]*trackedConn, 0, len(t.open))
	for c := range t.open {
		open = append(open, c)
	}
	t.mu.Unlock()
	t.cancel()
	for _, c := range open {
		_ = c.Close()
	}
	// accept goes on until the listeners are gone: one of them may be handing it a stream.
	err := t.NetTransport.Shutdown()
	close(t.stopped)
	t.wg.Wait()
	return err
}

type trackedConn struct {
	net.Conn
	t    *transport
	in   bool
	once sync.Once
}

// Close gives the stream's place back.
func (c *trackedConn) Close() error {
	c.once.Do(func() {
		c.t.mu.Lock()
		defer c.t.mu.Unlock()
		delete(c.t.open, c)
		if c.in {
			c.t.in--
		}
	})
	return c.Conn.Close()
}
