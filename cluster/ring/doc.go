// Package ring says which nodes hold which partition: placement, preference
// lists and fallbacks, and how to change them while moving as little as
// possible. It is pure: no I/O, clock, goroutine or shared state, and every
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
// valid swaps then mix it, so that a node shares partitions with many others and
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
// First places are then evened out by the same kind of paths, within the lists.
//
// The package does not know epochs' agreement, who is alive, or how data moves.
package ring
