// Package chaos runs clusters of real nodes, does to them what happens to
// machines and networks, and looks whether the cluster kept its word meanwhile.
//
// Workers write without pause at QUORUM through the forward faces and keep a
// Ledger. A key is written by one worker only, with numbers that grow, one
// operation at a time, so that it is known at any moment what a read may show:
//
//	acknowledged           the newest such number, or one above it
//	TIMEOUT, no answer     may show, now or later; set down with the key for good
//	UNAVAILABLE            may never show
//
// Workers read their own keys and each other's. A read that begins after an
// acknowledgement, or after another read, must not show less. Counters lie
// between the increments acknowledged and those sent. Every command is answered
// within AnswerWithin, unless its node was made unable to.
//
// Some workers go to another node when theirs fails, as a client library with
// several addresses does; the longest time without a success of such a worker is
// the gap. Others stay with one node, to see what it says when it is cut off.
//
// After each fault has healed the workers rest, and every key is read from every
// node: at QUORUM, at ALL, and at ONE, which by then shows the same everywhere.
//
// The network: the test moves into a network namespace of its own and is the
// router between one namespace a node. A cut is a rule there that drops what one
// node sends to another, silently and in one direction; the clients still reach
// all nodes. Namespaces end with their processes and leave nothing behind. Where
// they cannot be made (it takes root) all nodes are on loopback and the cuts are
// left out, visibly; REQUIRE_TOOLS=1 makes that a failure.
//
//	CHAOS         draw faults for so long instead of each in turn, "30m"
//	CHAOS_NODES   sizes of the clusters (3,5; 3 with -short)
//	CHAOS_ONLY    only these faults, "kill,cut"
//	SEED          of the random choices; printed
package chaos
