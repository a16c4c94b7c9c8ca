package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/cluster/gossip"
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

	log     *logging
	store   *engine.Store
	core    *cluster.Node
	front   *server.Server
	company *company    // nil: the node is alone
	members *membership // nil: alone, or there is no ring yet
	watch   sync.WaitGroup
	unwatch context.CancelFunc
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
	if n.company, err = join(cfg, n.store); err != nil {
		return nil, err
	}
	if n.advertise, err = advertise(cfg, ln.clients); err != nil {
		return nil, err
	}
	n.clients, n.forward, n.admin = addr(ln.clients), addr(ln.forward), addr(ln.admin)
	if n.company != nil {
		if ln.peer, err = bind(ctx, cfg, "peer", cfg.Peer); err != nil {
			return nil, err
		}
		if err = n.meet(ctx, cfg, ln, out); err != nil {
			return nil, err
		}
		cfg.PartitionSlots = n.company.doc.Slots
	}
	if n.core, err = startCluster(cfg, n); err != nil {
		return nil, err
	}
	if n.members != nil {
		if err = n.link(ctx, cfg, ln); err != nil {
			return nil, err
		}
	}
	if n.front, err = newFront(cfg, ln, n); err != nil {
		return nil, err
	}
	n.front.Start()
	return n, nil
}

// meet finds the others and, where there is no ring yet, forms it with them.
func (n *node) meet(ctx context.Context, cfg conf.Config, ln listeners, out io.Writer) error {
	c := n.company
	if err := c.begin(ctx, cfg, n, ln, n.advertise, forwardAdvertise(n.advertise, ln.forward)); err != nil {
		return err
	}
	room := openAntechamber(ln, n.adminRoutes)
	err := c.form(ctx, n, func(text string, news bool) {
		room.tell(text)
		if !news {
			return
		}
		n.log.Info("forming", "state", text)
		if cfg.LogFormat == conf.LogText {
			_, _ = fmt.Fprintf(out, "The cluster is forming: %s\n", text) // a closed stdout is no reason to stop
		}
	})
	if err := errors.Join(err, room.close()); err != nil {
		return err
	}
	n.replicas, n.configured = c.ring.Replicas(), c.doc.Replicas
	id, _, _ := n.store.Identity()
	n.members, err = newMembership(id, c, func(d *document) error { return saveRing(n.store, d) }, n.log.Logger)
	return err
}

// settleFor bounds how long a node with a ring waits for others and its links to them before it takes clients.
const settleFor = time.Second

// link connects the node to the others.
func (n *node) link(ctx context.Context, cfg conf.Config, ln listeners) error {
	settle, done := context.WithTimeout(ctx, settleFor)
	defer done()
	if err := n.company.meet(settle); err != nil {
		return err
	}
	id, inc, _ := n.store.Identity()
	n.members.core.Store(n.core)
	o, err := peerOptions(cfg, n.company.doc, id, inc, ln.peer, n.log.Logger)
	if err != nil {
		return err
	}
	if err := n.members.connect(o); err != nil {
		return err
	}
	n.company.feed.to.Store(n.members)
	n.members.changed(gossip.View{}) // what came in between
	watch, cancel := context.WithCancel(context.WithoutCancel(ctx))
	n.unwatch = cancel
	n.watch.Go(func() {
		select {
		case <-n.company.gossip.Failed():
			n.ended <- &orderly{n.company.gossip.Err()}
		case <-watch.Done():
		}
	})
	n.members.settled(settle)
	return nil
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
	if cfg.Founders == "" {
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
	}
	if n.members != nil {
		o.Ring, o.Links, o.Alive, o.Parse = n.company.ring, n.members, n.members.Alive, server.PassedParser(server.PassedOptions{MaxString: serverSettings(cfg).MaxBulk})
		o.DC = n.company.doc.member(id).DC
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
		errs = append(errs, n.members.close(), n.company.gossip.Close())
	}
	n.watch.Wait()
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
