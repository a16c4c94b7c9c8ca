// Package gossip tells a node who is alive, at which epoch of the ring, and where. It wraps hashicorp/memberlist: SWIM
// (Das, Gupta, Motivala 2002) with the Lifeguard extensions (Dadgar, Phillips, Currey 2018), no other package imports it.
//
//	memberlist ── probes, suspicion, refutation, push/pull ──> up / down, meta bytes
//	own pings ─── "does it answer me?" ─────────────────────┐
//	ReportLink ── health of the peer links, from outside ───┤
//	meta ──────── whom the others do not hear ──────────────┼─> table ─> judge ─┬─> Alive(id)   wait-free
//	HoldDown ──── how often it fell of late ────────────────┘                   ├─> View, OnChange
//	                                                                            └─> own meta
//
// A member is in one of four states:
//
//	Alive    memberlist has it up and nothing is held against it: the data path may use it
//	Suspect  memberlist has it up, but there is a Doubt: the data path does not use it
//	Dead     memberlist gave it up: nobody gets an answer from it and it does not object
//	Left     it said that it goes
//
// Alive(id) is State == Alive. memberlist's own suspicion (a probe failed, the accused has time to object) changes none of
// this until it ends in death: memberlist does not tell, and a link that breaks is known sooner anyway.
//
// Invariant: every source may only take away. A member is alive when memberlist has it up AND it has answered this node since
// it came up AND its link is not down AND no majority of the others fails to hear it AND it is not held down. So a node
// that nobody can talk to does not come back because packets of its own arrive: one that is deaf keeps sending, and every
// such message with a greater number would bring it back to life in memberlist alone.
//
// Invariant: what a listener learns about a member is a sequence of lives. View.Since gives Down and then Up for a restart (a
// greater incarnation) and for a fall and rise that fell between two views, so a slow listener misses views but no edge.
//
// Meta bytes, at most 512 (memberlist's bound); integers are big-endian:
//
//	version u8 = 1 | flags u8: 1 leaving, 2 settled, 4 waiting | incarnation u64 | epoch u64 | ring hash u64 | load u32 | weight u32
//	client, forward, peer: each  n u8 | host (n bytes) | port u16     n = 0: the host before; n = 255: none, no port
//	rack, dc:              each  n u8 | text
//	keys:                  n u8 (at most 2) | n x fingerprint u32     the first is the one that it encrypts with
//	unheard:               n u8 (at most 16) | n x node u64           up in memberlist, but the sender cannot talk to them
//	lineage u64                                                       missing from nodes of before: none
//	whatever follows is of a later version and is skipped
//
// An ack carries version u8 = 1 | incarnation u64, a goodbye version u8 = 1 | kind u8 = 1 | node u64 | incarnation u64.
//
// Settings, what they cost and how long detection takes are argued in docs/design/gossip.md.
//
// What this package is not: ownership never comes from here (epoch and hash say only that there is a newer ring to
// fetch), and it is no failure detector of operations: those have deadlines of their own.
package gossip
