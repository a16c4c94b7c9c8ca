package server

import (
	"net"
	"net/netip"
	"time"

	"github.com/rondokv/rondo/resp"
)

// gate is the listener that redcon accepts from: it turns away what is not let in and wraps the rest.
type gate struct {
	net.Listener
	srv  *Server
	face face
}

// acceptPause is how long accepting rests when the process is out of file descriptors or the like, so that the loop does
// not spin.
const acceptPause = 10 * time.Millisecond

// Accept returns the next connection that is let in, as a *wire with its session. Its only error is net.ErrClosed, after
// which redcon closes every connection: so when the listener is closed it waits until they have been answered.
func (g *gate) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			if g.srv.closing.Load() {
				<-g.srv.drained
				return nil, net.ErrClosed
			}
			g.srv.log.Warn("accepting a connection failed", "address", g.Addr().String(), "err", err)
			select {
			case <-time.After(acceptPause):
				continue
			case <-g.srv.closed:
				continue
			}
		}
		if w := g.admit(c); w != nil {
			return w, nil
		}
	}
}

func (g *gate) admit(c net.Conn) *wire {
	set := g.srv.live.Load()
	if set.ProtectedMode && g.srv.letsIn() && !isLoopback(c.RemoteAddr()) {
		g.turnAway(c, resp.ErrProtected)
		return nil
	}
	conn := c
	if g.srv.opt.TLS != nil {
		conn = &doorConn{Conn: c, srv: g.srv}
	}
	s := newSession(g.srv, g.face, conn)
	if !g.srv.sessions.add(s, set.MaxClients) {
		g.turnAway(c, resp.ErrMaxClients)
		return nil
	}
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetKeepAliveConfig(net.KeepAliveConfig{
			Enable: set.TCPKeepAlive > 0, Idle: set.TCPKeepAlive, Interval: set.TCPKeepAlive / 3, Count: 3,
		}) // without it a vanished client is found later
	}
	g.srv.totals.connections.Add(1)
	return s.wire
}

// turnAway tells why and closes. The text fits the empty send buffer of a new connection; the deadline is for the case
// that it does not.
func (g *gate) turnAway(c net.Conn, why resp.Error) {
	g.srv.totals.rejected.Add(1)
	_ = c.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = c.Write(why.Value().AppendTo(nil, 2))
	_ = c.Close()
}

// isLoopback tells whether the address can only be reached from this machine.
func isLoopback(a net.Addr) bool {
	if a == nil || a.Network() == "unix" {
		return true
	}
	ap, err := netip.ParseAddrPort(a.String())
	return err == nil && ap.Addr().Unmap().IsLoopback()
}
