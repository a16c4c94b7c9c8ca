package peer

import (
	"cmp"
	"slices"
	"time"

	"github.com/rondokv/rondo/engine/object"
)

// LinkStats is what a link tells of itself. Counters begin when the peer becomes one.
type LinkStats struct {
	ID          object.NodeID
	Addr        string
	Incarnation object.Incarnation // the newest met
	Out, In     bool               // there is a connection
	Up          bool
	Latency     time.Duration // of pings and what waits before them, averaged (1/8 of each); 0: none was answered yet

	Sent, Received    uint64 // messages taken for writing; handed to the handler
	BytesOut, BytesIn uint64 // as written and read, above TLS
	Writes            uint64 // calls that wrote: Sent/Writes messages share one
	Queued            int    // bytes that wait or are being written

	// Messages dropped: no connection; too much waits; longer than a frame; nobody waits for them any more; they waited or
	// were being written when the connection broke (of the latter some may have arrived; of those written before, some may
	// not, and nobody knows). BadRows came in with a row that is not whole.
	DroppedNoLink, DroppedFull, DroppedLong, Expired, Lost, BadRows uint64

	Connects uint64 // connections out
	Failures uint64 // attempts to connect that failed, and connections out that broke
	Silences uint64 // pings that stayed unanswered
	Replaced uint64 // connections in whose place a newer one took
}

// Stats returns the figures of all links, by id.
func (l *Links) Stats() []LinkStats {
	links := *l.links.Load()
	all := make([]LinkStats, 0, len(links))
	for _, k := range links {
		all = append(all, k.stats())
	}
	slices.SortFunc(all, func(a, b LinkStats) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

func (k *link) stats() LinkStats {
	k.mu.Lock()
	defer k.mu.Unlock()
	c := &k.counts
	return LinkStats{
		ID: k.id, Addr: k.addr, Incarnation: k.newest, Out: k.out != nil, In: k.in != nil, Up: k.up, Latency: k.latency,
		Sent: c.sent, Received: k.received.Load(), BytesOut: c.bytesOut, BytesIn: k.bytesIn.Load(), Writes: c.writes, Queued: k.queue.bytes,
		DroppedNoLink: c.noLink, DroppedFull: c.full, DroppedLong: c.tooLarge, Expired: c.expired, Lost: c.lost, BadRows: k.badRows.Load(),
		Connects: c.dials, Failures: c.failures, Silences: c.silences, Replaced: c.remakes,
	}
}

// Refused returns how many connections were refused, for each reason that there was.
func (l *Links) Refused() map[Refusal]uint64 {
	refused := make(map[Refusal]uint64)
	for r := range l.refused {
		if n := l.refused[r].Load(); n > 0 {
			refused[Refusal(r)] = n
		}
	}
	return refused
}
