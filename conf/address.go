package conf

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// Ports that are not set are the client port plus these.
const (
	forwardOffset = 1000
	peerOffset    = 10000
	gossipOffset  = 11000
	adminOffset   = 12000
)

type addresses struct{ listen, forward, peer, gossip, admin string }

// addresses fills in the derived ones and checks that no two are the same.
func (c Config) addresses() (addresses, error) {
	host, port, err := splitAddress(c.Listen)
	if err != nil {
		return addresses{}, &Error{Setting: "listen", Value: c.Listen, Expected: expectAddress}
	}
	var (
		errs []error
		a    = addresses{listen: c.Listen}
		seen = map[string]string{a.listen: "listen"}
	)
	for _, d := range []struct {
		name   string
		set    string
		offset int
		out    *string
	}{
		{"forward", c.Forward, forwardOffset, &a.forward},
		{"peer", c.Peer, peerOffset, &a.peer},
		{"gossip", c.Gossip, gossipOffset, &a.gossip},
		{"admin", c.Admin, adminOffset, &a.admin},
	} {
		addr, err := derive(d.name, d.set, host, port, d.offset)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		*d.out = addr
		if _, p, err := splitAddress(addr); err != nil || p == 0 {
			continue // off, or whatever port is free
		}
		if other, taken := seen[addr]; taken {
			errs = append(errs, &Error{Setting: d.name, Value: addr, Expected: "an address of its own; " + other + " has this one"})
		}
		seen[addr] = d.name
	}
	return a, errors.Join(errs...)
}

func derive(name, set, host string, port, offset int) (string, error) {
	if set != "" {
		return set, nil
	}
	if port == 0 {
		return net.JoinHostPort(host, "0"), nil
	}
	if port+offset > 65535 {
		return "", &Error{
			Setting: name,
			Expected: fmt.Sprintf("a port of at most 65535, but listen's port %d + %d is %d; set --%s host:port or choose a lower port for --listen",
				port, offset, port+offset, name),
		}
	}
	return net.JoinHostPort(host, strconv.Itoa(port+offset)), nil
}

// splitAddress reads host:port. An empty host means every address of the
// machine.
func splitAddress(addr string) (host string, port int, err error) {
	host, portText, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, fmt.Errorf("address %q: %w", addr, err)
	}
	p, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("port of %q: %w", addr, err)
	}
	return host, int(p), nil
}

// AdvertiseAddr returns the host:port that clients are told, given the address
// that the client listener really has and the addresses of this machine. It is
// never a wildcard and never empty: a client could not dial those.
func (c Config) AdvertiseAddr(bound netip.AddrPort, local []netip.Addr) (string, error) {
	port := strconv.Itoa(int(bound.Port()))
	if c.Advertise != "" {
		if host, _, err := splitAddress(c.Advertise); err == nil && host != "" {
			return c.Advertise, nil
		}
		return net.JoinHostPort(trimBrackets(c.Advertise), port), nil
	}
	if ip := bound.Addr().Unmap(); !ip.IsUnspecified() {
		return net.JoinHostPort(ip.WithZone("").String(), port), nil
	}
	ip, ok := outward(local)
	if !ok {
		return "", &Error{
			Setting:  "advertise",
			Expected: fmt.Sprintf("to be set: listen %s is every address of this machine, and it has none but loopback that clients could be told", c.Listen),
		}
	}
	return net.JoinHostPort(ip.String(), port), nil
}

// outward picks the first IPv4 address that others may reach, else the first
// IPv6 one.
func outward(local []netip.Addr) (netip.Addr, bool) {
	var six netip.Addr
	for _, ip := range local {
		ip = ip.Unmap()
		switch {
		case ip.IsLoopback() || ip.IsLinkLocalUnicast() || !ip.IsValid() || ip.IsMulticast() || ip.IsUnspecified():
		case ip.Is4():
			return ip, true
		case !six.IsValid():
			six = ip
		}
	}
	return six, six.IsValid()
}

// LocalAddrs lists the addresses of this machine's interfaces that are up, in
// the system's order.
func LocalAddrs() ([]netip.Addr, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("list interface addresses: %w", err)
	}
	var ips []netip.Addr
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			ips = append(ips, p.Addr())
		}
	}
	return ips, nil
}

func trimBrackets(host string) string {
	if len(host) > 2 && host[0] == '[' && host[len(host)-1] == ']' {
		return host[1 : len(host)-1]
	}
	return host
}
