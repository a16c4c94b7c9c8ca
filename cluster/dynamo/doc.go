// Package dynamo is the replication core: what a coordinator, a replica and a keeper of hints decide, without I/O, clock or
// goroutines. It is driven by package cluster over real stores and links, and by the simulator over virtual ones.
//
// A Partition is the core of one partition on one node. It has the shape of a state machine with inputs and outputs:
//
//	client's operation ── Begin ───────┐                ┌── Writes: one batch, to store and make visible
//	peer's message ────── Receive ─────┤                ├── Messages: to send
//	the disk's progress ─ Durable ─────┼── Partition ───┼── Done: requests to answer
//	a peer found dead ─── Unreachable ─┤    (Ready)     └── Counts, Events
//	the time ──────────── Tick ────────┤
//	another ring ──────── SwitchRing ──┤
//	time to move rows ─── Move ────────┘
//
// A driver does, with the partition's mutex held, one step, takes Ready and does what it says in its order; without the
// mutex it waits for the batch to become durable and then steps Durable:
//
//	mu.Lock()
//	p.Receive(now, from, message)
//	r := p.Ready()
//	if len(r.Writes) > 0 {
//		if commit, err = store.Apply(r.Writes); err != nil {
//			p.Refused(err)
//			r = p.Ready()
//		}
//	}
//	batch := r.Batch
//	links.Send(r.Messages)  // queues; never waits
//	answer(r.Done)
//	mu.Unlock()
//	if batch != 0 {
//		commit.Wait()       // an error ends the process
//		mu.Lock(); p.Durable(now, batch); ...; mu.Unlock()
//	}
//
// # Rings that change
//
// SwitchRing takes a partition into a later epoch; Transfer says what the node has to move then, and each Move is a bounded step
// of it, which a driver paces by how Transfer().Bytes grows:
//
//	p.SwitchRing(now, r); Ready ...                     // what is under way goes on by the new lists, or begins again
//	for t := p.Transfer(); t.Role != TransferNone && !t.Done; t = p.Transfer() {
//		if t.Busy { wait for another step of the partition: an answer, a tick, a batch that became durable }
//		p.Move(now); Ready ...
//	}
//
// A message of a later epoch than the core's is refused. A driver keeps it back until it has switched instead, for the sender
// would take the refusal for a failure.
//
//	copy    scan own rows ─> walk both hash trees ─> fetch the rows where they differ, merge ─> durable ─> next source, until
//	                                                                                            a majority of the old owners
//	clear   the same with one owner, but fetch to compare, and send what it lacks ─> again, until it lacks nothing ─> delete
//
// Whoever is asked makes a hash tree of its own rows for each that asks, in ticks (source.go), and has no other state.
//
// # The life of an operation
//
// Reads run on any home replica, writes on the primary: the first live node of the preference list. A node that is neither
// passes the operation on. Whoever runs it is its coordinator, and holds the key's rows itself.
//
//		                                           differ, or it writes
//		          ┌─ look ──> gathering ── enough ─┬──────────────> evaluate on own rows of this instant and
//		Begin ────┤   Read with digests            │                what was gathered; stamp; store; send whole
//		          │                                └─ all the same  rows to all home replicas ──> awaiting
//		          └─ blind ─────────────────────┐     and a read:        ^                          │ enough acks
//		                                        └────────────────────────┘  answer at once          v
//		                                                                                        answer, linger
//
//	  - Looking: the Read carries a digest of what the coordinator has; a replica that has the same says only that, one that
//	    differs sends its rows in the same round trip.
//	  - One step: evaluating, stamping and storing happen together, on this node's own rows of that instant merged with what
//	    was gathered. So in a stable view the primary puts all operations on a key into one order.
//	  - Acks: own rows count once they are durable; a replica's ack is sent once they are durable there. Only home replicas
//	    count, but for ANY and SLOPPY.
//	  - An answer that shows what not enough replicas are known to hold waits until they do: the blocking write-back.
//	  - A blind write that a replica finds hidden by a greater stamp is stamped again above it (reissue.go).
//	  - After the answer the operation lingers: replicas that have not acked by the deadline get a hint, and what comes in
//	    late repairs who is behind.
//
// UnavailableError says that nothing was stored anywhere. TimeoutError says that nobody knows. They are never mixed up: from
// the moment that rows were stored here only success or TimeoutError is possible.
//
// The design, with its reasons, is in docs/design/replication.md and docs/design/epochs.md. The sloppy quorum, hinted handoff and read repair are
// those of the Dynamo paper (DeCandia et al., SOSP 2007, sections 4.5 to 4.7); write-back before an answer is the second
// phase of ABD (Attiya, Bar-Noy, Dolev, "Sharing memory robustly in message-passing systems", 1995).
//
// What this package is not: it does not place partitions (package ring), count answers (quorum), merge rows (object),
// encode messages (wire), or find out who is alive.
package dynamo
