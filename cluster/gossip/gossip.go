package gossip

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/rondokv/rondo/engine/object"
)

// Gossip is this node's membership. All methods may be called from any goroutine.
type Gossip struct {
	id          object.NodeID
	incarnation object.Incarnation
	addr        string // advertised, ip:port
	onChange    func(View)
	log         *slog.Logger
	ml          *memberlist.Memberlist
	logs        *logBridge
	keyring     *memberlist.Keyring // nil: plain text
	seeds       []string

	alive   atomic.Pointer[map[object.NodeID]struct{}]
	refused atomic.Uint64 // alive messages that NotifyAlive did not take

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	closed sync.Once
	down   sync.Once     // memberlist
	poke   chan struct{} // to run: the table changed, or mine did
	look   chan struct{} // to join: a target may be due
	tell   chan struct{} // to notify: there is a new view
	rivals chan rival
	failed chan struct{}
	asks   chan struct{} // a place a packet under way
	rotate sync.Mutex    // one rotation at a time
	depart sync.Mutex    // Leave against Close; held while memberlist says goodbye, for at most leaveWait

	mu        sync.Mutex
	table     *table
	mine      announcement
	said      saying
	latest    View
	changed   chan struct{} // closed and replaced with every new view
	err       error         // why failed is closed
	joinErr   error
	conflicts uint64
	disputes  int  // rivals for this node's own id that were not looked at yet
	gone      bool // memberlist is shut down, or about to be
}

// maxAsks bounds the pings of our own under way.
const maxAsks = 8

// Start binds the sockets and begins to gossip. It does not wait for any other node: joining goes on in the background until a
// seed answers. A node whose id another one uses learns it then: see Failed.
func Start(o Options) (*Gossip, error) {
	return start(o, func(bind netip.AddrPort, l *log.Logger) (memberlist.NodeAwareTransport, uint16, error) {
		t, err := newTransport(bind, l)
		if err != nil {
			return nil, 0, err
		}
		return t, t.port(), nil
	})
}

// listener binds an address and says which port it got.
type listener func(netip.AddrPort, *log.Logger) (memberlist.NodeAwareTransport, uint16, error)

func start(o Options, listen listener) (*Gossip, error) {
	if o.Meta.Weight == 0 {
		o.Meta.Weight = 1
	}
	if o.HoldDown == (HoldDown{}) {
		o.HoldDown = DefaultHoldDown()
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	g := &Gossip{
		id: o.ID, incarnation: o.Incarnation, onChange: o.OnChange, log: o.Logger, seeds: slices.Clone(o.Seeds),
		poke: make(chan struct{}, 1), look: make(chan struct{}, 1), tell: make(chan struct{}, 1),
		rivals: make(chan rival, maxRivals), failed: make(chan struct{}), asks: make(chan struct{}, maxAsks),
		table: newTable(o.ID, o.HoldDown), changed: make(chan struct{}),
	}
	g.mine = announcement{Meta: o.Meta, incarnation: o.Incarnation, keys: fingerprints(o.Keys)}
	g.said.last, g.table.lineage = g.mine, o.Meta.Lineage
	g.ctx, g.cancel = context.WithCancel(context.Background())
	g.logs = newLogBridge(o.Logger)
	if err := g.open(&o, listen); err != nil {
		g.cancel()
		g.logs.close()
		return nil, err
	}
	g.change(func(time.Time) bool {
		g.table.changed = true
		return true
	})
	g.wg.Go(g.run)
	g.wg.Go(g.joinLoop)
	g.wg.Go(g.conflictLoop)
	g.wg.Go(g.notify)
	return g, nil
}

// open binds the sockets and starts memberlist on them.
func (g *Gossip) open(o *Options, listen listener) error {
	bind, err := resolve("bind", o.Bind)
	if err != nil {
		return err
	}
	advertise, err := o.advertised(bind)
	if err != nil {
		return err
	}
	if len(o.Keys) > 0 {
		if g.keyring, err = memberlist.NewKeyring(o.Keys, o.Keys[0]); err != nil {
			return fmt.Errorf("gossip: key ring: %w", err)
		}
	}
	t, port, err := listen(bind, log.New(g.logs, "", 0))
	if err != nil {
		return err
	}
	if advertise.Port() == 0 {
		advertise = netip.AddrPortFrom(advertise.Addr(), port)
	}
	g.addr = advertise.String()
	g.ml, err = memberlist.Create(settings(o, advertise, t, g.keyring, &delegate{g}, g.logs))
	if err != nil {
		return errors.Join(fmt.Errorf("gossip: %w", err), t.Shutdown())
	}
	return nil
}

// ID is this node's.
func (g *Gossip) ID() object.NodeID { return g.id }

// Address is the gossip address that the others use, ip:port.
func (g *Gossip) Address() string { return g.addr }

// Alive says whether the data path may use a member: see State. Wait-free. This node itself is always alive.
func (g *Gossip) Alive(id object.NodeID) bool {
	_, ok := (*g.alive.Load())[id]
	return ok
}

// View is all that is known now. It is built anew: for people and for decisions that are not on the data path.
func (g *Gossip) View() View {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	return g.view(now)
}

// view is what is known. g.mu is held.
func (g *Gossip) view(now time.Time) View {
	v := g.table.view(now, g.me(now))
	v.disputed = g.disputes > 0
	return v
}

// me is this node as a member. g.mu is held.
func (g *Gossip) me(now time.Time) Member {
	state := Alive
	if g.mine.leaving {
		state = Left
	}
	return Member{ID: g.id, Incarnation: g.incarnation, State: state, Meta: g.mine.Meta, Gossip: g.addr, LastHeard: now, Ups: 1}
}

// Update changes what this node tells: new epochs and addresses at once, load at leisure. An error says which field cannot be
// told; nothing is changed then.
func (g *Gossip) Update(m Meta) error {
	if m.Weight == 0 {
		m.Weight = 1
	}
	if err := m.check(); err != nil {
		return err
	}
	g.change(func(time.Time) bool {
		old := g.mine
		g.mine.Meta, g.table.lineage = m, m.Lineage
		g.table.changed = g.table.changed || !old.sameButLoad(&g.mine)
		return true
	})
	return nil
}

// ReportLink says whether the peer link to a node works: every time that changes, after every failed attempt to connect, and
// now and then while it is up (which saves a ping). A member with a link that is down does not count as alive whatever
// memberlist has heard; a link that is up proves that the member answers, but does not bring back one that is dead.
// A report belongs to the life of the member in which it was made and ends with it.
func (g *Gossip) ReportLink(id object.NodeID, up bool) {
	g.change(func(now time.Time) bool { return g.table.reported(now, id, up) })
}

// Forget drops a dead or departed member from the view. It comes back if it is heard of again.
func (g *Gossip) Forget(id object.NodeID) {
	g.change(func(time.Time) bool { return g.table.forget(id) })
}

// change is the only way in which the table and mine change: judged and visible to Alive when it returns. f says whether it
// changed anything beside times.
func (g *Gossip) change(f func(now time.Time) bool) {
	g.mu.Lock()
	now := time.Now()
	changed := f(now)
	if changed && g.table.judge(now) {
		g.publish(now)
	}
	g.mu.Unlock()
	if changed {
		signal(g.poke)
	}
}

// publish makes a new view visible. g.mu is held.
func (g *Gossip) publish(now time.Time) {
	g.latest = g.view(now)
	alive := make(map[object.NodeID]struct{}, g.latest.Len())
	alive[g.id] = struct{}{}
	for m := range g.latest.All() {
		if m.State == Alive {
			alive[m.ID] = struct{}{}
		}
	}
	g.alive.Store(&alive)
	close(g.changed)
	g.changed = make(chan struct{})
	signal(g.tell)
	signal(g.look)
}

// notify calls OnChange.
func (g *Gossip) notify() {
	for {
		select {
		case <-g.tell:
		case <-g.ctx.Done():
			return
		}
		g.mu.Lock()
		v := g.latest
		g.mu.Unlock()
		if g.onChange != nil {
			g.onChange(v)
		}
	}
}

// inCompany says whether memberlist has any other member up.
func (g *Gossip) inCompany() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.table.others() > 0
}

// isSettled says whether this node was ever taken into company, or took somebody in.
func (g *Gossip) isSettled() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.mine.settled
}

// signal wakes whoever waits on a channel of one place.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Failed is closed when this node must not go on, since another one uses its id; Err says which. It has stopped to gossip by then;
// Close is still to be called.
func (g *Gossip) Failed() <-chan struct{} { return g.failed }

// Err is nil until Failed is closed, a *ConflictError then.
func (g *Gossip) Err() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}

// Stats are for metrics.
type Stats struct {
	Members, Alive int    // this node included
	Health         int    // memberlist's own: 0 is good, 7 the worst; probes slow down by it
	Conflicts      uint64 // times that an id was met at two addresses
	Refused        uint64 // messages about members that could not be read or were of an earlier life
	LogsDropped    uint64
	JoinError      error // the last that a seed or a dead member gave since one answered
}

// Stats returns what has been counted.
func (g *Gossip) Stats() Stats {
	s := Stats{Refused: g.refused.Load(), LogsDropped: g.logs.dropped.Load(), Health: g.ml.GetHealthScore()}
	g.mu.Lock()
	defer g.mu.Unlock()
	s.Members, s.Alive = len(g.table.entries)+1, len(*g.alive.Load())
	s.Conflicts, s.JoinError = g.conflicts, g.joinErr
	return s
}
