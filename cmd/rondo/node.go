package main

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/cluster/gossip"
	"github.com/rondokv/rondo/cmd/internal/usage"
	"github.com/rondokv/rondo/conf"
	"github.com/rondokv/rondo/engine"
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
	"github.com/rondokv/rondo/server"
)

// countsState is the name that the numbers of keys have in the store.
const countsState = "counts"

// node is a started node as the server command sees it.
type node struct {
	clients, forward, admin string // bound addresses; empty: off
	advertise               string // what cluster clients are told
	replicas, configured    int    // effective N, and the one asked for

	ended chan error // tells once that the node ends by itself: nil after SHUTDOWN, an *orderly when it must go but can stop, else the store has failed and stop must not be called

	log      *logging
	store    *engine.Store
	core     *cluster.Node
	front    *server.Server
	settings *settings
	company  *company    // nil: the node is alone
	members  *membership // nil: alone, or there is no ring yet
	meter    *usage.Meter
	adviser  adviser
	watch    sync.WaitGroup
	unwatch  context.CancelFunc
}

// orderly is a reason to end that leaves the store as it should be.
type orderly struct{ error }

func (e *orderly) Unwrap() error { return e.error }

// start wires the store, the node and the front door together, and waits for the ring to be formed where there is none yet.
// What it has started is stopped again when a later step fails.
func start(ctx context.Context, cfg conf.Config, log *logging, out io.Writer) (_ *node, err error) {
	ln, err := listen(ctx, cfg)
	if err != nil {
		return nil, err
	}
	// A failure, a SHUTDOWN and a conflict of ids may come together.
	n := &node{log: log, ended: make(chan error, 3), replicas: 1, configured: cfg.Replicas}
	defer func() {
		if err != nil {
			ln.Close()
			err = errors.Join(err, n.abandon(ctx))
		}
	}()
	if n.store, err = engine.Open(cfg.Dir, engineOptions(cfg, log, n.ended)); err != nil {
		return nil, err
	}
	logRecovery(log, n.store.Recovery())
	n.meter = usage.New(n.store, cfg.Dir)
	if n.company, err = join(cfg, n.store); err != nil {
		return nil, err
	}
	if n.advertise, err = advertise(cfg, ln.clients); err != nil {
		return nil, err
	}
	n.clients, n.forward, n.admin = addr(ln.clients), addr(ln.forward), addr(ln.admin)
	if ln, err = n.enter(ctx, cfg, ln, out); err != nil {
		return nil, err
	}
	n.meter.Start(n.core)
	if n.front, err = newFront(cfg, ln, n); err != nil {
		return nil, err
	}
	n.front.Start()
	return n, nil
}

// abandon stops what a start that failed has left running.
func (n *node) abandon(ctx context.Context) error {
	var errs []error
	if n.unwatch != nil {
		n.unwatch()
	}
	if n.company != nil && n.company.gossip != nil {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		errs = append(errs, n.company.leave(stop, n.log))
	}
	if n.members != nil {
		errs = append(errs, n.members.close())
	}
	n.watch.Wait()
	n.meter.Close()
	if n.core != nil {
		n.core.Close()
	}
	if n.store != nil {
		errs = append(errs, n.store.Close())
	}
	return errors.Join(errs...)
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
		Secret:          givenSecret(cfg),
		OnFatal:         func(err error) { ended <- err },
		Log:             func(msg string) { log.Info("store", "message", msg) },
	}
}

// givenSecret is what a directory that is made gets: the cluster's, or, alone, a random one.
func givenSecret(cfg conf.Config) object.Secret {
	if cfg.Founders == "" { // one that joins is told it later
		return object.Secret{}
	}
	return newCharter(cfg).secret()
}

func startCluster(cfg conf.Config, n *node) (*cluster.Node, error) {
	id, inc, secret := n.store.Identity()
	var counts []byte
	if n.store.WasClean() {
		var err error
		if counts, err = n.store.LoadState(countsState); err != nil {
			n.log.Warn("keys are counted anew", "reason", err)
		}
	}
	o := cluster.Options{
		Store: n.store, Logger: n.log.Logger,
		ID: id, Inc: inc, Secret: secret,
		Ceiling: n.store.Ceiling(), RaiseCeiling: n.store.RaiseCeiling,
		SlotsPerPartition: cfg.PartitionSlots,
		Counts:            counts,
		MaxDrift:          cfg.ClockMaxDrift,
		Timeout:           cfg.OperationTimeout,
		HintWindow:        cfg.HintsWindow,
		HintBytes:         cfg.HintsMaxBytes,
		Usage:             n.meter.Usage,
		Now:               wallClock(),
	}
	if n.members != nil {
		o.Ring, o.Links, o.Alive = n.company.ring, n.members, n.members.Alive
		o.Parse = server.PassedParser(server.PassedOptions{
			MaxString: serverSettings(cfg).MaxBulk, StoreError: storeError,
			OnPanic: func(cause any, stack []byte) {
				n.log.Error("a command of another node's client panicked", "cause", cause, "stack", string(stack))
			},
		})
		o.DC = n.company.doc.member(id).DC
		o.Keeper, o.TransferRate = n.members.keeper, cfg.TransferRate
	}
	return cluster.NewNode(o)
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

// ready is nil unless the store has failed: such a node serves nobody.
func (n *node) ready() error {
	if n.store.Metrics().Failed {
		return engine.ErrFatal
	}
	return nil
}

// writable is nil as long as the store takes writes.
func (n *node) writable() error {
	if n.store.Metrics().DiskFull {
		return engine.ErrDiskFull
	}
	return n.ready()
}

// drainFor bounds how long a node that stops answers the others: until the deadline of what they asked last, and a little more
// to place the hints of what was not acknowledged by then.
const drainFor = 2 * time.Second

// drain lets what peers have passed on finish, and gets the answers out. Clients have got theirs.
func (n *node) drain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, drainFor)
	defer cancel()
	return errors.Join(n.core.Drain(ctx), n.members.links.Load().Drain(ctx))
}

// stop tells the others, stops accepting, lets commands in flight finish until ctx ends, and makes everything durable.
func (n *node) stop(ctx context.Context) error {
	var errs []error
	if n.unwatch != nil {
		n.unwatch()
	}
	if n.company != nil {
		if err := n.company.gossip.Leave(ctx); err != nil && !errors.Is(err, gossip.ErrClosed) {
			n.log.Warn("the others were not told that this node goes", "reason", err)
		}
	}
	if err := n.front.Shutdown(ctx); err != nil {
		n.log.Warn("connections were cut off", "reason", err)
	}
	if n.members != nil {
		n.members.linger()
		if err := n.drain(ctx); err != nil {
			n.log.Warn("the others were left without answers", "reason", err)
		}
		errs = append(errs, n.members.close(), n.company.gossip.Close())
	}
	n.watch.Wait()
	n.meter.Close()
	n.core.Close()
	if counts := n.core.SaveCounts(); counts != nil {
		errs = append(errs, n.store.SaveState(countsState, counts))
	}
	return errors.Join(append(errs, n.store.CloseAt(n.core.Latest()))...)
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
