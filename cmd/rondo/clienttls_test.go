package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rondokv/rondo/conf"
)

// certificateFiles writes a certificate that signs itself, and its key.
func certificateFiles(t *testing.T) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &secret.PublicKey, secret)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, bytes []byte) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	pool = x509.NewCertPool()
	signed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(signed)
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "EC PRIVATE KEY", private), pool
}

func TestClientTLSOfTheSettings(t *testing.T) {
	cert, key, _ := certificateFiles(t)
	for _, c := range []struct {
		cfg conf.Config
		err string
	}{
		{conf.Config{}, ""},
		{conf.Config{TLSCert: cert, TLSKey: key}, ""},
		{conf.Config{TLSCert: cert, TLSKey: key, TLSClientCA: cert, TLSRequired: true}, ""},
		{conf.Config{TLSCert: key, TLSKey: cert}, "settings tls.cert and tls.key: "},
		{conf.Config{TLSCert: cert, TLSKey: key + "x"}, "settings tls.cert and tls.key: "},
		{conf.Config{TLSCert: cert, TLSKey: key, TLSClientCA: key}, "setting tls.client-ca: the file holds no certificate"},
		{conf.Config{TLSCert: cert, TLSKey: key, TLSClientCA: key + "x"}, "setting tls.client-ca: "},
	} {
		o, err := clientTLS(c.cfg)
		switch {
		case c.err != "":
			if err == nil || !strings.HasPrefix(err.Error(), c.err) {
				t.Errorf("%+v: %v", c.cfg, err)
			}
		case err != nil || (o == nil) != (c.cfg.TLSCert == ""):
			t.Errorf("%v: %+v", err, o)
		case o != nil && (o.Required != c.cfg.TLSRequired || (o.Config.ClientAuth == tls.RequireAndVerifyClientCert) != (c.cfg.TLSClientCA != "")):
			t.Errorf("%+v", o)
		}
	}
}

// Cluster clients with TLS are told ports that take TLS.
func TestTLSAndClusterSlots(t *testing.T) {
	cert, key, pool := certificateFiles(t)
	c := newTrio(t, 1, "--tls.cert", cert, "--tls.key", key)
	c.start(t, 0)
	c.ready(t, 0)
	conn, err := tls.Dial("tcp", c.Nodes[0].Clients, &tls.Config{RootCAs: pool, ServerName: "localhost"})
	if err != nil {
		t.Fatalf("%v\n%s", err, c.log(t, 0))
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("CLUSTER NODES\r\n")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	n, err := conn.Read(buf)
	if err != nil || !strings.Contains(string(buf[:n]), " "+c.Nodes[0].Clients+"@") {
		t.Errorf("%v: %q", err, buf[:n])
	}
	if err := expect(say(t, c.Nodes[0].Clients, "PING"), "+PONG"); err != nil {
		t.Error(err)
	}
}
