// Package ring says which nodes hold which partition: placement, preference
// lists and fallbacks, how to change them while moving as little as possible, and the documents that carry all of it from one
// epoch to the next. It is pure: no I/O, clock, goroutine or shared state, and every
// result is a function of the arguments alone.
//
// The 16384 slots are cut into partitions of 2^k contiguous slots. A Ring is the
// immutable table of one epoch:
//
//	           preference list (N = 3)
//	partition  primary  second  third
//	     0        n4       n1      n6     slots   0..15
//	     1        n2       n5      n3     slots  16..31
//	   ...
//	  1023        n6       n2      n1     slots 16368..16383
//
// One entry is a vnode. Invariants of every table made here:
//
//   - a node holds exactly its quota of vnodes: its share by weight, rounded by
//     largest remainders, first between datacenters, then racks, then nodes;
//   - the N nodes of a list are distinct;
//   - a list has at most as many nodes of one rack as the racks force upon it,
//     so one while there are N racks; likewise for datacenters. A node without a
//     rack is a rack of its own;
//   - a node is primary of q/N partitions, rounded down or up, for its quota q.
//
// Where N is set by datacenter (Options.PerDC) each of these holds within each datacenter, which places its own N; lists name
// the nodes of all of them, and first places go by quota over all.
//
// Spreading goes before weights: with three racks and N = 3 each rack holds every
// partition once, however many nodes share the work. What could not be had as
// asked is told by name in Ring.Relaxed.
//
// # Why a claimed table and not random tokens
//
// With random tokens (consistent hashing as first published, and strategy 1 of
// the Dynamo paper, section 6.2) a joining node takes about 1/nodes of the data,
// and so it does here: neither can do with less, since that is what the new
// node must come to hold. But random arcs differ in length. With 256 tokens a node
// the fullest of 9 nodes holds 5 % more than its share, the fullest of 300 11 %
// (TestAgainstRandomTokens), unequal weights make it worse, racks are an
// afterthought, and the ranges to stream and to hash change with the membership. A claimed table of equal partitions (strategy
// 3 of that paper, Riak's claim) has the same movement, exact balance and fixed
// ranges. Its price is that the table has to be agreed upon and carried
// around: two bytes a vnode.
//
// # How
//
// Build lays the nodes out on a line, sorted by datacenter, rack and id, each as
// long as its quota, and wraps the line around the partitions N times
// (McNaughton's wrap-around rule, 1959). No quota is longer than one turn, so no
// node meets itself; the same for racks and datacenters within their limits. So
// a table with exact quotas always exists and is found in one pass. Random
// valid swaps of short runs then mix it, so that a node shares partitions with many others and
// its work, when it dies, falls on all of them. The random numbers come
// from a fixed seed.
//
// Rebuild starts from the old table. Holes left by nodes that went, and vnodes of
// nodes above their new quota, go to nodes below it: directly where possible,
// else along an augmenting path (a takes b's place here, b takes c's place there),
// preferring links over vnodes that move anyway. The table is an integral flow
// partition -> datacenter -> rack -> node -> quota, so while one unit is missing
// an augmenting path exists (Ford and Fulkerson, 1956); Riak's claim v3 and the
// claimants after it solve the same problem by trial. A last bounded search
// takes back moves along cycles of such links. Plan.LowerBound is what no table
// with these quotas can go below; with four racks or more and a lopsided loss
// no table may reach it.
//
// First places are then evened out by the same kind of paths, within the lists, and lists put in an order that gives
// neighbouring partitions one primary where that costs nothing: three nodes with N = 3 lead one run of slots each, and
// a dead primary's partitions fall on all others evenly. A plan orders lists anew only where their nodes change anyway, but
// for the few that even out first places.
//
// # Documents
//
// A Document is all that the members of one epoch must agree on, and its hash names it. A Ring is made of it for use:
//
//	Found        the first: a pure function of the founders
//	Propose      the next one, which begins a plan: who joins, leaves, is removed or replaced, another N, other weights
//	Next         the next one by itself, or what that waits for: the stages of a plan, then members that have left
//	Abort        gives a plan up, as long as it is copying
//	Recover      the first of a new lineage, when a majority of the voters is gone for good
//
//	            Propose             Next               Next
//	  Stable ------------> Copying --------> Reading --------> Stable
//	     ^                    | Abort
//	     +--------------------+
//
// Each is one epoch more. A document is encoded as JSON with the lists of before in Lists and those to come, of the partitions that
// move, in Pending: a node that knows only the newest document knows all. Documents are immutable; one shares slices with those
// that follow from it.
//
// In a Ring PreferenceList is the list that reads use, and Moving the other one: the new list while Copying, the old one
// while Reading. A partition moves also where only the order of its list changes; then nobody copies. Invariants of any
// sequence of documents:
//
//   - each partition has one full list that reads use, and it changes only from Copying to Reading;
//   - Since of a partition is the epoch in which its lists or its stage last changed, and never goes back;
//   - Next gives nothing before every live member, and a majority of the old and of the new owners of each partition
//     that moves (in each datacenter, where N is set by datacenter), have adopted the epoch: those who are silent are who
//     the barrier is for. A plan that accepts loss does without the old owners' majority;
//   - the voters, who decide on the next document, are members, at most MaxVoters and an odd number, spread over
//     datacenters and racks; they change in stable documents only, and as little as that allows.
//
// Who must copy is argued at copiers and tried for all small lists by a test.
//
// The package does not know who is alive, how members agree on a document, or how data moves.
package ring
