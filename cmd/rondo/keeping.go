package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/cluster/epoch"
	"github.com/rondokv/rondo/cluster/gossip"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/conf"
	"github.com/rondokv/rondo/engine/object"
)

// keep makes what takes the node from ring to ring.
func (m *membership) keep(cfg conf.Config) (err error) {
	_, inc, _ := m.store.Identity()
	o := cluster.KeeperOptions{
		Self: m.self, Inc: inc, Auto: cfg.Rebalance == conf.RebalanceAuto, Seed: rand.Uint64(),
		Send: m.Send, Save: m.saveRing, Adopt: m.adopt, Event: m.event, Logger: m.log,
	}
	if m.doc != nil {
		o.Document, o.Register = m.doc.Document, m.doc.register
	}
	m.keeper, err = cluster.NewKeeper(o)
	return err
}

// saveRing stores what the keeper asks for.
func (m *membership) saveRing(s epoch.Save) error {
	m.mu.Lock()
	d := m.doc
	m.mu.Unlock()
	next := &document{phase: admitted, register: s.Register}
	switch {
	case s.Document != nil:
		next = newDocument(s.Document)
		next.phase, next.register = admitted, s.Register
	case d == nil:
		return errors.New("a register without a ring")
	default:
		*next = *d
		next.register = s.Register
	}
	if d != nil {
		next.phase, next.former = d.phase, d.former
		if next.Cluster != d.Cluster {
			id, err := d.clusterID()
			if err != nil {
				return err
			}
			next.former = id
		}
	}
	if err := saveRing(m.store, next); err != nil {
		return err
	}
	m.mu.Lock()
	m.doc = next
	m.mu.Unlock()
	return nil
}

// adopt takes the node into the ring of a document, if it serves already.
func (m *membership) adopt(d *ring.Document) bool {
	core := m.core.Load()
	if core == nil {
		m.mu.Lock()
		core = m.core.Load()
		if core == nil {
			m.pending = d
		}
		m.mu.Unlock()
	}
	if core == nil {
		select {
		case m.news <- struct{}{}:
		default:
		}
		return false
	}
	if err := m.change(d, core); err != nil {
		m.end(&orderly{fmt.Errorf("epoch %d of the ring cannot be used: %w", d.Epoch, err)})
		return false
	}
	return true
}

// change takes links, core, clients and gossip into a ring, in that order: the core may have something to say to new members at
// once, and clients are sent to nobody who would send them back.
func (m *membership) change(d *ring.Document, core *cluster.Node) error {
	c, err := newChart(d)
	if err != nil {
		return err
	}
	id, err := clusterID(d.Cluster)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	v := m.gossip.View()
	links := m.links.Load()
	links.SetCluster(id)
	before := m.chart.Load()
	m.chart.Store(c) // who is named by neither is linked to no more; the topology is still that of before
	m.link(v)
	links.SetPeers(m.peers(v))
	core.SwitchRing(c.ring)
	if err := m.place(c); err != nil {
		m.chart.Store(before)
		return err
	}
	m.announceLocked(func(meta *gossip.Meta) {
		meta.Epoch, meta.RingHash, meta.Lineage, meta.Waiting = uint64(d.Epoch), uint64(newDocument(d).word()), lineage(d.Cluster), false
		if self := c.member(m.self); self != nil {
			meta.Weight, meta.Rack, meta.DC = self.Weight, self.Rack, self.DC
		}
	})
	return nil
}

// announce changes what this node tells of itself.
func (m *membership) announce(change func(*gossip.Meta)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.announceLocked(change)
}

func (m *membership) announceLocked(change func(*gossip.Meta)) {
	change(&m.meta)
	if err := m.gossip.Update(m.meta); err != nil && !errors.Is(err, gossip.ErrClosed) {
		m.log.Error("the others are not told what has changed", "error", err)
	}
}

// errGone is why a node stops that is no member of the ring any more.
var errGone = errors.New("this node is no member of the ring any more: it has left, or was removed. Its data directory is not needed")

// afterConflict is what to do when a node has stopped since there are two documents of one epoch.
const afterConflict = "A node has forgotten what it had stored, such as one whose --dir was put back from a copy, or runs twice. " +
	"The document that most voters have is right (epoch and ring in: rondo admin ring status): start nodes that have it again. " +
	"Leave the others stopped, rondo admin node remove them, empty their --dir and start them with --join"

// event says in the log what became of the ring, and stops the node where it must not go on.
func (m *membership) event(e epoch.Event) {
	attrs := []any{"epoch", uint64(e.Epoch), "stage", e.Stage.String()}
	if e.Node != 0 {
		attrs = append(attrs, "node", hexID(object.NodeID(e.Node)))
	}
	if e.Text != "" {
		attrs = append(attrs, "text", e.Text)
	}
	switch e.Kind {
	case 0:
		m.log.Error("ring", append(attrs, "event", "failed")...)
		m.end(&orderly{errors.New(e.Text)})
	case epoch.EventRemoved:
		m.log.Info("ring", append(attrs, "event", "removed")...)
		m.mu.Lock()
		if m.removed.IsZero() {
			m.removed = time.Now()
		}
		m.mu.Unlock()
		m.end(&orderly{errGone})
	case epoch.EventConflict:
		m.log.Error("ring", append(attrs, "event", "conflict")...)
		m.end(&orderly{fmt.Errorf("%w: %s. %s", epoch.ErrConflict, e.Text, afterConflict)})
	default:
		m.log.Info("ring", append(attrs, "event", fmt.Sprint(e.Kind))...)
	}
}

// await waits until the ring has admitted this node and a member has told it the cluster's secret. tell is called with what is waited
// for.
func (m *membership) await(ctx context.Context, n *node, tell func(text string, news bool)) (*document, error) {
	tell("waiting for a node of the ring to answer", true)
	look := time.NewTicker(time.Second)
	defer look.Stop()
	said := ""
	for {
		m.mu.Lock()
		doc := m.doc
		m.mu.Unlock()
		if doc != nil {
			secret, from, err := m.secret()
			if err == nil {
				m.log.Info("admitted", "epoch", uint64(doc.Epoch), "by", hexID(from))
				return m.settle(secret)
			}
			if errors.Is(err, errNobody) {
				tell("admitted, and no member of the ring can be reached", said != "nobody")
				said = "nobody"
			}
		} else if text := m.waitsFor(); text != said {
			tell(text, true)
			said = text
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-m.gossip.Failed():
			return nil, m.gossip.Err()
		case err := <-n.ended:
			return nil, err
		case <-m.news:
		case <-look.C:
		}
	}
}

// waitsFor says in words how far a node is that is no member yet.
func (m *membership) waitsFor() string {
	heard, linked := 0, 0
	for g := range m.gossip.View().All() {
		if g.ID == m.self || g.Waiting || g.State != gossip.Alive && g.State != gossip.Suspect {
			continue
		}
		heard++
		if m.Alive(g.ID) {
			linked++
		}
	}
	switch {
	case heard == 0:
		return "waiting for a node of the ring to answer: none of those of --join has been heard of"
	case linked == 0:
		return fmt.Sprintf("waiting for links: %d nodes of the ring were heard of", heard)
	}
	return fmt.Sprintf("waiting to be admitted to a ring of %d nodes: it makes a plan by itself, or an operator does (rondo admin ring plan)", heard)
}

var errNobody = errors.New("no member can be reached")

// secret asks the members for the cluster's secret until one tells it.
func (m *membership) secret() (secret object.Secret, from object.NodeID, err error) {
	err = errNobody
	for _, p := range m.peers(m.gossip.View()) {
		if !m.isLinked(p.ID) {
			continue
		}
		if secret, err = m.entry.Secret(p.ID); err == nil {
			return secret, p.ID, nil
		}
		m.log.Warn("a member does not admit this node yet", "node", hexID(p.ID), "error", err)
	}
	return object.Secret{}, 0, err
}

// settle makes the node a member for good: from now on its directory knows the ring.
func (m *membership) settle(secret object.Secret) (*document, error) {
	if err := m.store.SetSecret(secret); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	d := *m.doc
	d.phase = formed
	if err := saveRing(m.store, &d); err != nil {
		return nil, err
	}
	m.doc = &d
	return &d, nil
}

// serve lets the core of a node that was admitted take part. What was decided since it was made is adopted now.
func (m *membership) serve(core *cluster.Node, made ring.Epoch) error {
	m.mu.Lock()
	m.core.Store(core)
	d := m.pending
	m.pending = nil
	m.mu.Unlock()
	if d != nil && d.Epoch > made {
		if err := m.change(d, core); err != nil {
			return err
		}
		made = d.Epoch
	}
	for _, e := range m.early.close(time.Now()) {
		core.Receive(e.from, e.ms)
	}
	m.keeper.Adopted(made)
	return nil
}
