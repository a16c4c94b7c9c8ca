package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"github.com/rondokv/rondo/conf"
)

// listeners are the bound addresses of a node; those that are off are nil.
type listeners struct {
	clients, forward, admin net.Listener
	peer                    net.Listener // bound once it is known that there are others
}

// takenError is an address that another process listens on.
type takenError struct {
	setting, addr string
	try           string // value of --listen that was free a moment ago; empty when none was found
}

func (e *takenError) Error() string {
	text := "address " + e.addr + " is in use"
	if e.setting != "listen" {
		text += " (setting " + e.setting + ")"
	}
	if e.try != "" {
		text += "; try --listen " + e.try
	}
	return text
}

// listen binds every address of cfg, or none. It comes before the store is
// opened, so that a taken port costs nothing.
func listen(ctx context.Context, cfg conf.Config) (l listeners, err error) {
	defer func() {
		if err != nil {
			l.Close()
			l = listeners{}
		}
	}()
	for _, b := range []struct {
		setting, addr string
		out           *net.Listener
	}{
		{"listen", cfg.Listen, &l.clients},
		{"forward", cfg.Forward, &l.forward},
		{"admin", cfg.Admin, &l.admin},
	} {
		if b.addr == conf.Off {
			continue
		}
		if *b.out, err = bind(ctx, cfg, b.setting, b.addr); err != nil {
			return l, err
		}
	}
	return l, nil
}

func bind(ctx context.Context, cfg conf.Config, setting, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, &takenError{setting: setting, addr: addr, try: freeListen(ctx, cfg)}
	}
	if err != nil {
		return nil, fmt.Errorf("setting %s: %w", setting, err)
	}
	return ln, nil
}

// Close closes what is open. Closing twice does no harm.
func (l listeners) Close() {
	for _, ln := range []net.Listener{l.clients, l.forward, l.admin, l.peer} {
		if ln != nil {
			_ = ln.Close() // it only ever says that it was closed before
		}
	}
}

// freeListen looks for a client port whose derived ports are free as well.
func freeListen(ctx context.Context, cfg conf.Config) string {
	host, _, err := net.SplitHostPort(cfg.Listen)
	if err != nil {
		return ""
	}
	for port := 7001; port < 7100; port++ {
		try := conf.Default()
		try.Listen = net.JoinHostPort(host, strconv.Itoa(port))
		try, err := try.Resolve(conf.Machine{})
		if err != nil {
			return ""
		}
		if allFree(ctx, try.Listen, try.Forward, try.Peer, try.Gossip, try.Admin) {
			return try.Listen
		}
	}
	return ""
}

func allFree(ctx context.Context, addrs ...string) bool {
	for _, addr := range addrs {
		var lc net.ListenConfig
		ln, err := lc.Listen(ctx, "tcp", addr)
		if err != nil {
			return false
		}
		_ = ln.Close() // it was open for a moment only
	}
	return true
}
