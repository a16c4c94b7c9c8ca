// Package quorum says whether enough replicas have answered: levels and how they are spelled, what a level needs of a
// preference list, and a Tally of the answers of one operation. It is pure and imports nothing of the module.
//
// # Levels
//
//	ANY                       writes: one ack of anybody, a hint counts. Reads: as ONE
//	ONE TWO THREE 4 ... 16    as many home replicas
//	QUORUM                    a majority of the home replicas
//	ALL                       all home replicas
//	LOCAL_ONE LOCAL_QUORUM    one, a majority, of the home replicas in the coordinator's datacenter
//	EACH_QUORUM               a majority of the home replicas in every datacenter
//	LINEAR                    refused by name: it needs consensus
//
// N is the length of the preference list that is handed in, not a setting: a ring smaller than the configured N has
// majorities of what it has, and a level that asks for more home replicas than there are is refused, never lowered.
//
// Quorums are strict: only home replicas count. With /SLOPPY fallbacks count too, each where it stands (in its own
// datacenter) and for the list whose owners it stands in for. A fallback that was read and holds no hint for the key
// has not answered anything that counts: the caller tells it as Fail.
//
// # The life of a Tally
//
//	var t quorum.Tally                                    // a field of the operation; no allocation, ever
//	if err := t.Start(req); err != nil { refuse: ERR }    // *LevelError: never possible on this ring
//	for each node known to be down { t.Fail(i) }
//	if err := t.Check(); err != nil { refuse: UNAVAILABLE } // *UnavailableError: nothing has been sent
//	send
//	on an answer: switch t.Ack(i) or t.Fail(i) {
//	case quorum.Won:  reply
//	case quorum.Lost: TIMEOUT with t.Acks(), or UNAVAILABLE if nothing can have been stored
//	}
//	at the deadline: TIMEOUT with t.Acks()
//
// Nodes are named by their index in Requirement.Nodes. The first answer of a node stands: a duplicate changes nothing,
// and neither does an ack after Fail. So a verdict, once Won or Lost, is final (until Restart). Lost comes as soon as the
// nodes that have not failed would not be enough together.
//
// # Transitions
//
// While a partition moves, a write needs its level among the owners before AND among the owners after; a node on both
// lists counts in both. Nodes say on which lists they are. Each list has its own N. ANY is the exception: one ack in all.
//
//	node          a        b             c             d
//	Of            Before   Before|After  Before|After  After
//	QUORUM: 2 of {a b c} and 2 of {b c d}, so b and c are enough, a and b are not
//
// A read uses one list: its caller puts only that one into Nodes.
//
// # What holds, and what does not
//
// Any two strict QUORUMs of one list share a home replica, as do W and R replicas when W+R > N; an EACH_QUORUM shares
// one with a LOCAL_QUORUM of any datacenter; a QUORUM write in a transition with QUORUM reads of either list. Sloppy
// quorums share nothing for certain. Sharing a replica is not linearizability: it says nothing of operations that
// overlap in time.
//
// The sloppy quorum and hints are those of the Dynamo paper (DeCandia et al., SOSP 2007, sections 4.5 and 4.6). This
// package is not liveness (the caller knows who is down), not a timer, and not what is done with late answers.
package quorum
