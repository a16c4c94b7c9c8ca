package gossip

import (
	"log"
	"net/netip"
	"time"

	"github.com/hashicorp/memberlist"
)

// The settings, argued in docs/design/gossip.md. They begin with memberlist's LAN profile.
const (
	probeInterval    = 500 * time.Millisecond
	probeTimeout     = 250 * time.Millisecond
	indirectChecks   = 3
	suspicionMult    = 4
	suspicionMaxMult = 4
	awarenessMax     = 8
	retransmitMult   = 6
	gossipInterval   = 100 * time.Millisecond
	gossipNodes      = 3
	gossipToTheDead  = 30 * time.Second
	pushPullInterval = 15 * time.Second
	streamTimeout    = 3 * time.Second

	// reclaimAfter lets a node that is dead come back under another address as soon as it is known to be dead. Zero would
	// forbid it for ever.
	reclaimAfter = time.Millisecond

	// delegateVersion is that of the meta bytes' meaning as memberlist negotiates it.
	delegateVersion = 1
)

// settings is memberlist's configuration for this node.
func settings(o *Options, advertise netip.AddrPort, t memberlist.Transport, keys *memberlist.Keyring, d *delegate, logs *logBridge) *memberlist.Config {
	c := memberlist.DefaultLANConfig()
	c.Name = nodeName(o.ID)
	c.Label = o.ClusterID
	c.Transport = t
	c.BindAddr, c.BindPort = advertise.Addr().String(), int(advertise.Port())
	c.AdvertiseAddr, c.AdvertisePort = advertise.Addr().String(), int(advertise.Port())
	c.ProtocolVersion = memberlist.ProtocolVersionMax
	c.DelegateProtocolVersion, c.DelegateProtocolMin, c.DelegateProtocolMax = delegateVersion, delegateVersion, delegateVersion

	c.ProbeInterval, c.ProbeTimeout = probeInterval, probeTimeout
	c.IndirectChecks = indirectChecks
	c.DisableTcpPings = false
	c.SuspicionMult, c.SuspicionMaxTimeoutMult = suspicionMult, suspicionMaxMult
	c.AwarenessMaxMultiplier = awarenessMax
	c.RetransmitMult = retransmitMult
	c.GossipInterval, c.GossipNodes, c.GossipToTheDeadTime = gossipInterval, gossipNodes, gossipToTheDead
	c.PushPullInterval = pushPullInterval
	c.TCPTimeout = streamTimeout
	c.DeadNodeReclaimTime = reclaimAfter
	c.EnableCompression = false // small messages, mostly addresses; and nothing to blow up on arrival

	c.Keyring = keys
	c.GossipVerifyIncoming, c.GossipVerifyOutgoing = true, true

	c.Delegate, c.Events, c.Alive, c.Conflict, c.Merge, c.Ping = d, d, d, d, d, d
	c.Logger = log.New(logs, "", 0)
	return c
}
