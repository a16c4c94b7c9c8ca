package peer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"

	"github.com/rondokv/rondo/engine/object"
)

// protocol is what both sides must name in the TLS handshake, so that no other service with such a certificate, and no
// client of one, is taken for a peer.
const protocol = "rondo-peer"

// Identity is the URI that a node's certificate must have among its subject alternative names.
func Identity(id object.NodeID) string { return fmt.Sprintf("rondo://node/%016x", uint64(id)) }

var errIdentity = errors.New("peer: certificate does not name the node")

// identity is how this node proves who it is, and has others prove it.
type identity struct {
	accepting, dialing *tls.Config
	roots              *x509.CertPool
}

func newIdentity(c *tls.Config, self object.NodeID) (*identity, error) {
	if c.RootCAs == nil {
		return nil, errors.New("peer: TLS needs RootCAs: who signs the certificates of nodes")
	}
	for _, cert := range c.Certificates {
		leaf, err := x509.ParseCertificate(cert.Certificate[0])
		if err != nil {
			return nil, fmt.Errorf("peer: certificate of this node: %w", err)
		}
		if err := names(leaf, self); err != nil {
			return nil, fmt.Errorf("certificate of this node: %w", err)
		}
	}
	base := c.Clone()
	base.MinVersion = max(base.MinVersion, tls.VersionTLS13)
	base.NextProtos = []string{protocol}
	base.SessionTicketsDisabled = true
	base.ClientSessionCache = nil

	i := &identity{accepting: base, dialing: base.Clone(), roots: c.RootCAs}
	i.accepting.GetConfigForClient = nil
	i.accepting.ClientAuth = tls.RequireAndVerifyClientCert
	if i.accepting.ClientCAs == nil {
		i.accepting.ClientCAs = c.RootCAs
	}
	// Who answers is verified by client, against the id that was dialed and not against a host's name.
	i.dialing.InsecureSkipVerify = true
	i.dialing.ServerName = ""
	return i, nil
}

// client is the TLS handshake of the node that dials.
func (i *identity) client(ctx context.Context, raw net.Conn, id object.NodeID) (net.Conn, error) {
	c := i.dialing.Clone()
	c.VerifyConnection = func(s tls.ConnectionState) error {
		if len(s.PeerCertificates) == 0 {
			return errIdentity
		}
		between := x509.NewCertPool()
		for _, cert := range s.PeerCertificates[1:] {
			between.AddCert(cert)
		}
		o := x509.VerifyOptions{Roots: i.roots, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
		if i.dialing.Time != nil {
			o.CurrentTime = i.dialing.Time()
		}
		if _, err := s.PeerCertificates[0].Verify(o); err != nil {
			return err
		}
		return names(s.PeerCertificates[0], id)
	}
	conn := tls.Client(raw, c)
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("TLS handshake: %w", err)
	}
	if conn.ConnectionState().NegotiatedProtocol != protocol {
		return nil, fmt.Errorf("TLS handshake: %w", errProtocol)
	}
	return conn, nil
}

// server is the TLS handshake of the node that accepts. Which node it is talking to is for verify to say, once that has
// told its id.
func (i *identity) server(ctx context.Context, raw net.Conn) (net.Conn, error) {
	conn := tls.Server(raw, i.accepting)
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("TLS handshake: %w", err)
	}
	if conn.ConnectionState().NegotiatedProtocol != protocol {
		return nil, fmt.Errorf("TLS handshake: %w", errProtocol)
	}
	return conn, nil
}

var errProtocol = errors.New("the other side does not speak " + protocol)

// verify reports an error unless the certificate of who dialed names the node.
func verify(conn net.Conn, id object.NodeID) error {
	tc, ok := conn.(*tls.Conn)
	if !ok {
		return errIdentity
	}
	certs := tc.ConnectionState().PeerCertificates
	if len(certs) == 0 {
		return errIdentity
	}
	return names(certs[0], id)
}

func names(cert *x509.Certificate, id object.NodeID) error {
	want := Identity(id)
	for _, u := range cert.URIs {
		if u.String() == want {
			return nil
		}
	}
	return fmt.Errorf("%w: %s is not among its URIs", errIdentity, want)
}
