package peer

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"time"

	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// ClusterID names a cluster for its whole life.
type ClusterID [16]byte

// Peer is another member and where its links listen.
type Peer struct {
	ID   object.NodeID
	Addr string // host:port
	// Former says that it was taken along when this cluster continued the Former one, and may not have heard of it yet: it is talked to
	// under the id of that one, too.
	Former bool
}

// Handler is the node to which links bring messages and news. Links hold no lock while they call it, and Close waits for
// calls under way, so no method may call Close.
type Handler interface {
	// Receive takes all messages that one read of the connection from a peer brought, in the order in which they were
	// sent. The slice is valid during the call, the messages for ever (they point into memory that some tens of them
	// share). It is called on the connection's goroutine: while it waits, nothing more is read from that peer, and a
	// peer whose pings wait longer than Limits.DownAfter is taken for dead over there. A peer that connects anew may have
	// two calls under way for a moment.
	Receive(from object.NodeID, ms []wire.Message)
	// Up and Down tell that the link to a peer began to work, or ceased to, in both directions. A peer is down until the
	// first Up, then the two take turns. They are called one at a time, for all peers. Messages may come from a peer
	// that is down, and be sent to it: the news is a little behind, and half a link carries messages, too.
	Up(id object.NodeID)
	Down(id object.NodeID)
}

// Options are what links are made of.
type Options struct {
	Self        object.NodeID
	Incarnation object.Incarnation
	// Cluster is zero for a node that waits to be admitted to one: it takes any peer that it is told of. Former is the one that
	// Cluster continues; zero: none.
	Cluster, Former ClusterID
	// Listener accepts what peers dial. Links own it and close it.
	Listener net.Listener
	// Dial connects to a peer; nil is TCP.
	Dial func(ctx context.Context, addr string) (net.Conn, error)
	// TLS holds this node's certificate, with Identity(Self) among its URIs, and in RootCAs (and ClientCAs, if that is
	// another pool) who signs those of nodes; nil is TCP without TLS.
	TLS     *tls.Config
	Handler Handler
	Limits  Limits
	Logger  *slog.Logger // nil: nothing is logged
}

// Limits bound memory and time. Zero fields take the defaults.
type Limits struct {
	// QueueBytes bounds what waits to be written to one peer (default 64 MiB). A single longer message is taken when
	// nothing else waits.
	QueueBytes int
	// DownAfter is how long a ping may stay unanswered until the peer is down (default 700 ms: a peer that stops is down
	// about when the operations that it was asked for give up, so that what comes next goes elsewhere). A quarter of it is how
	// often a link with traffic is pinged, and how long a broken connection may take to be made anew before the peer is down.
	DownAfter time.Duration
	// IdlePing is how often a link without traffic is pinged (default 2 s). A connection that brings nothing for five
	// times as long is closed.
	IdlePing time.Duration
	// Handshake is how long connecting may take, on both sides (default 2 s).
	Handshake time.Duration
	// BackoffMin and BackoffMax bound the pause between two attempts to connect (default 20 ms and 1 s), which doubles.
	BackoffMin, BackoffMax time.Duration
	// Handshakes is how many accepted connections may be in their handshake at once (default 256); more are closed.
	Handshakes int
}

func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&l.DownAfter, 700 * time.Millisecond}, {&l.IdlePing, 2 * time.Second}, {&l.Handshake, 2 * time.Second},
		{&l.BackoffMin, 20 * time.Millisecond}, {&l.BackoffMax, time.Second},
	} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	if l.QueueBytes <= 0 {
		l.QueueBytes = 64 << 20
	}
	if l.Handshakes <= 0 {
		l.Handshakes = 256
	}
	return l
}

// tick is how often health is looked at.
func (l *Limits) tick() time.Duration { return max(l.DownAfter/8, time.Millisecond) }

// busyPing is how often a link with traffic is pinged.
func (l *Limits) busyPing() time.Duration { return l.DownAfter / 4 }

// remake is how long a broken connection may take to be made anew.
func (l *Limits) remake() time.Duration { return l.DownAfter / 4 }

// silence is how long a connection may bring nothing.
func (l *Limits) silence() time.Duration { return 5 * l.IdlePing }

// most is how long a ping may stay unanswered whatever else moves: a backlog or a long frame may be before it.
func (l *Limits) most() time.Duration { return 10 * l.DownAfter }
