// Package chaos runs clusters of real nodes, does to them what happens to
// machines and networks, and looks whether the cluster kept its word meanwhile.
//
// Workers write without pause and keep a Ledger. At QUORUM a key is written by one
// worker only, with numbers that grow, one operation at a time, so that it is known
// at any moment what a read may show:
//
//	acknowledged           the newest such number, or one above it
//	TIMEOUT, no answer     may show, now or later; set down with the key for good
//	UNAVAILABLE            may never show
//
// Workers read their own keys and each other's. A read that begins after an
// acknowledgement, or after another read, must not show less: that would be stale.
// Counters lie between the increments acknowledged and those sent. Every command is
// answered within AnswerWithin, unless its node was made unable to.
//
//	moving    through the forward faces, to another node when one fails, as a
//	          client library with several addresses does; the longest time
//	          without a success is the gap
//	routed    through the cluster faces, following MOVED
//	staying   with one node, to see what it says when it is cut off
//	loose     with one node, at ANY and ONE, each key once
//
// After each fault has healed the workers rest, and every key is read from every
// node: at QUORUM, at ALL, and at ONE, which by then shows the same everywhere. What
// was acknowledged at ANY or ONE must be there at ALL. What is missing is lost.
//
// The network: the test moves into namespaces of its own and is the router between
// one network namespace a node. A cut is a rule there that drops what one node sends
// to another, silently and in one direction; a slow link is a rule that hands it to a
// Relay instead. The clients still reach all nodes. A node's disk is a small file
// system in memory. Namespaces and mounts end with their processes and leave nothing
// behind. Where they cannot be made (it takes root) all nodes are on loopback and
// what needs them is left out, visibly; REQUIRE_TOOLS=1 makes that a failure.
//
// A node whose clock is wrong runs a binary built with tag clockoffset, which takes
// CLOCK_OFFSET from its environment.
//
// TestDatacenters has two datacenters with relays between them, 60 ms apart, measures what each level costs from each, cuts them
// off from each other, has both write at LOCAL_QUORUM, and looks that they agree once they hear each other.
//
//	CHAOS         all faults in turn for so long instead of once, "30m"
//	CHAOS_NODES   sizes of the clusters (3,5; 3 with -short)
//	CHAOS_ONLY    only these faults, "kill,cut"
//	HINTS         keys of TestHints (100000; 4000 with -short)
//	DCS_CALLS     calls of a kind in TestDatacenters (200; 15 with -short)
//	SEED          of the random choices; printed
package chaos
