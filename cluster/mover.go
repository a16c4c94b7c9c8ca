package cluster

import (
	"context"
	"sync"
	"time"

	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/cluster/epoch"
	"github.com/rondokv/rondo/cluster/ring"
)

const (
	// moveAtOnce is how many partitions are copied or cleared at a time.
	moveAtOnce = 4
	// movePatience is how long a partition may make no headway until another one has its turn.
	movePatience = 2 * time.Second
	// moveReport is how often the keeper is told how far the node is.
	moveReport = 500 * time.Millisecond
	// moveRest bounds how long the mover sleeps while there is work: a tick may have ended what a partition waited for.
	moveRest = 20 * time.Millisecond
	// moveLook is how often a node that owns nothing looks whether its hints are gone.
	moveLook = time.Second
)

// Moves is how far a node is with what it has to copy and to clear.
type Moves struct {
	Epoch     ring.Epoch // of the ring that it is about
	Copying   bool       // else clearing, if anything is left
	Done      int        // partitions
	Left      int
	BytesDone uint64
	BytesLeft uint64 // estimated from the partitions that are done
	Rows      uint64
	Rate      float64 // bytes a second, lately
	// ETA is how long what is left takes at that rate; negative: not known.
	ETA time.Duration
}

// mover sees to it that partitions that move are copied and cleared, few at a time, in the order of their numbers, and no faster than
// the node's rate. Which have work to do is looked up once a ring; then only those are looked after.
type mover struct {
	wake  chan struct{} // headway was made, or there is another ring
	start sync.Once

	mu    sync.Mutex
	fresh bool // another ring: look at all partitions
	moves Moves
}

// signal returns the channel that wakes the mover.
func (m *mover) signal() chan struct{} {
	m.start.Do(func() { m.wake = make(chan struct{}, 1) })
	return m.wake
}

func (m *mover) poke() { poke(m.signal()) }

// again has all partitions looked at anew.
func (m *mover) again() {
	m.mu.Lock()
	m.fresh = true
	m.mu.Unlock()
	m.poke()
}

// Moves returns how far the node is.
func (n *Node) Moves() Moves {
	n.mover.mu.Lock()
	defer n.mover.mu.Unlock()
	return n.mover.moves
}

// haul is one ring's work, as the mover's goroutine sees it.
type haul struct {
	node  *Node
	epoch ring.Epoch
	stage ring.Stage
	// copies first: others wait for them
	copies, clears []int // partitions that wait for their turn
	active         []*load
	all            int // partitions there were
	done           int
	bytes          uint64
	rows           uint64
	doneBytes      uint64 // of partitions that are done
	owner          bool   // the node owns something
	pace           bucket
	meter          meter
	looked         time.Time
	told           epoch.Progress
}

// load is one partition under way.
type load struct {
	partition   int
	copy        bool
	bytes, rows uint64
	since       time.Time // it made headway
}

// move is the mover's goroutine.
func (n *Node) move(ctx context.Context) {
	h := &haul{node: n, pace: bucket{rate: float64(n.rate)}}
	wake := n.mover.signal()
	h.scan()
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		n.mover.mu.Lock()
		fresh := n.mover.fresh
		n.mover.fresh = false
		n.mover.mu.Unlock()
		if fresh {
			h.scan()
		}
		wait := h.round(time.Now())
		if h.tell(time.Now()) {
			wait = min(wait, moveReport)
		}
		if wait == 0 {
			if ctx.Err() != nil {
				return
			}
			continue
		}
		t.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-t.C:
		}
	}
}

// idleMove is how long the mover sleeps when there is nothing to do but to be woken.
const idleMove = time.Hour

// scan finds out what there is to do in the ring of now.
func (h *haul) scan() {
	n := h.node
	for _, l := range h.active {
		h.leave(l)
	}
	r := n.ring.Load()
	*h = haul{node: n, epoch: r.Epoch(), stage: r.Stage(), pace: h.pace, meter: h.meter, told: h.told}
	if n.keeper == nil {
		return
	}
	for i := range n.partitions {
		p := &n.partitions[i]
		if p.unreadable != nil {
			continue
		}
		p.mu.Lock()
		s := p.core.Transfer()
		p.mu.Unlock()
		switch {
		case s.Role == dynamo.TransferCopy && !s.Done:
			h.copies = append(h.copies, i)
		case s.Role == dynamo.TransferCopy:
			h.all++
			h.done++
		case s.Role == dynamo.TransferClear:
			h.clears = append(h.clears, i)
		}
		if !h.owner {
			for _, id := range r.Owners(ring.Partition(i)) {
				h.owner = h.owner || id == ring.NodeID(n.id)
			}
		}
	}
	h.all += len(h.copies) + len(h.clears)
}

// round goes once over the partitions under way and returns for how long there is nothing to do.
func (h *haul) round(now time.Time) time.Duration {
	h.fill(now)
	if len(h.active) == 0 {
		if !h.owner && h.node.keeper != nil {
			return moveLook
		}
		return idleMove
	}
	if wait := h.pace.wait(now); wait > 0 {
		return min(wait, moveRest)
	}
	busy := true
	for i := 0; i < len(h.active); i++ {
		l := h.active[i]
		s, moved := h.step(l)
		if s.Bytes > l.bytes || s.Rows > l.rows {
			h.pace.take(s.Bytes - min(l.bytes, s.Bytes))
			h.bytes += s.Bytes - min(l.bytes, s.Bytes)
			h.rows += s.Rows - min(l.rows, s.Rows)
			l.bytes, l.rows, l.since = s.Bytes, s.Rows, now
		}
		busy = busy && !moved
		switch {
		case s.Role == dynamo.TransferNone || s.Done:
			h.done++
			h.doneBytes += l.bytes
			h.leave(l)
			h.active = append(h.active[:i], h.active[i+1:]...)
			i--
			busy = false
		case now.Sub(l.since) > movePatience && len(h.copies)+len(h.clears) > 0:
			h.later(l)
			h.active = append(h.active[:i], h.active[i+1:]...)
			i--
		}
	}
	if busy {
		return moveRest
	}
	return 0
}

// fill takes up partitions until enough are under way.
func (h *haul) fill(now time.Time) {
	for len(h.active) < moveAtOnce && len(h.copies)+len(h.clears) > 0 {
		from, copying := &h.copies, true
		if len(h.copies) == 0 {
			from, copying = &h.clears, false
		}
		l := &load{partition: (*from)[0], copy: copying, since: now}
		*from = (*from)[1:]
		p := &h.node.partitions[l.partition]
		p.mu.Lock()
		p.moving = true
		s := p.core.Transfer()
		p.mu.Unlock()
		l.bytes, l.rows = s.Bytes, s.Rows // those of an earlier turn are counted
		h.active = append(h.active, l)
	}
}

func (h *haul) leave(l *load) {
	p := &h.node.partitions[l.partition]
	p.mu.Lock()
	p.moving = false
	p.mu.Unlock()
}

// later puts a partition behind the others.
func (h *haul) later(l *load) {
	h.leave(l)
	if l.copy {
		h.copies = append(h.copies, l.partition)
	} else {
		h.clears = append(h.clears, l.partition)
	}
}

// step moves a partition on by one piece, unless it waits for something.
func (h *haul) step(l *load) (s dynamo.TransferStatus, moved bool) {
	n := h.node
	p := &n.partitions[l.partition]
	var batches []stored
	p.mu.Lock()
	s = p.core.Transfer()
	if s.Role != dynamo.TransferNone && !s.Done && !s.Busy {
		p.present = n.clock.Physical()
		now := n.now()
		p.core.Move(now)
		batches = p.readyLocked(now, nil)
		s, moved = p.core.Transfer(), true
	}
	p.mu.Unlock()
	n.settle(batches, "what was moved is not durable")
	return s, moved
}

// tell reports how far the node is, now and then and when all is done. It says whether there is more to tell, later.
func (h *haul) tell(now time.Time) (more bool) {
	left := len(h.copies) + len(h.clears) + len(h.active)
	copying := len(h.copies) > 0
	for _, l := range h.active {
		copying = copying || l.copy
	}
	m := Moves{Epoch: h.epoch, Copying: copying, Done: h.done, Left: left, BytesDone: h.bytes, Rows: h.rows, ETA: -1}
	if h.done > 0 {
		m.BytesLeft = h.doneBytes / uint64(h.done) * uint64(left)
	}
	m.Rate = h.meter.read(now, h.bytes)
	switch {
	case left == 0: // nothing is told any more: a rate would stand for ever
		m.ETA, m.Rate = 0, 0
	case m.Rate > 0 && m.BytesLeft > 0:
		m.ETA = time.Duration(float64(m.BytesLeft) / m.Rate * float64(time.Second))
	}
	n := h.node
	n.mover.mu.Lock()
	n.mover.moves = m
	n.mover.mu.Unlock()
	if n.keeper == nil {
		return false
	}
	p := epoch.Progress{Epoch: h.epoch, PartitionsDone: uint32(m.Done), PartitionsLeft: uint32(m.Left), BytesDone: m.BytesDone, BytesLeft: m.BytesLeft, Copied: h.told.Copied}
	if h.stage == ring.Copying && !copying {
		p.Copied = h.epoch
	}
	if !h.owner && left == 0 && (h.told.Empty == h.epoch || n.keepsNoHints()) {
		p.Empty = h.epoch
	}
	if p != h.told && (p.News(h.told) || now.Sub(h.looked) >= moveReport) && n.keeper.Progress(p) {
		h.looked, h.told = now, p
	}
	return p != h.told
}

// keepsNoHints looks whether no partition keeps hints.
func (n *Node) keepsNoHints() bool {
	none := true
	n.eachLocked(func(p *partition) { none = none && len(p.core.Hinted()) == 0 })
	return none
}

// bucket holds back what goes beyond a rate. It may be overdrawn by one piece, which is then waited for.
type bucket struct {
	rate float64 // bytes a second; 0: no bound
	have float64
	at   time.Time
}

// bucketSpan bounds what may be saved up while nothing moves.
const bucketSpan = 50 * time.Millisecond

func (b *bucket) take(bytes uint64) { b.have -= float64(bytes) }

// wait returns for how long nothing may be moved.
func (b *bucket) wait(now time.Time) time.Duration {
	if b.rate <= 0 {
		return 0
	}
	if !b.at.IsZero() {
		b.have += b.rate * now.Sub(b.at).Seconds()
	}
	b.at = now
	b.have = min(b.have, b.rate*bucketSpan.Seconds())
	if b.have >= 0 {
		return 0
	}
	return time.Duration(-b.have / b.rate * float64(time.Second))
}

// meter measures a rate over about two seconds.
type meter struct {
	at    time.Time
	bytes uint64
	rate  float64
}

func (m *meter) read(now time.Time, bytes uint64) float64 {
	if bytes < m.bytes { // another ring
		m.bytes = bytes
	}
	switch since := now.Sub(m.at); {
	case m.at.IsZero():
		m.at, m.bytes = now, bytes
	case since >= moveReport:
		rate := float64(bytes-m.bytes) / since.Seconds()
		if m.rate == 0 {
			m.rate = rate
		}
		m.rate = (3*m.rate + rate) / 4
		m.at, m.bytes = now, bytes
	}
	return m.rate
}
