package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// authority signs certificates.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	a := &authority{t: t, pool: x509.NewCertPool()}
	var pair tls.Certificate
	pair, a.key = a.sign("authority", true)
	a.cert = pair.Leaf
	a.pool.AddCert(a.cert)
	return a
}

func (a *authority) sign(name string, ca bool) (tls.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: ca, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	parent, signer := c, key
	if a.cert != nil {
		parent, signer = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, key
}

// newTLSRig is a server with a certificate.
func newTLSRig(t testing.TB, a *authority, change ...func(*TLSOptions)) *rig {
	cert, _ := a.sign("node", false)
	o := &TLSOptions{Config: &tls.Config{Certificates: []tls.Certificate{cert}}}
	for _, f := range change {
		f(o)
	}
	return newRig(t, func(options *Options) { options.TLS = o })
}

// dialTLS connects; the handshake is done by the first command.
func (r *rig) dialTLS(t testing.TB, addr string, a *authority, certs ...tls.Certificate) *client {
	t.Helper()
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	conn := tls.Client(raw, &tls.Config{RootCAs: a.pool, ServerName: "127.0.0.1", Certificates: certs})
	t.Cleanup(func() { _ = raw.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return &client{t: t, conn: conn}
}

// One port takes both, on both faces.
func TestTLS(t *testing.T) {
	a := newAuthority(t)
	r := newTLSRig(t, a)
	for _, addr := range []string{r.cluster, r.forward} {
		c := r.dialTLS(t, addr, a)
		c.want("OK", "SET", "k", "v")
		big := strings.Repeat("0123456789", 200_000)
		c.want("OK", "SET", "big", big)
		if got := c.do("GET", "big").Str; got != big {
			t.Errorf("%d bytes came back", len(got))
		}
		c.send(append(append(encode("PING"), encode("GET", "k")...), encode("PING", "x")...))
		for _, want := range []string{"PONG", `"v"`, `"x"`} {
			c.next(want)
		}
		plain := r.dial(addr)
		plain.want(`"v"`, "GET", "k")
		c.want("OK", "QUIT")
		c.wantEnd()
	}
	if n, failed := r.srv.totals.tls.Load(), r.srv.totals.tlsFailed.Load(); n != 2 || failed != 0 {
		t.Errorf("%d handshakes counted, %d failures", n, failed)
	}
	raw, err := net.Dial("tcp", r.forward)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = raw.Close() }()
	if _, err := raw.Write([]byte("\x16\x03\x01\x00\x05hello, this is no handshake")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the failure is counted", func() bool { return r.srv.totals.tlsFailed.Load() == 1 })
}

func TestTLSRequired(t *testing.T) {
	a := newAuthority(t)
	r := newTLSRig(t, a, func(o *TLSOptions) { o.Required = true })
	c := r.dial(r.forward)
	c.send(encode("PING"))
	c.next("-DENIED this port takes TLS connections only")
	c.wantEnd()
	r.dialTLS(t, r.forward, a).want("PONG", "PING")
}

func TestClientCertificates(t *testing.T) {
	a, others := newAuthority(t), newAuthority(t)
	r := newTLSRig(t, a, func(o *TLSOptions) {
		o.Config.ClientCAs, o.Config.ClientAuth = a.pool, tls.RequireAndVerifyClientCert
	})
	good, _ := a.sign("client", false)
	r.dialTLS(t, r.forward, a, good).want("PONG", "PING")
	bad, _ := others.sign("client", false)
	for _, certs := range [][]tls.Certificate{nil, {bad}} {
		c := r.dialTLS(t, r.forward, a, certs...)
		_, _ = c.conn.Write(encode("PING")) // the refusal may come first
		if v, err := c.read(); err == nil {
			t.Errorf("a stranger is told %s", show(v))
		}
	}
}

// Whatever pokes connections (settings, a kill, the end of the server) does to TLS what it does to others.
func TestTLSIsPoked(t *testing.T) {
	a := newAuthority(t)
	r := newTLSRig(t, a)
	c, killed := r.dialTLS(t, r.forward, a), r.dialTLS(t, r.forward, a)
	raw, err := net.Dial("tcp", r.forward)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = raw.Close() }()
	shaking := tls.Client(&halting{Conn: raw, halt: make(chan struct{})}, &tls.Config{RootCAs: a.pool, ServerName: "127.0.0.1"})
	halt := shaking.NetConn().(*halting)
	done := make(chan error, 1)
	go func() { done <- shaking.Handshake() }()
	<-halt.halt
	id := show(killed.do("CLIENT", "ID"))[1:]
	for range 5 {
		r.srv.apply(r.srv.Settings())
		c.want("PONG", "PING")
	}
	halt.halt <- struct{}{}
	if err := <-done; err != nil {
		t.Errorf("a handshake that was poked: %v", err)
	}
	halt.through.Store(true)
	(&client{t: t, conn: shaking}).want("PONG", "PING")
	c.want(":1", "CLIENT", "KILL", "ID", id)
	killed.wantEnd()
	c.want("PONG", "PING")
}

// halting stops after the first write, the hello of a handshake, until it is told to go on.
type halting struct {
	net.Conn
	halt    chan struct{}
	wrote   bool
	through atomic.Bool
}

func (h *halting) Write(p []byte) (int, error) {
	if h.wrote && !h.through.Load() {
		h.halt <- struct{}{}
		<-h.halt
		h.wrote = false
		return h.Conn.Write(p)
	}
	h.wrote = true
	return h.Conn.Write(p)
}
