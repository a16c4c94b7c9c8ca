package main

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/conf"
	"github.com/rondokv/rondo/server"
)

// advertise is what cluster clients are told.
func advertise(cfg conf.Config, ln net.Listener) (string, error) {
	bound, err := netip.ParseAddrPort(ln.Addr().String())
	if err != nil {
		return "", fmt.Errorf("address of --listen: %w", err)
	}
	local, err := conf.LocalAddrs()
	if err != nil {
		return "", err
	}
	return cfg.AdvertiseAddr(bound, local)
}

// forwardAdvertise is the forward face as the other nodes are told it: empty where it is off.
func forwardAdvertise(advertised string, ln net.Listener) string {
	if ln == nil {
		return ""
	}
	host, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		return ""
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		if host, _, err = net.SplitHostPort(advertised); err != nil {
			return ""
		}
	}
	return net.JoinHostPort(host, port)
}

func newFront(cfg conf.Config, ln listeners, n *node) (*server.Server, error) {
	host, port, err := splitHostPort(n.advertise)
	if err != nil {
		return nil, fmt.Errorf("setting advertise: %w", err)
	}
	levels, err := defaultLevels(cfg)
	if err != nil {
		return nil, err
	}
	users, err := usersOf(cfg)
	if err != nil {
		return nil, err
	}
	rules, err := keyspacesOf(cfg)
	if err != nil {
		return nil, err
	}
	secure, err := clientTLS(cfg)
	if err != nil {
		return nil, err
	}
	n.settings = newSettings(cfg, n.log.level)
	id, _ := n.core.Identity()
	_, bound, err := splitHostPort(n.clients)
	if err != nil {
		return nil, fmt.Errorf("address of --listen: %w", err)
	}
	peer := peerPort(cfg, bound)
	o := server.Options{
		Node: n.core, Logger: n.log.Logger,
		Cluster: ln.clients, Forward: ln.forward, Admin: ln.admin, AdminRoutes: n.adminRoutes,
		Collectors:   []prometheus.Collector{newStoreCollector(n.store), newAdviceCollector(n)},
		Topology:     server.NewRingOfOne(firstEpoch, server.Member{Node: id, Host: host, Port: port, PeerPort: peer}),
		TLS:          secure,
		WaitingBytes: cfg.MemoryLimit / 8, // 0, which leaves it to the server, where there is no limit
		Levels:       levels, Users: users, Keyspaces: rules,
		Advertise: n.advertise, PeerPort: peer,
		Version: version(), ConfigFile: cfg.File, Dir: cfg.Dir,
		Settings: serverSettings(cfg), Config: n.settings,
		EngineInfo: func() []server.Figure { return append(startFigures(n.store), storeFigures(n.store.Metrics())...) },
		OnShutdown: func() { n.ended <- nil },
		StoreError: storeError, Ready: n.ready, Writable: n.writable,
	}
	if n.members != nil {
		o.Node = cluster.RingNode{Node: n.core}
		_, o.PeerPort, _ = splitHostPort(n.company.meta.Peer)
		o.Topology, o.Links = n.members, n.members.clientLinks
		o.ReplicationInfo = func() []server.Figure { return append(replicationInfo(n.core), n.members.movesInfo()...) }
		o.Collectors = append(o.Collectors, newMembersCollector(n.members), movesCollector{n.members})
	}
	return server.New(o)
}

func defaultLevels(cfg conf.Config) (l server.Levels, err error) {
	if l.Read, err = cluster.ParseLevel([]byte(cfg.ReadLevel)); err != nil {
		return l, fmt.Errorf("setting consistency.read: %w", err)
	}
	if l.Write, err = cluster.ParseLevel([]byte(cfg.WriteLevel)); err != nil {
		return l, fmt.Errorf("setting consistency.write: %w", err)
	}
	return l, nil
}

// peerPort is the port that CLUSTER NODES shows for links between nodes: 0
// when listen took any port and there is no room for the derived one.
func peerPort(cfg conf.Config, bound int) int {
	_, text, err := net.SplitHostPort(cfg.Peer)
	if err != nil {
		return 0
	}
	if port, err := strconv.Atoi(text); err == nil && port != 0 {
		return port
	}
	if port := bound + 10000; port <= 65535 {
		return port
	}
	return 0
}

// cliAddress is how redis-cli is told an address: its defaults are left out.
func cliAddress(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return ""
	}
	flags := " -p " + port
	if ip := net.ParseIP(host); ip != nil && !ip.IsUnspecified() && host != "127.0.0.1" {
		flags = " -h " + host + flags
	}
	return flags
}
