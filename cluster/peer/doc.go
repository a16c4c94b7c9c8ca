// Package peer is the links between nodes: it carries wire's messages over TCP and tells which peers can be reached.
//
// # Connections
//
// There is one connection a direction. Every node dials each peer for what it sends, requests and replies alike, and accepts
// what peers dial. After the handshake, whoever accepted writes nothing more.
//
//	node 1                                                      node 2
//	sender ──> queue ──> writer ──[ out: dialed by 1 ]──> reader ──> Handler.Receive
//	Handler.Receive <── reader <──[ in: dialed by 2 ]── writer <── queue <── sender
//
// So each node decides alone when to dial, no two connections race to become the one, and a link that works in one direction
// only is not taken for one that works.
//
// Many requests are under way at once; which reply is whose is the core's business. A message is in one frame of one
// connection.
//
// Invariant: a message is delivered at most once. What waited when a connection broke is dropped, never written to the next
// one: an operation that was passed on must not run twice.
//
// Messages over one connection keep their order. Across connections nothing is promised.
//
// # Sending
//
// Send appends the frame to the link's buffer under the link's mutex and wakes the writer if that sleeps. The writer lets others
// run first, who usually have more to say, then swaps the buffer for an empty one and writes all of it with one call. While
// it does, the next buffer fills. So the busier a link is, the more messages share a call, and nothing is ever delayed for
// it. Frames above 4 KiB are encoded, and packed, by the writer: senders may hold a lock.
//
// What waits is bounded in bytes; beyond that Send drops and says so. It is bounded in time as well: a request that waited
// while the writer was stuck has less left of its budget when it is written, and is dropped when nothing is left.
//
// # Receiving
//
// A connection's goroutine hands over all messages that one read brought, so that they can be stored together and wait for
// one sync. Nothing is queued in between: what the node does not take, waits in the kernel, then at the sender. Frames are
// bounded by wire, the buffer grows only as bytes arrive, and an idle connection keeps 4 KiB.
//
// ErrRow costs the frame, every other error of wire the connection.
//
// # Who is up
//
// A ping goes out over the connection that this node dialed; its pong comes back over the one that the peer dialed. The link
// is up when a ping that was written to the present out came back as a pong from the present in, and then only. A
// peer whose packets arrive but that cannot hear this node never sees the ping; one that hears and cannot be heard never gets
// its pong through. Both are down, as seen from both sides.
//
//	         pong                 a connection broke            pong, within DownAfter/4
//	down ───────────> up ─────────────────────────> broken ──────────────────────────────> up
//	 ^                 │                              │
//	 │   no pong for   │     cannot connect, or not   │
//	 └──── DownAfter ──┴──── within DownAfter/4 ──────┘
//
// A peer found down by silence is dialed anew: after a cut TCP's own repetition would take long to notice that it is over. A peer
// that comes under a newer incarnation went down and came up, whether anybody noticed or not.
//
// There is one ping under way at most. With traffic the next goes DownAfter/4 after the last, without traffic every
// IdlePing. Two things excuse a pong that is late: this node itself stood still, or a backlog or a long frame moves in front
// of it, the latter for ten times DownAfter at most. No other timer exists: one ticker looks after all links, no
// deadline is set for a read or write, and a writer that is stuck is one whose ping is not answered.
//
// Latency is averaged over pings, and so includes what waits before them.
//
// # Handshake
//
//	0x40 hello    lowest u8 | highest u8 | cluster 16 bytes | from u64 | to u64 | incarnation u64
//	0x41 welcome  version u8 | node u64 | incarnation u64
//	0x44 refusal  reason u8
//	0x42 ping     number u64
//	0x43 pong     number u64, that of the ping
//
// These are control frames of wire: its length, version, kind and checksum around an otherwise empty header. Who dials says
// which versions of wire's frames it can write; who accepts answers with the one to use. Hello, welcome and refusal are of version 1 for
// ever, and may get longer: who reads them ignores what it does not know.
//
// Refused, counted and logged are: another cluster, the cluster that this one continues without the node that dials, the node's own id, an id that was not meant (addresses change hands), an
// id that is no member, no version in common, an incarnation older than one met before. A connection of the same or a
// newer incarnation takes the place of the one there was: its dialer knows of no other. A newer one also ends the connection that
// this node has to the earlier life.
//
// # TLS
//
// With TLS, 1.3 or later, both sides show certificates signed by Options.TLS.RootCAs (ClientCAs for those who dial, if it is
// given), and each must have Identity(id), rondo://node/<id in 16 hex digits>, among the URIs of its subject alternative name. A URI and not a
// DNS name, because a node id is no host's name: addresses change while the id stays, wildcards would match every node, and no
// public authority would sign it by mistake. Who dials verifies the certificate against the id that it means to reach, who
// accepts against the id in the hello. Without TLS the handshake keeps mistakes out and nothing else.
//
// # What this package is not
//
// It does not know what messages mean, who ought to be a member, or what to do about a peer that is down. It does not decide
// alone who is alive: gossip has a say, and the node puts both together.
package peer
