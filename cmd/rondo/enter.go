package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/rondokv/rondo/cluster/gossip"
	"github.com/rondokv/rondo/conf"
)

// enter makes the node a member of its ring, and its core.
func (n *node) enter(ctx context.Context, cfg conf.Config, ln listeners, out io.Writer) (listeners, error) {
	if d := n.company.doc; d != nil {
		cfg.PartitionSlots = d.Slots
	}
	if err := n.open(ctx, cfg, &ln); err != nil {
		return ln, err
	}
	if n.company == nil {
		core, err := startCluster(cfg, n)
		n.core = core
		return ln, err
	}
	if n.company.gone {
		return ln, n.part(ctx, cfg, ln, out)
	}
	if n.company.joining {
		return ln, n.admit(ctx, cfg, ln, out)
	}
	if err := n.meet(ctx, cfg, ln, out); err != nil {
		return ln, err
	}
	cfg.PartitionSlots = n.company.doc.Slots // that the founders have agreed to
	core, err := startCluster(cfg, n)
	if err != nil {
		return ln, err
	}
	n.core = core
	return ln, n.link(ctx, cfg, ln)
}

// open binds what other nodes connect to and begins to gossip. A node that needs no others goes on without, where it must not talk to
// them or somebody else has its ports: nobody can join it then.
func (n *node) open(ctx context.Context, cfg conf.Config, ln *listeners) error {
	c := n.company
	err := cfg.CheckPeers()
	if err == nil {
		ln.peer, err = bind(ctx, cfg, "peer", cfg.Peer)
	}
	if err == nil {
		err = c.begin(ctx, cfg, n, *ln, n.advertise, forwardAdvertise(n.advertise, ln.forward))
	}
	if err == nil || !c.lone() {
		return err
	}
	n.log.Info("this node cannot be joined by others", "reason", err)
	if ln.peer != nil {
		err = ln.peer.Close()
		ln.peer = nil
	} else {
		err = nil
	}
	n.company = nil
	return err
}

// meet finds the others and, where there is no ring yet, forms it with them.
func (n *node) meet(ctx context.Context, cfg conf.Config, ln listeners, out io.Writer) error {
	c := n.company
	if c.doc == nil || c.doc.phase != formed {
		room := openAntechamber(ln, "The cluster is forming", wordLoading, n.adminRoutes)
		err := c.form(ctx, n, n.teller(cfg, room, out))
		if err := errors.Join(err, room.close()); err != nil {
			return err
		}
	}
	n.replicas, n.configured = c.ring.Replicas(), c.doc.Replicas
	var err error
	if n.members, err = newMembership(n, c); err != nil {
		return err
	}
	return n.members.keep(cfg)
}

// teller says what a node that does not serve yet waits for.
func (n *node) teller(cfg conf.Config, room *antechamber, out io.Writer) func(text string, news bool) {
	return func(text string, news bool) {
		room.tell(text)
		if !news {
			return
		}
		n.log.Info(strings.ToLower(room.what), "state", text)
		if cfg.LogFormat == conf.LogText {
			_, _ = fmt.Fprintf(out, "%s: %s\n", room.what, text) // a closed stdout is no reason to stop
		}
	}
}

// admit waits until the ring has taken the node in, and makes its core.
func (n *node) admit(ctx context.Context, cfg conf.Config, ln listeners, out io.Writer) (err error) {
	c := n.company
	if n.members, err = newMembership(n, c); err != nil {
		return err
	}
	if err := n.members.keep(cfg); err != nil {
		return err
	}
	room := openAntechamber(ln, "This node is not admitted to the ring yet", wordLoading, n.adminRoutes)
	doc, err := n.wait(ctx, cfg, ln, n.teller(cfg, room, out))
	if err := errors.Join(err, room.close()); err != nil {
		return err
	}
	chart, err := newChart(doc.Document)
	if err != nil {
		return err
	}
	n.members.mu.Lock()
	err = n.members.place(chart)
	n.members.mu.Unlock()
	if err != nil {
		return err
	}
	c.doc, c.ring = doc, chart.ring
	cfg.PartitionSlots = doc.Slots
	n.replicas, n.configured = chart.ring.Replicas(), doc.Replicas
	if n.core, err = startCluster(cfg, n); err != nil {
		return err
	}
	if err := n.members.serve(n.core, doc.Epoch); err != nil {
		return err
	}
	n.members.changed(gossip.View{})
	settle, done := context.WithTimeout(ctx, settleFor)
	defer done()
	n.members.settled(settle)
	return nil
}

// wait links the node to the members of the ring and waits to be admitted by them.
func (n *node) wait(ctx context.Context, cfg conf.Config, ln listeners, tell func(text string, news bool)) (*document, error) {
	if err := n.company.meet(ctx); err != nil {
		return nil, err
	}
	if err := n.connect(ctx, cfg, ln); err != nil {
		return nil, err
	}
	return n.members.await(ctx, n, tell)
}

// link connects the node to the others.
func (n *node) link(ctx context.Context, cfg conf.Config, ln listeners) error {
	settle, done := context.WithTimeout(ctx, settleFor)
	defer done()
	if !n.company.lone() {
		if err := n.company.meet(ctx); err != nil {
			return err
		}
	}
	n.members.core.Store(n.core)
	if err := n.connect(ctx, cfg, ln); err != nil {
		return err
	}
	n.members.settled(settle)
	return nil
}

// connect makes the links, and lets the keeper work.
func (n *node) connect(ctx context.Context, cfg conf.Config, ln listeners) error {
	id, inc, _ := n.store.Identity()
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
	n.members.keeper.Start()
	return nil
}
