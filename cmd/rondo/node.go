package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/conf"
	"github.com/rondokv/rondo/engine"
	"github.com/rondokv/rondo/resp"
	"github.com/rondokv/rondo/server"
)

// countsState is the name that the numbers of keys have in the store.
const countsState = "counts"

// node is a started node as the server command sees it.
type node struct {
	clients, forward, admin string // bound addresses; empty: off
	advertise               string // what cluster clients are told
	replicas                int    // effective N

	ended <-chan error // tells once that the node ends by itself: nil after SHUTDOWN, else the store has failed and stop must not be called

	log   *logging
	store *engine.Store
	core  *cluster.Node
	front *server.Server
}

// start wires the store, the node and the front door together. What it has
// started is stopped again when a later step fails.
func start(ctx context.Context, cfg conf.Config, log *logging) (*node, error) {
	ln, err := listen(ctx, cfg)
	if err != nil {
		return nil, err
	}
	ended := make(chan error, 2) // a failure and a SHUTDOWN may come together
	n := &node{log: log, ended: ended, replicas: min(cfg.Replicas, 1)}
	if n.store, err = engine.Open(cfg.Dir, engineOptions(cfg, log, ended)); err != nil {
		ln.Close()
		return nil, err
	}
	logRecovery(log, n.store.Recovery())
	if n.core, err = startCluster(cfg, n.store, log); err != nil {
		ln.Close()
		return nil, errors.Join(err, n.store.Close())
	}
	if n.front, err = newFront(cfg, ln, n, ended); err != nil {
		n.core.Close()
		ln.Close()
		return nil, errors.Join(err, n.store.Close())
	}
	n.clients, n.forward, n.admin = addr(ln.clients), addr(ln.forward), addr(ln.admin)
	n.front.Start()
	return n, nil
}

func engineOptions(cfg conf.Config, log *logging, ended chan<- error) engine.Options {
	policy := engine.EverySec
	switch cfg.Durability {
	case conf.DurabilityAlways:
		policy = engine.Always
	case conf.DurabilityNo:
		policy = engine.No
	}
	return engine.Options{
		Durability:      policy,
		RowCacheBytes:   cfg.CacheRows,
		BlockCacheBytes: cfg.CacheBlocks,
		DiskReserve:     cfg.DiskReserve,
		AcceptDataLoss:  cfg.AcceptDataLoss,
		OnFatal:         func(err error) { ended <- err },
		Log:             func(msg string) { log.Info("store", "message", msg) },
	}
}

func startCluster(cfg conf.Config, store *engine.Store, log *logging) (*cluster.Node, error) {
	id, inc, secret := store.Identity()
	var counts []byte
	if store.WasClean() {
		var err error
		if counts, err = store.LoadState(countsState); err != nil {
			log.Warn("keys are counted anew", "reason", err)
		}
	}
	return cluster.NewNode(cluster.Options{
		Store: store, Logger: log.Logger,
		ID: id, Inc: inc, Secret: secret,
		Ceiling: store.Ceiling(), RaiseCeiling: store.RaiseCeiling,
		SlotsPerPartition: cfg.PartitionSlots,
		Counts:            counts,
	})
}

func newFront(cfg conf.Config, ln listeners, n *node, ended chan<- error) (*server.Server, error) {
	bound, err := netip.ParseAddrPort(ln.clients.Addr().String())
	if err != nil {
		return nil, fmt.Errorf("address of --listen: %w", err)
	}
	local, err := conf.LocalAddrs()
	if err != nil {
		return nil, err
	}
	if n.advertise, err = cfg.AdvertiseAddr(bound, local); err != nil {
		return nil, err
	}
	host, portText, err := net.SplitHostPort(n.advertise)
	if err != nil {
		return nil, fmt.Errorf("setting advertise: %w", err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return nil, fmt.Errorf("setting advertise: %w", err)
	}
	id, _ := n.core.Identity()
	peer := peerPort(cfg, int(bound.Port()))
	settings := newSettings(cfg, n.log.level)
	return server.New(server.Options{
		Node: n.core, Logger: n.log.Logger,
		Cluster: ln.clients, Forward: ln.forward, Admin: ln.admin,
		Collectors: []prometheus.Collector{newStoreCollector(n.store)},
		Topology:   server.NewRingOfOne(1, server.Member{ID: server.ClientNodeID(id), Host: host, Port: port, PeerPort: peer}),
		Advertise:  n.advertise, PeerPort: peer,
		Version: version(), ConfigFile: cfg.File, Dir: cfg.Dir,
		Settings: serverSettings(cfg), Config: settings,
		EngineInfo: func() []server.Figure { return append(startFigures(n.store), storeFigures(n.store.Metrics())...) },
		OnShutdown: func() { ended <- nil },
		StoreError: storeError,
	})
}

// storeError tells clients in their words what the store answered.
func storeError(err error) (resp.Error, bool) {
	switch {
	case errors.Is(err, engine.ErrDiskFull):
		return resp.ErrDiskFull, true
	case errors.Is(err, engine.ErrQuarantined):
		return resp.ErrUnreadable, true
	case errors.Is(err, engine.ErrFatal), errors.Is(err, engine.ErrClosed):
		return resp.ErrStoreFailed, true
	}
	return "", false
}

// stop stops accepting, lets commands in flight finish until ctx ends, and
// makes everything durable.
func (n *node) stop(ctx context.Context) error {
	if err := n.front.Shutdown(ctx); err != nil {
		n.log.Warn("connections were cut off", "reason", err)
	}
	n.core.Close()
	var err error
	if counts := n.core.SaveCounts(); counts != nil {
		err = n.store.SaveState(countsState, counts)
	}
	return errors.Join(err, n.store.CloseAt(n.core.Latest()))
}

// logRecovery says what an unclean stop has left behind.
func logRecovery(log *logging, r engine.Recovery) {
	switch {
	case r.TruncatedLog, r.DamagedLog:
		log.Error("writes are lost and accept-data-loss was given", "file", r.LogFile, "offset", r.LogOffset, "dropped_bytes", r.Dropped,
			"recovered", r.Recovered, "expected", r.Expected)
	case r.TornTail:
		log.Warn("the end of the log was incomplete, as after a power cut", "file", r.LogFile, "offset", r.LogOffset, "dropped_bytes", r.Dropped)
	}
	if r.IdentityDamaged {
		log.Warn("one of two copies of the identity was unreadable and is written anew")
	}
}

func addr(ln net.Listener) string {
	if ln == nil {
		return ""
	}
	return ln.Addr().String()
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

// explainStore takes the package's name off an error of the store: what
// follows is written for operators.
func explainStore(err error) string {
	for _, known := range []error{engine.ErrLocked, engine.ErrForeign, engine.ErrTruncatedLog, engine.ErrCorrupt, engine.ErrNewerFormat} {
		if errors.Is(err, known) {
			return strings.TrimPrefix(err.Error(), "engine: ")
		}
	}
	return ""
}
