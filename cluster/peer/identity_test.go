package peer

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net/url"
	"testing"
	"time"

	"github.com/rondokv/rondo/engine/object"
)

// authority signs certificates.
type authority struct {
	t    testing.TB
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pool *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	a := &authority{t: t, pool: x509.NewCertPool()}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pool.AddCert(a.cert)
	return a
}

// config returns the TLS settings of a node whose certificate has the URIs.
func (a *authority) config(uris ...string) *tls.Config {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	for _, s := range uris {
		u, err := url.Parse(s)
		if err != nil {
			a.t.Fatal(err)
		}
		template.URIs = append(template.URIs, u)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, RootCAs: a.pool}
}

func TestTLS(t *testing.T) {
	ca := newAuthority(t)
	a, b := pair(t, func(o *Options) { o.TLS = ca.config("https://other.example/", Identity(o.Self)) })
	for i := range uint64(100) {
		if !a.links.Send(2, request(i, 0, 20_000)) || !b.links.Send(1, request(i, 0, 10)) {
			t.Fatal("not taken")
		}
	}
	a.await(t, "messages", func() bool { return a.count() == 100 })
	b.await(t, "messages", func() bool { return b.count() == 100 })
}

func TestTLSNeedsTheNodesOwnCertificate(t *testing.T) {
	ca := newAuthority(t)
	l := listen(t)
	defer func() { _ = l.Close() }()
	for _, c := range []*tls.Config{ca.config(), ca.config(Identity(2)), {Certificates: ca.config(Identity(1)).Certificates}} {
		if links, err := New(Options{Self: 1, Listener: l, Handler: &node{}, TLS: c}); err == nil {
			_ = links.Close()
			t.Error("no error")
		}
	}
}

// TestImpostors: a certificate is worth what it says and who signed it, on both sides.
func TestImpostors(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	mine := func() *tls.Config { return ca.config(Identity(1)) }
	foreign := other.config(Identity(2))
	foreign.RootCAs = ca.pool // it would trust node 1
	bare := foreign.Clone()
	bare.Certificates = nil
	for _, c := range []struct {
		name   string
		config *tls.Config // of who claims to be node 2
		reason Refusal
	}{
		{"of another node", ca.config(Identity(3)), RefusedIdentity},
		{"of no node", ca.config(), RefusedIdentity},
		{"of another authority", foreign, RefusedTLS},
		{"without certificate", bare, RefusedTLS},
		{"without TLS", nil, RefusedTLS},
		{"the node itself", ca.config(Identity(2)), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := listen(t)
			victim := newNode(t, Options{Self: 1, Listener: l, TLS: mine()})
			peers := []Peer{{ID: 2, Addr: "127.0.0.1:1"}}
			victim.links.SetPeers(peers)

			genuine := c.reason == 0

			// It is dialed: node 1 must not believe it.
			trap := listen(t)
			defer func() { _ = trap.Close() }()
			go func() {
				conn, err := trap.Accept()
				if err != nil {
					return
				}
				defer func() { _ = conn.Close() }()
				if c.config != nil {
					s := c.config.Clone()
					s.NextProtos = []string{protocol}
					conn = tls.Server(conn, s)
				}
				_, _ = conn.Write(appendWelcome(nil, &welcome{version: 1, node: 2, inc: 1}))
				_, _, _ = readGreeting(conn)
			}()
			k := newLink(victim.links, Peer{ID: 2, Addr: trap.Addr().String()})
			h, err := k.connect()
			if (err == nil) != genuine {
				t.Errorf("dialed: %v", err)
			}
			k.loseOut(h)

			// It dials: node 1 must not let it in.
			k = newLink(impostor(c.config), Peer{ID: 1, Addr: l.Addr().String()})
			h, err = k.connect()
			if (err == nil) != genuine {
				t.Errorf("dials: %v", err)
			}
			k.loseOut(h)
			var refused *RefusedError
			if c.reason == RefusedIdentity && (!errors.As(err, &refused) || refused.Reason != RefusedIdentity) {
				t.Errorf("dials: %v", err)
			}
			if err := victim.links.Close(); err != nil { // and count all
				t.Fatal(err)
			}
			if n := victim.links.Refused(); !genuine && (len(n) != 1 || n[c.reason] != 1) {
				t.Errorf("refused: %v", n)
			}
		})
	}
}

// impostor is who claims to be node 2 with a certificate that Links would not even begin with.
func impostor(c *tls.Config) *Links {
	l := &Links{self: 2, inc: 1, limits: Limits{}.withDefaults(), start: time.Now(), ctx: context.Background()}
	l.dialer = dialTCP
	if c != nil {
		base := c.Clone()
		base.NextProtos = []string{protocol}
		base.InsecureSkipVerify = true
		l.tls = &identity{dialing: base, roots: c.RootCAs}
	}
	return l
}

// TestOtherServicesCertificates: a client of another service with a node's certificate is no peer.
func TestOtherServicesCertificates(t *testing.T) {
	ca := newAuthority(t)
	l := listen(t)
	victim := newNode(t, Options{Self: 1, Listener: l, TLS: ca.config(Identity(1))})
	victim.links.SetPeers([]Peer{{ID: object.NodeID(2), Addr: "127.0.0.1:1"}})
	c := ca.config(Identity(2))
	c.InsecureSkipVerify = true
	conn, err := tls.Dial("tcp", l.Addr().String(), c)
	if err == nil {
		defer func() { _ = conn.Close() }()
		if _, _, err = readGreeting(conn); err == nil {
			t.Error("let in without naming the protocol")
		}
	}
	if err := victim.links.Close(); err != nil { // and count all
		t.Fatal(err)
	}
	if n := victim.links.Refused()[RefusedTLS]; n != 1 {
		t.Errorf("refused: %v", victim.links.Refused())
	}
}
