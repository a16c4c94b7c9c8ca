package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/rondokv/rondo/conf"
	"github.com/rondokv/rondo/server"
)

// clientTLS reads what clients are shown; nil where TLS is off.
func clientTLS(cfg conf.Config) (*server.TLSOptions, error) {
	if cfg.TLSCert == "" {
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(cfg.TLSCert, cfg.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("settings tls.cert and tls.key: %w", err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	if cfg.TLSClientCA != "" {
		pem, err := os.ReadFile(cfg.TLSClientCA)
		if err != nil {
			return nil, fmt.Errorf("setting tls.client-ca: %w", err)
		}
		c.ClientCAs, c.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
		if !c.ClientCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("setting tls.client-ca: %w", errNoCertificate)
		}
	}
	return &server.TLSOptions{Config: c, Required: cfg.TLSRequired}, nil
}

var errNoCertificate = errors.New("the file holds no certificate")
