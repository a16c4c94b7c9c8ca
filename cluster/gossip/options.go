package gossip

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"

	"github.com/rondokv/rondo/engine/object"
)

// Options of a node's gossip. ID, Incarnation, ClusterID, Bind and Logger are required.
type Options struct {
	ID          object.NodeID
	Incarnation object.Incarnation
	// ClusterID keeps clusters apart: packets and streams of another one are dropped unread. 1..255 bytes.
	ClusterID string

	// Bind is host:port for both UDP and TCP; port 0 takes a free one, the same for both. The host is an IP address or a name
	// that has one.
	Bind string
	// Advertise is host:port as the others reach it, resolved once; port 0 is the bound one. Empty: the bound address,
	// which then must not be a wildcard.
	Advertise string

	// Keys are AES-256 keys of 32 bytes: the first encrypts, all decrypt. At most 2. None: plain text.
	Keys [][]byte

	// Seeds are host:port of nodes that may be members; this node may be among them. Names are looked up at every try.
	Seeds []string

	Meta Meta

	HoldDown HoldDown // the zero value: DefaultHoldDown

	// OnChange is called with the first view and after every change but of load and times; from one goroutine, so never
	// twice at once, with no lock held. Views may be skipped while it runs: see View.Since. It must not call Close.
	OnChange func(View)

	Logger *slog.Logger
}

const (
	maxSeeds   = 64
	maxLabel   = 255
	keyBytes   = 32
	maxSeedLen = maxHost + len(":65535")
)

func (o *Options) check() error {
	switch {
	case o.ID == 0:
		return errors.New("gossip: no node id")
	case o.Incarnation == 0:
		return errors.New("gossip: no incarnation")
	case o.ClusterID == "" || len(o.ClusterID) > maxLabel:
		return fmt.Errorf("gossip: cluster id of %d bytes, want 1..%d", len(o.ClusterID), maxLabel)
	case o.Logger == nil:
		return errors.New("gossip: no logger")
	case len(o.Seeds) > maxSeeds:
		return fmt.Errorf("gossip: %d seeds, want at most %d", len(o.Seeds), maxSeeds)
	case len(o.Keys) > maxKeys:
		return fmt.Errorf("gossip: %d keys, want at most %d", len(o.Keys), maxKeys)
	}
	for i, k := range o.Keys {
		if len(k) != keyBytes {
			return fmt.Errorf("gossip: key %d has %d bytes, want %d", i+1, len(k), keyBytes)
		}
	}
	for _, s := range o.Seeds {
		if _, _, err := splitAddress(s); err != nil || len(s) > maxSeedLen {
			return fmt.Errorf("gossip: seed %q: want host:port", s)
		}
	}
	return o.Meta.check()
}

// nodeName is the name of a node in memberlist: its id as 16 hex digits.
func nodeName(id object.NodeID) string { return fmt.Sprintf("%016x", uint64(id)) }

// parseName reads such a name, and nothing else.
func parseName(s string) (object.NodeID, bool) {
	if len(s) != 16 {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 16, 64)
	id := object.NodeID(n)
	return id, err == nil && id != 0 && nodeName(id) == s
}

// resolve turns host:port into an address with a number. Port 0 is allowed.
func resolve(what, addr string) (netip.AddrPort, error) {
	a, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("gossip: %s address %q: %w", what, addr, err)
	}
	ap := a.AddrPort()
	if !ap.Addr().IsValid() { // ":17379"
		ap = netip.AddrPortFrom(netip.IPv4Unspecified(), ap.Port())
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), nil
}

// advertised is what the others are told, but for a port of 0.
func (o *Options) advertised(bind netip.AddrPort) (netip.AddrPort, error) {
	if o.Advertise == "" {
		if bind.Addr().IsUnspecified() {
			return bind, fmt.Errorf("gossip: bound to every address (%s): say with which one the others reach this node (advertise)", o.Bind)
		}
		return bind, nil
	}
	a, err := resolve("advertise", o.Advertise)
	if err == nil && a.Addr().IsUnspecified() {
		err = fmt.Errorf("gossip: advertise address %q is no address to dial", o.Advertise)
	}
	return a, err
}
