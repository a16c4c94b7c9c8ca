package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rondokv/rondo/cluster/epoch"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// KeeperOptions say who the node is, what it has stored of the ring, and how what is decided comes about. All but Document,
// Register, Seed and the limits must be set.
type KeeperOptions struct {
	Self     object.NodeID
	Inc      object.Incarnation
	Document *ring.Document // nil: the node waits to be admitted
	Register []byte
	Auto     bool
	Seed     uint64
	Limits   epoch.Limits

	// Send brings a message to a node, or loses it. It must not block.
	Send func(to object.NodeID, m wire.Message) bool
	// Save makes it durable, synced, in one batch. After an error nothing more happens.
	Save func(epoch.Save) error
	// Adopt takes all partitions of the node into the document's ring, then says true; or false, and Keeper.Adopted is called
	// once they are.
	Adopt func(*ring.Document) bool
	// Event tells what has happened; after EventConflict and an error of Save (Kind 0) the node must stop. After EventRemoved it must
	// serve nobody, and stop when it has carried messages for some seconds more: the keeper goes on telling others what it knows.
	Event  func(epoch.Event)
	Logger *slog.Logger
}

// Keeper takes a node from ring to ring: it drives its epoch.Machine. Its funcs are called by one goroutine, its own.
type Keeper struct {
	o       KeeperOptions
	machine *epoch.Machine
	started time.Time
	inbox   chan func(now epoch.Time)
	newest  atomic.Uint64 // epoch that was heard of last
	lost    atomic.Uint64 // inputs dropped because too many waited
	bad     atomic.Uint64 // messages that made no sense

	waiting map[uint64]chan epoch.Outcome // by command; of the goroutine

	ctx  context.Context
	stop context.CancelFunc
	done sync.WaitGroup
}

// maxInbox bounds what waits for a keeper: more messages are lost, as on a network.
const maxInbox = 512

// ErrKeeperStopped is what a question to a keeper that was closed, or that failed, gets.
var ErrKeeperStopped = errors.New("cluster: the node takes no part in changes of the ring any more")

// NewKeeper makes a keeper. Nothing happens before Start.
func NewKeeper(o KeeperOptions) (*Keeper, error) {
	k := &Keeper{o: o, started: time.Now(), inbox: make(chan func(epoch.Time), maxInbox), waiting: map[uint64]chan epoch.Outcome{}}
	if k.o.Logger == nil {
		k.o.Logger = slog.New(slog.DiscardHandler)
	}
	m, err := epoch.New(k.now(), epoch.Options{
		Self: ring.NodeID(o.Self), Inc: uint64(o.Inc), Document: o.Document, Register: o.Register, Auto: o.Auto, Seed: o.Seed, Limits: o.Limits,
	})
	if err != nil {
		return nil, err
	}
	k.machine = m
	if o.Document != nil {
		k.newest.Store(uint64(o.Document.Epoch))
	}
	k.ctx, k.stop = context.WithCancel(context.Background())
	return k, nil
}

// Start lets the keeper work. Messages can be sent from now on.
func (k *Keeper) Start() { k.done.Go(k.run) }

// Close stops it. No more of its funcs are called when it returns.
func (k *Keeper) Close() {
	k.stop()
	k.done.Wait()
}

func (k *Keeper) now() epoch.Time { return epoch.Time(time.Since(k.started)) }

// run is the goroutine that steps the machine.
func (k *Keeper) run() {
	defer k.stop()
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		if !k.carryOut() {
			return
		}
		if at, ok := k.machine.NextTimer(); ok {
			t.Reset(max(0, time.Duration(at-k.now())))
		}
		select {
		case <-k.ctx.Done():
			return
		case step := <-k.inbox:
			step(k.now())
		case <-t.C:
			k.machine.Tick(k.now())
		}
	}
}

// carryOut does what the machine asks for; false when the node must stop.
func (k *Keeper) carryOut() bool {
	for {
		rd := k.machine.Ready()
		if rd.Empty() {
			return true
		}
		if rd.Save != nil {
			if err := k.o.Save(*rd.Save); err != nil {
				k.o.Event(epoch.Event{Text: fmt.Sprintf("the ring cannot be stored: %v", err)})
				return false
			}
		}
		for _, e := range rd.Messages {
			m := &wire.Ring{Body: e.Body}
			if d := k.machine.Document(); d != nil {
				m.Epoch = uint64(d.Epoch)
			}
			k.o.Send(object.NodeID(e.To), m)
		}
		for _, o := range rd.Outcomes {
			if ch := k.waiting[o.ID]; ch != nil {
				ch <- o
				delete(k.waiting, o.ID)
			}
		}
		for _, e := range rd.Events {
			k.o.Event(e)
			if e.Kind == epoch.EventConflict {
				return false
			}
		}
		if rd.Adopt != nil && k.o.Adopt(rd.Adopt) {
			k.machine.Adopted(k.now(), rd.Adopt.Epoch)
		}
	}
}

// drop hands an input over, or loses it and says so.
func (k *Keeper) drop(step func(now epoch.Time)) (taken bool) {
	select {
	case k.inbox <- step:
		return true
	default:
		k.lost.Add(1)
		return false
	}
}

// put hands an input over; false when the keeper has stopped or ctx has ended.
func (k *Keeper) put(ctx context.Context, step func(now epoch.Time)) error {
	select {
	case k.inbox <- step:
		return nil
	case <-k.ctx.Done():
		return ErrKeeperStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Receive takes what another node's keeper has sent. It does not wait.
func (k *Keeper) Receive(from object.NodeID, m *wire.Ring) {
	k.drop(func(now epoch.Time) {
		if err := k.machine.Receive(now, ring.NodeID(from), m.Body); err != nil {
			if k.bad.Add(1) == 1 || !errors.Is(err, epoch.ErrForeign) {
				k.o.Logger.Warn("a message about the ring is refused", "node", fmt.Sprintf("%016x", uint64(from)), "error", err)
			}
		}
	})
}

// Newer says that a node has named an epoch in a message or by gossip. It does not wait, and costs nothing for what is known.
func (k *Keeper) Newer(from object.NodeID, e ring.Epoch) {
	for {
		known := k.newest.Load()
		if uint64(e) <= known {
			return
		}
		if k.newest.CompareAndSwap(known, uint64(e)) {
			break
		}
	}
	k.drop(func(now epoch.Time) {
		k.machine.Newer(now, ring.NodeID(from), e)
		if d := k.machine.Document(); d == nil || d.Epoch < e {
			k.newest.Store(0) // until it is here others may say so again
			if d != nil {
				k.newest.Store(uint64(d.Epoch))
			}
		}
	})
}

// View takes in what gossip says. It does not wait.
func (k *Keeper) View(v epoch.View) { k.drop(func(now epoch.Time) { k.machine.View(now, v) }) }

// Progress takes in how far this node is. It does not wait: false means that it has to be said again.
func (k *Keeper) Progress(p epoch.Progress) (taken bool) {
	return k.drop(func(now epoch.Time) { k.machine.Progress(now, p) })
}

// Adopted says that all partitions work by the document of an epoch for which Adopt said false.
func (k *Keeper) Adopted(e ring.Epoch) {
	_ = k.put(context.Background(), func(now epoch.Time) { k.machine.Adopted(now, e) }) // one that has stopped needs no telling
}

// Do carries a command out. An outcome that is no success is returned as such, not as an error.
func (k *Keeper) Do(ctx context.Context, c epoch.Command) (epoch.Outcome, error) {
	ch := make(chan epoch.Outcome, 1)
	if err := k.put(ctx, func(now epoch.Time) { k.waiting[k.machine.Command(now, c)] = ch }); err != nil {
		return epoch.Outcome{}, err
	}
	return await(ctx, k, ch)
}

// Status returns how things are, as this node sees it.
func (k *Keeper) Status(ctx context.Context) (epoch.Status, error) {
	ch := make(chan epoch.Status, 1)
	if err := k.put(ctx, func(epoch.Time) { ch <- k.machine.Status() }); err != nil {
		return epoch.Status{}, err
	}
	return await(ctx, k, ch)
}

// await waits for what the keeper's goroutine says to one who asked.
func await[T any](ctx context.Context, k *Keeper, ch <-chan T) (T, error) {
	var none T
	select {
	case v := <-ch:
		return v, nil
	case <-k.ctx.Done():
		return none, ErrKeeperStopped
	case <-ctx.Done():
		return none, ctx.Err()
	}
}
