package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/bits"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/rondokv/rondo/cluster/peer"
	"github.com/rondokv/rondo/conf"
	"github.com/rondokv/rondo/engine/object"
)

// charter is what the founders of a cluster have in common, by configuration alone: nodes with equal charters form one
// ring. The order in which the list was written does not matter.
type charter struct {
	name     string
	founders []string // sorted host:port of gossip, as written
	replicas int
	byDC     map[string]int // replicas by datacenter; nil: one number
	slots    int            // of a partition
	key      []byte
}

func newCharter(cfg conf.Config) charter {
	c := charter{name: cfg.ClusterName, founders: cfg.FounderList(), replicas: cfg.Replicas, byDC: cfg.CopiesByDC(), slots: cfg.PartitionSlots}
	slices.Sort(c.founders)
	if c.byDC != nil {
		c.replicas = 0
		for _, n := range c.byDC {
			c.replicas += n
		}
	}
	if keys := cfg.GossipKeys(); len(keys) > 0 {
		c.key = keys[0]
	}
	return c
}

// digest hashes the list under a purpose. The gossip key makes what follows from it unknown to who has only read the list.
func (c charter) digest(purpose string, key []byte) [sha256.Size]byte {
	b := append([]byte("rondo "), purpose...)
	for _, part := range append([]string{c.name, string(key)}, c.founders...) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	for _, dc := range slices.Sorted(maps.Keys(c.byDC)) {
		b = fmt.Appendf(b, "%q=%d ", dc, c.byDC[dc])
	}
	return sha256.Sum256(b)
}

// clusterID names the cluster for its whole life.
func (c charter) clusterID() peer.ClusterID {
	sum := c.digest("cluster id", c.key)
	return peer.ClusterID(sum[:16])
}

// secret is the key of the cluster's hashes, the same on all founders: cursors of SCAN are good on every node.
func (c charter) secret() object.Secret {
	sum := c.digest("hash secret", c.key)
	s := object.Secret{K0: binary.BigEndian.Uint64(sum[:8]), K1: binary.BigEndian.Uint64(sum[8:16])}
	s.K1 |= 1 // never the zero secret, which stands for none
	return s
}

// word is what a founder tells the others of its charter and of the ring that it has agreed to, in the ring hash of gossip:
//
//	list 22 bits | replicas 5 | log2 of slots 5 | ring 32 bits, 0 = none yet
type word uint64

const (
	ringBits     = 32
	slotsBits    = 5
	replicasBits = 5
)

// word is the charter's, with no ring.
func (c charter) word() word {
	sum := c.digest("founders", nil)
	w := uint64(binary.BigEndian.Uint32(sum[:4]) >> 10)
	w = w<<replicasBits | uint64(c.replicas)
	w = w<<slotsBits | uint64(bits.TrailingZeros(uint(c.slots)))
	return word(w << ringBits)
}

func (w word) with(ring uint32) word { return w.charter() | word(ring) }
func (w word) ring() uint32          { return uint32(w) }
func (w word) charter() word         { return w >> ringBits << ringBits }
func (w word) slots() int            { return 1 << (w >> ringBits & (1<<slotsBits - 1)) }
func (w word) replicas() int         { return int(w >> (ringBits + slotsBits) & (1<<replicasBits - 1)) }
func (w word) list() uint32          { return uint32(w >> (ringBits + slotsBits + replicasBits)) }

// difference says in which settings a node that says theirs does not fit one that says w.
func (w word) difference(theirs word) string {
	var parts []string
	if w.list() != theirs.list() {
		parts = append(parts, "another list of --founders")
	}
	if w.replicas() != theirs.replicas() {
		parts = append(parts, fmt.Sprintf("--replicas %d, here %d", theirs.replicas(), w.replicas()))
	}
	if w.slots() != theirs.slots() {
		parts = append(parts, fmt.Sprintf("--partition.slots %d, here %d", theirs.slots(), w.slots()))
	}
	return strings.Join(parts, ", ")
}

// lookup turns the founders into addresses as gossip has them; the zero address stands for a name that is not known now.
func (c charter) lookup(ctx context.Context) []netip.AddrPort {
	out := make([]netip.AddrPort, len(c.founders))
	for i, f := range c.founders {
		host, port, err := net.SplitHostPort(f)
		if err != nil {
			continue
		}
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			continue
		}
		ip, err := netip.ParseAddr(host)
		if err != nil {
			// The first address that is IPv4, as net.Dial and gossip itself would have it.
			ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
			if err != nil || len(ips) == 0 {
				continue
			}
			ip = ips[0]
			if at := slices.IndexFunc(ips, func(ip netip.Addr) bool { return ip.Unmap().Is4() }); at >= 0 {
				ip = ips[at]
			}
		}
		out[i] = netip.AddrPortFrom(ip.Unmap(), uint16(n))
	}
	return out
}

// errNotFounder: the list does not name this node.
var errNotFounder = errors.New("this node is not among --founders")

// own finds this node among the founders: the entry with its gossip port and an address of this machine.
func (c charter) own(at []netip.AddrPort, gossip string, local []netip.Addr) (int, error) {
	bound, err := net.ResolveTCPAddr("tcp", gossip)
	if err != nil {
		return 0, fmt.Errorf("setting gossip: %w", err)
	}
	ip, _ := netip.AddrFromSlice(bound.IP)
	ip = ip.Unmap()
	var mine []int
	for i, a := range at {
		switch {
		case !a.IsValid() || int(a.Port()) != bound.Port:
		case !ip.IsValid() || ip.IsUnspecified():
			if slices.Contains(local, a.Addr()) {
				mine = append(mine, i)
			}
		case a.Addr() == ip:
			mine = append(mine, i)
		}
	}
	switch len(mine) {
	case 1:
		return mine[0], nil
	case 0:
		return 0, fmt.Errorf("%w: its gossip is at %s, the list is %s", errNotFounder, gossip, strings.Join(c.founders, ","))
	}
	return 0, fmt.Errorf("this node is twice among --founders: %s and %s are both its own", c.founders[mine[0]], c.founders[mine[1]])
}
