package peer

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// link is what there is to one peer: a connection out, which this node dialed and alone writes to, and a connection in, which
// the peer dialed. Each is made, broken and made anew for itself.
//
// The link is up when a ping that went out was answered by a pong that came in, over the two connections that it has now.
type link struct {
	links *Links
	id    object.NodeID
	wake  chan struct{} // something waits for the writer, or its connection is gone
	kick  chan struct{} // no reason to wait before dialing

	crowded  atomic.Bool // see Links.Crowded
	survivor atomic.Bool // Peer.Former

	mu      sync.Mutex
	addr    string
	removed bool
	queue   queue
	awake   bool // the writer need not be woken
	writing bool // the writer is busy
	traffic bool // messages were sent since the last ping

	out    *half
	in     *half
	newest object.Incarnation // of the peer, ever met
	ping   ping
	owed   uint64 // ping to be answered as soon as there is a connection out
	owes   bool

	up      bool
	broken  time.Duration // since when it has not been whole, while up; 0: it is
	fell    bool          // went down since the handler was told last
	why     string        // it went down
	told    bool          // the handler takes it to be up
	grumble grumble
	former  bool // say hello for the cluster that this one continues

	latency time.Duration // of pings, averaged
	counts  counts

	// Written without the lock by the reader, and by the writer of long messages; apart, so that what comes in does not take
	// the line of the processor's cache from those who send.
	_        [64]byte
	moved    atomic.Int64 // when a part of something long was last written or read
	heard    atomic.Bool  // the connection in brought something
	received atomic.Uint64
	bytesIn  atomic.Uint64
	badRows  atomic.Uint64
}

// half is one connection of a link.
type half struct {
	conn  net.Conn // what is read or written
	raw   net.Conn // what is closed: TLS would want to say good-bye, and wait
	inc   object.Incarnation
	since time.Duration
	heard time.Duration // when it last brought something, as the health goroutine saw it
	proof bool          // it was part of the link when the link was found to work
}

// ping is the one that is, or was last, under way.
type ping struct {
	n    uint64 // its number
	at   time.Duration
	open bool // unanswered
}

// counts are a link's figures that its lock guards.
type counts struct {
	sent, bytesOut, writes             uint64
	noLink, full, tooLarge             uint64
	expired, lost                      uint64
	dials, failures, silences, remakes uint64
}

func newLink(l *Links, p Peer) *link {
	return &link{links: l, id: p.ID, addr: p.Addr, wake: make(chan struct{}, 1), kick: make(chan struct{}, 1)}
}

func (k *link) send(m wire.Message) bool {
	size, err := wire.Size(m)
	k.mu.Lock()
	switch {
	case err != nil:
		k.counts.tooLarge++
	case k.out == nil:
		k.counts.noLink++
	case k.queue.bytes > 0 && k.queue.bytes+size > k.links.limits.QueueBytes:
		k.counts.full++
		k.crowd(true)
	default:
		now := time.Duration(0)
		if k.writing || size > packAbove {
			now = k.links.now()
		}
		k.queue.add(m, size, now)
		if k.queue.bytes > k.links.limits.QueueBytes/4*3 {
			k.crowd(true)
		}
		k.counts.sent++
		k.traffic = true
		k.wakeLocked()
		k.mu.Unlock()
		return true
	}
	k.mu.Unlock()
	return false
}

// crowd says whether much waits.
func (k *link) crowd(yes bool) {
	if k.crowded.Load() != yes && k.crowded.CompareAndSwap(!yes, yes) {
		if yes {
			k.links.crowds.Add(1)
		} else {
			k.links.crowds.Add(-1)
		}
	}
}

// wakeLocked wakes the writer if it sleeps.
func (k *link) wakeLocked() {
	if !k.awake {
		k.awake = true
		poke(k.wake)
	}
}

// poke wakes whoever waits for c, now or the next time.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// setAddr makes the link connect to addr.
func (k *link) setAddr(addr string) {
	k.mu.Lock()
	if k.addr == addr {
		k.mu.Unlock()
		return
	}
	k.addr = addr
	out := k.out
	k.mu.Unlock()
	k.loseOut(out)
	poke(k.kick)
}

// remove ends the link. Its goroutines end by themselves.
func (k *link) remove() {
	k.mu.Lock()
	k.removed = true
	out, in := k.out, k.in
	k.fallLocked("no member any more")
	k.mu.Unlock()
	k.loseOut(out)
	k.loseIn(in)
	poke(k.kick)
}

func (k *link) gone() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.removed
}

// holdOut makes h the connection out, unless it came too late.
func (k *link) holdOut(h *half, addr string) error {
	k.mu.Lock()
	if k.removed || k.addr != addr || h.inc < k.newest {
		older := h.inc < k.newest
		k.mu.Unlock()
		if older {
			return errOlder
		}
		return errStale
	}
	stale := k.meetLocked(h.inc)
	h.since = k.links.now()
	k.out = h
	k.counts.dials++
	if k.owes {
		k.queue.control(kindPong, k.owed)
		k.owes = false
	}
	k.pingLocked(h.since)
	k.mu.Unlock()
	closeAll(stale)
	return nil
}

// holdIn makes h the connection in, in place of an older one; false when it came too late.
func (k *link) holdIn(h *half) bool {
	k.mu.Lock()
	if k.removed || h.inc < k.newest {
		k.mu.Unlock()
		return false
	}
	stale := k.meetLocked(h.inc)
	if k.in != nil {
		stale = append(stale, k.in)
		k.counts.remakes++
		k.breakLocked()
	}
	h.since = k.links.now()
	h.heard = h.since
	k.in = h
	k.owes = false
	if k.out != nil {
		k.pingLocked(h.since)
		k.wakeLocked()
	} else {
		poke(k.kick) // it lives: dial now
	}
	k.mu.Unlock()
	closeAll(stale)
	return true
}

// meetLocked takes in that the peer lives under inc and returns the connections of its earlier life, which the link
// forgets. To the handler that is a fall.
func (k *link) meetLocked(inc object.Incarnation) (stale []*half) {
	if inc <= k.newest {
		return nil
	}
	k.newest = inc
	if k.in != nil && k.in.inc < inc {
		stale = append(stale, k.in)
		k.in = nil
	}
	if k.out != nil && k.out.inc < inc {
		stale = append(stale, k.out)
		k.dropOutLocked()
	}
	k.fallLocked("another incarnation came")
	return stale
}

// loseOut takes h, if it is the connection out, from the link and closes it.
func (k *link) loseOut(h *half) {
	if h == nil {
		return
	}
	k.mu.Lock()
	if k.out == h {
		k.dropOutLocked()
		k.breakLocked()
	}
	k.mu.Unlock()
	_ = h.raw.Close()
}

// dropOutLocked forgets the connection out, and all that waits for it: what was asked is not asked again.
func (k *link) dropOutLocked() {
	k.out = nil
	k.counts.lost += uint64(k.queue.reset())
	k.crowd(false)
	k.counts.failures++
	k.ping.open = false
	k.awake, k.writing = false, false
	poke(k.wake) // the writer, to see that it is dismissed
}

// loseIn takes h, if it is the connection in, from the link and closes it.
func (k *link) loseIn(h *half) {
	if h == nil {
		return
	}
	k.mu.Lock()
	if k.in == h {
		k.in = nil
		k.owes = false
		k.breakLocked()
	}
	k.mu.Unlock()
	_ = h.raw.Close()
}

func closeAll(halves []*half) {
	for _, h := range halves {
		_ = h.raw.Close()
	}
}

// met returns the newest incarnation of the peer that was met.
func (k *link) met() object.Incarnation {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.newest
}
