package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority signs certificates of nodes.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newKey(t *testing.T) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, _ := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "nodes"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

// issue writes the files of setting peer-tls for a node.
func (a *authority) issue(t *testing.T, id string) (dir string) {
	t.Helper()
	key, keyPEM := newKey(t)
	name, err := url.Parse("rondo://node/" + id)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), URIs: []*url.URL{name},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	for file, b := range map[string][]byte{"node.crt": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), "node.key": keyPEM, "ca.crt": a.pem} {
		if err := os.WriteFile(filepath.Join(dir, file), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// With keys and certificates a cluster forms and serves; a certificate of another node is refused at the start.
func TestPeerTLS(t *testing.T) {
	ca := newAuthority(t)
	c := newTrio(t, 2, "--gossip-key", strings.Repeat("0a", 32))
	for i := range c.Nodes {
		args := append([]string{"admin", "node", "id"}, c.Nodes[i].Command[2:]...)
		code, id, errs := command(t, nil, args...)
		if code != 0 || len(id) != 17 {
			t.Fatalf("node id: %q %s", id, errs)
		}
		c.start(t, i, "--peer-tls", ca.issue(t, strings.TrimSpace(id)))
	}
	for i := range c.Nodes {
		c.ready(t, i)
	}
	eventually(t, func() error { return expect(say(t, c.Nodes[0].Forward, "AT ALL SET a b"), "+OK") })
	for _, n := range listNodes(t, c.Nodes[1].Admin).Nodes {
		if !n.Self && n.Link != "up" {
			t.Errorf("link: %+v", n)
		}
	}
	if err := c.running[1].Process.Kill(); err != nil {
		t.Fatal(err)
	}
	c.end(t, 1)
	c.start(t, 1, "--peer-tls", ca.issue(t, "0123456789abcdef"))
	if code, log := c.end(t, 1); code != 1 || !strings.Contains(log, "is not among its URIs") {
		t.Errorf("exit status %d:\n%s", code, fmt.Sprintf("%.2000s", log))
	}
}
