package server

import (
	"math/bits"
	"slices"
	"sync/atomic"

	"github.com/rondokv/rondo/resp"
)

// latencyBuckets is how many powers of two of nanoseconds are told apart: up to 2^37, over two minutes.
const latencyBuckets = 38

// commandStats counts one command. Counters are shared by all connections, so a batch adds a run of equal commands in one
// go: at depth 16 the cost is a few nanoseconds an operation.
type commandStats struct {
	calls    atomic.Int64
	failed   atomic.Int64 // ran and answered an error
	rejected atomic.Int64 // refused before it ran
	nanos    atomic.Int64
	waited   atomic.Int64 // sum of what latency counts
	// latency counts commands by how long their client waited for them inside the server, by powers of two of nanoseconds:
	// bucket i holds those below 2^i. The commands of a pipeline share one measurement, from the read that brought them to
	// the moment when their replies may be written, since that is what each of them took.
	latency [latencyBuckets]atomic.Int64
}

// add counts n calls that took nanos together and waited for wait each.
func (c *commandStats) add(n, failed, nanos, wait int64) {
	c.calls.Add(n)
	c.nanos.Add(nanos)
	c.waited.Add(n * wait)
	if failed != 0 {
		c.failed.Add(failed)
	}
	c.latency[latencyBucket(wait)].Add(n)
}

// latencyBucket is the bucket of a duration in nanoseconds.
func latencyBucket(wait int64) int { return min(bits.Len64(uint64(max(wait, 0))), latencyBuckets-1) }

func (c *commandStats) reset() {
	c.calls.Store(0)
	c.failed.Store(0)
	c.rejected.Store(0)
	c.nanos.Store(0)
	c.waited.Store(0)
	for i := range c.latency {
		c.latency[i].Store(0)
	}
}

// totals are the figures of INFO stats that no command owns.
type totals struct {
	connections atomic.Int64 // accepted since the start
	rejected    atomic.Int64 // over maxclients, or by protected mode
	commands    atomic.Int64
	hits        atomic.Int64 // reads that found their key
	misses      atomic.Int64
	errors      atomic.Int64 // error replies
	panics      atomic.Int64
	scattered   atomic.Int64 // commands split over several slots
	splitMulti  atomic.Int64 // MULTI over several slots
	moved       atomic.Int64 // commands answered with MOVED, nudges among them
	nudges      atomic.Int64
	tls         atomic.Int64 // TLS handshakes done
	tlsFailed   atomic.Int64
	deniedAuth  atomic.Int64 // AUTH with a wrong user or password
	deniedRun   atomic.Int64 // commands that a user may not run, or not on keys
	// Connections closed at a limit, by which.
	cutProtocol atomic.Int64 // broke the protocol
	cutQuery    atomic.Int64 // unfinished command too long
	cutSlow     atomic.Int64 // unfinished command too slow
	cutOutput   atomic.Int64 // reply over the output limit
	cutUnread   atomic.Int64 // did not read its replies
	cutIdle     atomic.Int64
	// Bytes of the connections that are gone; those of the living are theirs.
	goneIn, goneOut atomic.Int64
}

// reset is CONFIG RESETSTAT.
func (t *totals) reset() {
	for _, c := range []*atomic.Int64{&t.connections, &t.rejected, &t.commands, &t.hits, &t.misses, &t.errors, &t.scattered,
		&t.splitMulti, &t.moved, &t.nudges, &t.tls, &t.tlsFailed, &t.deniedAuth, &t.deniedRun, &t.cutProtocol, &t.cutQuery, &t.cutSlow, &t.cutOutput, &t.cutUnread, &t.cutIdle} {
		c.Store(0)
	}
}

// netBytes are the bytes received and sent on all client connections since the start.
func (s *Server) netBytes() (in, out int64) {
	in, out = s.totals.goneIn.Load(), s.totals.goneOut.Load()
	s.sessions.each(func(c *session) {
		in += c.wire.bytesIn.Load()
		out += c.wire.bytesOut.Load()
	})
	return in, out
}

// families are the groups of commands whose latency is shown together: those of COMMAND DOCS.
func families() []string {
	return []string{"generic", "string", "hash", "list", "set", "sorted-set", "stream", "transactions", "connection", "server",
		"cluster", "pubsub", "scripting", "bitmap", "hyperloglog", "geo", "other"}
}

func familyOf(c *resp.Command) int {
	all := families()
	group := "other"
	if c.Docs != nil {
		group = c.Docs.Group
	}
	if i := slices.Index(all, group); i >= 0 {
		return i
	}
	return len(all) - 1
}
