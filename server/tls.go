package server

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rondokv/rondo/resp"
)

// TLSOptions let clients use TLS, on the listeners of both faces: the first byte of a connection says what it is.
type TLSOptions struct {
	Config *tls.Config
	// Required refuses clients without TLS.
	Required bool
}

const (
	// handshakeByte begins every TLS connection; no command begins with it.
	handshakeByte = 0x16
	// handshakeTimeout bounds how long a handshake may take.
	handshakeTimeout = 10 * time.Second
	// closeTimeout bounds how long the end of a TLS connection is waited for to be said.
	closeTimeout = 100 * time.Millisecond

	errTLSRequired resp.Error = "DENIED this port takes TLS connections only"
)

// doorConn is a connection of which the first read finds out whether it is TLS.
//
// Under TLS a write that timed out is the end, so what was taken of a long write in time is seen to below (pace); and a handshake
// that a deadline interrupts is lost, so deadlines wait until it is done.
type doorConn struct {
	net.Conn // what is on the wire
	srv      *Server
	secure   atomic.Pointer[tls.Conn] // set by the first read; nil: plain
	decided  bool                     // of the reading goroutine
	shaken   bool

	mu      sync.Mutex
	shaking bool      // a handshake is under way
	later   time.Time // the read deadline that was asked for meanwhile
	asked   bool
}

// Read implements net.Conn.
func (d *doorConn) Read(p []byte) (int, error) {
	if !d.decided {
		n, err := d.Conn.Read(p[:1])
		if n == 0 {
			return 0, err
		}
		d.decided = true
		switch {
		case p[0] == handshakeByte:
			d.secure.Store(tls.Server(&pace{Conn: d.Conn, srv: d.srv, first: true}, d.srv.opt.TLS.Config))
		case d.srv.opt.TLS.Required:
			d.srv.totals.rejected.Add(1)
			_ = d.Conn.SetWriteDeadline(time.Now().Add(time.Second))
			_, _ = d.Conn.Write(errTLSRequired.Value().AppendTo(nil, 2)) // who sends plain text may read it
			return 0, io.EOF
		default:
			return n, err
		}
	}
	secure := d.secure.Load()
	if secure == nil {
		return d.Conn.Read(p)
	}
	if !d.shaken {
		if err := d.handshake(secure); err != nil {
			return 0, err
		}
		d.shaken = true
	}
	return secure.Read(p)
}

// handshake runs the handshake with a deadline of its own.
func (d *doorConn) handshake(secure *tls.Conn) error {
	d.mu.Lock()
	d.shaking = true
	err := d.Conn.SetReadDeadline(time.Now().Add(handshakeTimeout))
	d.mu.Unlock()
	if err == nil {
		err = secure.Handshake()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shaking = false
	if err != nil {
		d.srv.totals.tlsFailed.Add(1)
		d.srv.log.Debug("TLS handshake failed", "client", d.RemoteAddr().String(), "err", err)
		return io.EOF // and nothing else: a deadline would be taken for one that may pass
	}
	d.srv.totals.tls.Add(1)
	if !d.asked {
		d.later = time.Unix(1, 0) // whoever reads looks again, and sets the one that it wants
	}
	return d.Conn.SetReadDeadline(d.later)
}

// SetReadDeadline implements net.Conn.
func (d *doorConn) SetReadDeadline(t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shaking {
		d.later, d.asked = t, true
		return nil
	}
	return d.Conn.SetReadDeadline(t)
}

// Write implements net.Conn.
func (d *doorConn) Write(p []byte) (int, error) {
	if secure := d.secure.Load(); secure != nil {
		return secure.Write(p)
	}
	return d.Conn.Write(p)
}

// Close implements net.Conn.
func (d *doorConn) Close() error {
	secure := d.secure.Load()
	if secure == nil {
		return d.Conn.Close()
	}
	if p, ok := secure.NetConn().(*pace); ok {
		p.closing.Store(true)
	}
	return secure.Close()
}

// pace is what TLS writes to and reads from.
type pace struct {
	net.Conn
	srv     *Server
	first   bool // the first byte has been read already
	closing atomic.Bool
}

// Read implements net.Conn.
func (c *pace) Read(p []byte) (int, error) {
	if c.first && len(p) > 0 {
		p[0], c.first = handshakeByte, false
		return 1, nil
	}
	return c.Conn.Read(p)
}

// Write fails once the client has taken no byte for the write timeout.
func (c *pace) Write(p []byte) (total int, err error) {
	for {
		n, err := c.Conn.Write(p[total:])
		total += n
		if err == nil || n == 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return total, err
		}
		if err := c.Conn.SetWriteDeadline(time.Now().Add(c.srv.live.Load().WriteTimeout)); err != nil {
			return total, err
		}
	}
}

// SetWriteDeadline implements net.Conn: closing, which says so to the client, does not wait for one that does not read.
func (c *pace) SetWriteDeadline(t time.Time) error {
	if soon := time.Now().Add(closeTimeout); c.closing.Load() && t.After(soon) {
		t = soon
	}
	return c.Conn.SetWriteDeadline(t)
}
