// Package sim runs whole clusters in one goroutine, in virtual time, from one seed, breaks them in every way that it knows, and
// checks what the clients saw. It is a test of cluster/dynamo and cluster/epoch that needs no sockets, no disks and no luck: a seed that fails
// once fails always.
//
//	           clients (closed loop, a level for each operation)
//	              │ Begin                        ▲ Done
//	┌─────────────▼──────────────┐   ┌───────────┴────────────────┐
//	│ node: dynamo.Partition ... │   │ node: dynamo.Partition ... │     the product's own code: cluster/dynamo, ring,
//	│  epoch.Machine             │   │  epoch.Machine             │     epoch, quorum, wire, hlc, engine/object
//	│  hlc.Clock  memstore.Store │   │  hlc.Clock  memstore.Store │
//	└──────┬──────────────▲──────┘   └──────▲──────────────┬──────┘
//	       └── network: delays, loss, cuts, repeats; messages as values or as frames of bytes
//
// # One run
//
//  1. The plan: everything that differs between seeds (ring, racks, clients, keys, weights of operations and levels, delays, rates
//     of faults) is drawn from the seed.
//  2. Chaos: clients work while faults come and go.
//  3. Heal: every fault ends, nodes start, clocks meet. Wait until no operation and no hint is under way, every plan has ended, and
//     who is gone was removed.
//  4. Each key is read at ALL from one of its home replicas, which repairs the others; wait again.
//  5. The final checks.
//
// A seed may dwell on one thing (emphasis): two primaries with clocks apart, hidden writes, crashes before syncs, hints, two writers at one
// instant, short lives of keys, moves. What takes several things at once would else hardly ever happen.
//
// Three profiles: chaos has all faults; stable has only loss, delays, repeats and slow disks, with every node up and seen to be
// up, so that the operations on a key must be those of one Redis; calm has no fault at all and nothing may fail.
//
// # Rings that change
//
// In most runs an operator, or the nodes by themselves, change the ring while all this goes on: one to three nodes join, members leave,
// are replaced alive or dead, are removed dead or only thought so, N and weights change, plans are aborted, nodes are lost for good with
// their disks. Documents and promises are saved on virtual disks; partitions switch one after the other, perhaps with pauses;
// copies go at a drawn pace; requests of newer epochs are parked, or not. Times are shorter than a real cluster's.
//
// Many runs that dwell on moves are staged: the ring changes by one recipe alone, and nothing else is in its way.
//
// What replicas by number are known to hold (see floor) counts until a key's owners first change; from then on only majorities do.
//
// # Determinism
//
// Events are ordered by (virtual time, number). Each concern (plan, network, disks, clocks, each fault, each client) has its own
// generator, seeded by the run's seed and its own number: taking one fault away leaves the draws of the others as they were. No
// map is ever iterated. The trace has a line for each event and is hashed in every run.
//
// # Faults
//
//	loss        a share of messages, always or in bursts             pause       a node stops; then all that waited happens at once
//	repeat      a message comes twice (never a Pass: TCP sees to it) slow disk   syncs take up to seconds
//	tail        a message is late, and overtaken                     full        the store refuses batches
//	cut         one direction of one link                            clock step  a wall clock jumps, either way
//	rift        two nodes do not hear each other, others hear both   skew        clocks begin apart, and drift
//	split       the nodes fall into two groups                       suspicion   a node takes another for dead
//	isolate     a node is cut off                                    detectors   differ by node: slow, late to confirm
//	crash       a node stops at once, a drawn prefix of its          blackout    all nodes crash
//	            unsynced batches survives; it starts again later
//	snatch      a recipe: a node crashes with what it has not synced right after somebody was shown it
//	brink       a recipe: a key is read when it expires by a clock that is ahead, and then all crash
//	stray       a recipe: hints are added to while they are on their way home
//	aim         a recipe: a node crashes as it proposes, has promised, adopts, copies, is copied from, has copied, or clears
//	laggard     a recipe: a primary stays in an old epoch while others take it for dead, and goes on writing when reads have left it
//	deaf        nodes hear nothing of the ring but what operations tell
//	rival       a recipe: two voters take themselves for the conductor and propose different things
//	outdate     a recipe: one replica misses a write, or alone has it, and then the ring changes
//	halfway     a recipe: a write reaches only the old or only the new list, after a copy and before the next stage; or is read before it
//	shrink      a recipe: home replicas are taken away one by one, over one that has missed a write
//	strand      a recipe: a write is in hints alone, for nodes that lose their places
//	linger      a recipe: a plan begins, and is aborted, while an answered write still waits for a home replica
//	usurp       a recipe: the second of the list writes without having heard of the first, whose clock is far ahead
//
// Skew goes up to and beyond the drift that clocks accept.
//
// # Checks
//
// They know clients' histories, the stamps that operations were evaluated at, and the rows in the stores; never the core's state.
//
//	I1  acked       a write acknowledged at QUORUM or above is in the final rows, or something with a greater stamp is
//	I2  equal       at the end all home replicas hold the same bytes, and no hints are left
//	I3  revived     nothing shows that an acknowledged DEL or SET had cleared
//	I4  monotonic   a QUORUM read shows no less than an earlier one did
//	I5  counter     a counter is the acknowledged increments, give or take unknown ones
//	I6  siblings    every acknowledged value shows until a write that saw it replaces it, and then never again
//	I7  unique      no stamp, counter name or dot stands for two things
//	I8  refused     a write that was answered "nothing was stored" is in no row
//	I9  fresh       a read that shares a replica with every write of some level sees those acknowledged before it began
//	I10 linear      in a stable view there is an order of the operations on a key that explains all answers
//	I11 weak        writes acknowledged below QUORUM are in the final rows too, or something with a greater stamp is
//	I12 answers     every operation is answered in time, with an error that may be
//	I13 frozen      a message does not change after it was sent
//	I14 expiry      nothing shows after it expired
//	I15 place       what looks before it writes runs on a home replica
//	I16 primary     what one node evaluated later stays later
//	I17 home        without crashes every write reaches every home replica, by hints if not at first, where those stay the same nodes
//	I18 epochs      each epoch has one body, which a majority of the voters before it has accepted, durably; nodes never go back
//	I19 stages      barriers hold by what is true: who lives, and majorities of both lists, have adopted; new owners have copied
//	I20 cleared     who has left or owns nothing stores nothing
//	I21 ends        without faults plans end in time
//
// The reasoning of each is with its code. What is not simulated: lineages that begin anew after a majority of voters is lost, anti-entropy, the removal of dead rows,
// FLUSHALL, lost or corrupt disks, and whatever a real kernel does to sockets.
package sim
