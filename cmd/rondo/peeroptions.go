package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"github.com/rondokv/rondo/cluster/peer"
	"github.com/rondokv/rondo/conf"
	"github.com/rondokv/rondo/engine/object"
)

// peerOptions are what the links of this node are made of.
func peerOptions(cfg conf.Config, d *document, id object.NodeID, inc object.Incarnation, ln net.Listener, log *slog.Logger) (peer.Options, error) {
	o := peer.Options{Self: id, Incarnation: inc, Listener: ln, Logger: log}
	var err error
	if d != nil {
		if o.Cluster, err = d.clusterID(); err != nil {
			return peer.Options{}, err
		}
		o.Former = d.former
	}
	if cfg.PeerTLS != "" {
		if o.TLS, err = peerTLS(cfg.PeerTLS); err != nil {
			return peer.Options{}, err
		}
	}
	return o, nil
}

// peerTLS reads the certificates of setting peer-tls.
func peerTLS(dir string) (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(filepath.Join(dir, "node.crt"), filepath.Join(dir, "node.key"))
	if err != nil {
		return nil, fmt.Errorf("setting peer-tls: %w", err)
	}
	pem, err := os.ReadFile(filepath.Join(dir, "ca.crt"))
	if err != nil {
		return nil, fmt.Errorf("setting peer-tls: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("setting peer-tls: %s holds no certificate", filepath.Join(dir, "ca.crt"))
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, RootCAs: roots, MinVersion: tls.VersionTLS13}, nil
}
