package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rondokv/rondo/cluster/gossip"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/conf"
	"github.com/rondokv/rondo/engine"
	"github.com/rondokv/rondo/engine/object"
)

// company is this node's place among others: what it has stored of the ring, its gossip, and where it hears of changes.
type company struct {
	charter charter
	doc     *document // nil: nothing is agreed to yet
	ring    *ring.Ring
	met     map[object.NodeID]addresses // where the members were met last
	joining bool                        // waits to be admitted to a ring
	gone    bool                        // is no member of its ring any more
	begins  bool                        // makes a ring of its own
	meta    gossip.Meta
	gossip  *gossip.Gossip
	feed    feed
}

// feed brings gossip's changes to whoever wants them now.
type feed struct {
	poke chan struct{}
	to   atomic.Pointer[membership]
}

func (f *feed) changed(v gossip.View) {
	if m := f.to.Load(); m != nil {
		m.changed(v)
		return
	}
	select {
	case f.poke <- struct{}{}:
	default: // whoever listens looks at the newest view anyway
	}
}

// join says what this node is among others. It checks what the data directory holds against the settings.
func join(cfg conf.Config, store *engine.Store) (*company, error) {
	doc, r, err := loadRing(store)
	if err != nil {
		return nil, err
	}
	c := &company{charter: newCharter(cfg), doc: doc, ring: r, met: loadAddresses(store), feed: feed{poke: make(chan struct{}, 1)}}
	id, _, secret := store.Identity()
	switch {
	case doc == nil && cfg.Founders != "":
		if secret != c.charter.secret() {
			return nil, fmt.Errorf("data directory %s was made for a node that was alone, or for another cluster (other --founders, --cluster.name or "+
				"--gossip-key): give --dir a new directory", cfg.Dir)
		}
	case doc == nil && cfg.Join != "":
		rows, err := store.HasRows()
		if err != nil {
			return nil, err
		}
		if rows {
			return nil, fmt.Errorf("data directory %s holds data of a node that was alone: a node that joins others (--join) must begin empty. "+
				"Give --dir a new directory", cfg.Dir)
		}
		c.joining = true
	case doc == nil:
		c.begins = true
	case doc.member(id) == nil:
		c.gone = true
	case cfg.Founders != "" && len(doc.Founders) == 0:
		return nil, fmt.Errorf("data directory %s was made for a node that was alone, not for one of --founders. Leave --founders away, the directory "+
			"knows its ring; or give --dir a new directory", cfg.Dir)
	case doc.Name != cfg.ClusterName:
		return nil, fmt.Errorf("data directory %s is of the cluster named %s, not %s (setting cluster.name)", cfg.Dir, doc.Name, cfg.ClusterName)
	case cfg.Founders != "" && doc.Epoch == firstEpoch:
		if d := c.charter.word().difference(doc.word()); d != "" {
			return nil, fmt.Errorf("data directory %s is of a cluster that was formed with %s; its founders are %s. Leave --founders away, the directory "+
				"knows the ring; or give --dir a new directory", cfg.Dir, d, strings.Join(doc.Founders, ","))
		}
	}
	if doc != nil {
		// What was fixed when the ring was formed comes from the ring.
		c.charter.founders, c.charter.replicas, c.charter.byDC, c.charter.slots = doc.Founders, doc.Replicas, doc.PerDC, doc.Slots
		c.joining = doc.phase == admitted && !c.gone
	}
	return c, nil
}

// lone says whether the node serves by itself: others may join it, but it needs none.
func (c *company) lone() bool {
	return c.begins || c.doc != nil && !c.gone && c.doc.phase == formed && len(c.doc.Members) == 1
}

// begin starts gossip. clients and forward are the addresses that clients are told.
func (c *company) begin(ctx context.Context, cfg conf.Config, n *node, ln listeners, clients, forward string) error {
	id, inc, _ := n.store.Identity()
	local, err := conf.LocalAddrs()
	if err != nil {
		return err
	}
	advertise, err := c.advertised(ctx, cfg, id, local, clients)
	if err != nil {
		return err
	}
	peerHost, _, err := net.SplitHostPort(advertise)
	if err != nil {
		return fmt.Errorf("setting peer-advertise: %w", err)
	}
	bound, err := netip.ParseAddrPort(ln.peer.Addr().String())
	if err != nil {
		return fmt.Errorf("address of --peer: %w", err)
	}
	if ip := bound.Addr().Unmap(); !ip.IsUnspecified() && cfg.PeerAdvertise == "" {
		peerHost = ip.WithZone("").String()
	}
	c.meta = gossip.Meta{
		Client: clients, Forward: forward, Peer: net.JoinHostPort(peerHost, strconv.Itoa(int(bound.Port()))),
		Rack: cfg.Rack, DC: cfg.DC, Weight: uint32(cfg.Weight), RingHash: uint64(c.charter.word()), Waiting: c.joining,
	}
	if c.begins {
		if err := c.bootstrap(n.store, id, advertise); err != nil {
			return err
		}
	}
	seeds := slices.Concat(c.charter.founders, cfg.JoinList())
	if c.doc != nil {
		c.meta.Epoch, c.meta.RingHash, c.meta.Lineage = uint64(c.doc.Epoch), uint64(c.doc.word()), lineage(c.doc.Cluster)
		m := c.doc.member(id)
		if m == nil { // gone
			m = &ring.Member{Node: ring.Node{Weight: c.meta.Weight, Rack: c.meta.Rack, DC: c.meta.DC}}
		}
		if c.meta.Rack != m.Rack || c.meta.DC != m.DC || c.meta.Weight != m.Weight {
			n.log.Warn("rack, dc and weight are those that the ring has for this node", "rack", m.Rack, "dc", m.DC, "weight", m.Weight)
		}
		c.meta.Rack, c.meta.DC, c.meta.Weight = m.Rack, m.DC, m.Weight
		for _, m := range c.doc.Members {
			at := c.met[object.NodeID(m.ID)].Gossip
			if at == "" {
				at = m.Gossip
			}
			if object.NodeID(m.ID) != id && at != "" {
				seeds = append(seeds, at)
			}
		}
	}
	slices.Sort(seeds)
	seeds = slices.DeleteFunc(slices.Compact(seeds), func(f string) bool { return f == advertise })
	c.gossip, err = gossip.Start(gossip.Options{
		ID: id, Incarnation: inc, ClusterID: cfg.ClusterName, Bind: cfg.Gossip, Advertise: advertise, Keys: cfg.GossipKeys(),
		Seeds: seeds[:min(len(seeds), maxSeeds)], Meta: c.meta, OnChange: c.feed.changed, Logger: n.log.Logger,
	})
	return err
}

const maxSeeds = 64

// bootstrap makes and stores a ring of this node alone.
func (c *company) bootstrap(store *engine.Store, id object.NodeID, advertise string) (err error) {
	c.doc, err = bootstrap(c.charter, ring.Member{
		Node:   ring.Node{ID: ring.NodeID(id), Weight: c.meta.Weight, Rack: c.meta.Rack, DC: c.meta.DC},
		Client: c.meta.Client, Forward: c.meta.Forward, Peer: c.meta.Peer, Gossip: advertise,
	})
	if err != nil {
		return err
	}
	if c.ring, err = c.doc.Ring(); err != nil {
		return err
	}
	return saveRing(store, c.doc)
}

// advertised is the gossip address that others are told.
func (c *company) advertised(ctx context.Context, cfg conf.Config, id object.NodeID, local []netip.Addr, clients string) (string, error) {
	host, port, err := net.SplitHostPort(cfg.Gossip)
	if err != nil {
		return "", fmt.Errorf("setting gossip: %w", err)
	}
	own := ""
	switch {
	case c.doc != nil && !c.gone && c.doc.member(id).Gossip != "":
		if own, _, err = net.SplitHostPort(c.doc.member(id).Gossip); err != nil {
			return "", err
		}
	case c.doc == nil && cfg.Founders != "":
		at := c.charter.lookup(ctx)
		i, err := c.charter.own(at, cfg.Gossip, local)
		if err != nil && cfg.PeerAdvertise == "" {
			return "", err
		}
		if err == nil {
			own = at[i].Addr().String()
		}
	default: // where clients reach it, others do
		if own, _, err = net.SplitHostPort(clients); err != nil {
			return "", err
		}
	}
	if cfg.PeerAdvertise != "" {
		host = cfg.PeerAdvertise
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
	} else if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = own
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), port), nil
}

// form waits until there is a ring. tell is called with who is waited for: news when their number has changed.
func (c *company) form(ctx context.Context, n *node, tell func(text string, news bool)) error {
	store := n.store
	if c.doc != nil && c.doc.phase == formed {
		return nil
	}
	id, _, _ := store.Identity()
	f := &founding{charter: c.charter, self: id}
	if c.doc != nil {
		f.vote(c.doc)
	}
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for told := -1; ; {
		v := f.look(c.charter.lookup(ctx), sightings(c.gossip.View()))
		switch {
		case v.refused != nil:
			c.linger(ctx)
			return v.refused
		case v.agree != nil:
			if err := c.agree(store, v.agree); err != nil {
				return err
			}
			f.vote(c.doc)
			continue
		case v.formed:
			c.doc.phase = formed
			return saveRing(store, c.doc)
		}
		// Who is there changes now and then, why the others are not all the time.
		tell(strings.Join(append([]string{"waiting for " + v.waiting()}, v.odd...), "; "), told != len(v.missing)<<8|len(v.odd))
		told = len(v.missing)<<8 | len(v.odd)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.gossip.Failed():
			return c.gossip.Err()
		case err := <-n.ended:
			return err // the store has failed
		case <-c.feed.poke:
		case <-look.C:
		}
	}
}

// agree stores a ring, then tells that it has. The order is what makes it a vote.
func (c *company) agree(store *engine.Store, d *document) (err error) {
	d.phase = agreed
	if err := saveRing(store, d); err != nil {
		return err
	}
	c.doc = d
	if c.ring, err = d.Ring(); err != nil {
		return err
	}
	c.meta.Epoch, c.meta.RingHash, c.meta.Lineage = uint64(d.Epoch), uint64(d.word()), lineage(d.Cluster)
	return c.gossip.Update(c.meta)
}

// lingerFor is how long a node that is refused stays: until the others have heard of it, so that they can name it.
const lingerFor = 1500 * time.Millisecond

func (c *company) linger(ctx context.Context) {
	t := time.NewTimer(lingerFor)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// leave ends gossip with a word to the others.
func (c *company) leave(ctx context.Context, log *logging) error {
	if err := c.gossip.Leave(ctx); err != nil && !errors.Is(err, gossip.ErrClosed) {
		log.Warn("the others were not told that this node goes", "reason", err)
	}
	return c.gossip.Close()
}

// sightings are the nodes of a view as founders look at them: none while it is not known whether this node may have its id.
func sightings(v gossip.View) []sighting {
	if v.Disputed() {
		return nil
	}
	seen := make([]sighting, 0, v.Len())
	for m := range v.All() {
		s := sighting{
			Member: ringMember(m),
			alive:  m.State == gossip.Alive, up: m.State == gossip.Alive || m.State == gossip.Suspect,
			why: m.State.String(), epoch: m.Epoch, word: word(m.RingHash),
		}
		if m.State == gossip.Suspect {
			s.why = "heard of, " + m.Doubt.String()
		}
		seen = append(seen, s)
	}
	return seen
}

// ringMember is a node as documents have it.
func ringMember(m gossip.Member) ring.Member {
	return ring.Member{
		Node:   ring.Node{ID: ring.NodeID(m.ID), Weight: m.Weight, Rack: m.Rack, DC: m.DC},
		Client: m.Client, Forward: m.Forward, Peer: m.Peer, Gossip: m.Gossip,
	}
}
