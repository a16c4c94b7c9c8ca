// Package paxos decides what the ring document of an epoch is: single-decree Paxos, one write-once register an epoch number. It
// is pure: no I/O, clock or randomness of its own, and it imports nothing of the module.
//
// The document of epoch e names at most seven voters. They, and nobody else, decide the document of epoch e+1, which names the
// voters of e+2. A value is opaque bytes, 1..MaxValue of them. Any node that knows the document of e may propose for e+1, a voter
// or not. There is no leader and no log.
//
// # One decision
//
//	proposer (voter A)             voter B                voter C
//	   | store: promised 1.A          |                      |
//	   | Prepare 1.A ---------------->|                      |
//	   | Prepare 1.A --------------------------------------->|
//	   |                              | store: promised 1.A  |
//	   |<------------- Promise 1.A ---|                      |
//	   | A and B: a majority. None of them has accepted any, so it is A's own value, v
//	   | store: accepted 1.A v        |                      |
//	   | Accept 1.A v --------------->|                      |
//	   | Accept 1.A v -------------------------------------->|
//	   |                              |     store: accepted 1.A v
//	   |<------------------------------------ Accepted 1.A --|
//	   | A and C: a majority has accepted 1.A, so v is decided
//	   | store: decided v             |                      |
//	   | Decided v ------------------>|                      |
//	   | Decided v ----------------------------------------->|
//
// A voter that has promised a later ballot answers Reject with it; the proposer waits a while and begins one above. Had B's
// promise named an accepted value, A would have asked to accept that one, and learned that its own was not decided.
// A decision costs two round trips and five syncs one after the other, in a ring of one a single sync. Epochs are
// rare; data operations wait for none of this.
//
// # The driver
//
//	r, err := paxos.New(cfg, restored)       // for the epoch after the last one known; then do(r.Ready())
//	loop:
//	    a message for this epoch   r.Receive(now, m)
//	    r.NextTimer() has come     r.Tick(now)
//	    somebody wants a change    r.Propose(now, document)
//	    after each of these        do(r.Ready())
//
//	do(rd):  if rd.State != nil   { store AppendState(nil, *rd.State), wait until it is durable }
//	         if rd.Messages       { send them }
//	         if rd.Fetch != 0     { fetch documents up to FetchTo from it }
//	         if rd.Decided != nil { store the document, open the register of the next epoch }
//
// The driver keeps these rules:
//
//  1. A State is durable before the messages of its Ready leave and before its Decided is told or acted on.
//  2. The effects of one Ready come after the State of every Ready before it. Steps may go on while a State is being stored, but
//     Readies queue up: one that has nothing to store does not overtake, and an older State never replaces a newer one.
//  3. Voters are read from the decided document of the epoch before, never from a proposed one and never from gossip. Parent is
//     that document's hash.
//  4. Node id and states live and die together, in one directory. A directory without an id gets a new one; so a node that lost
//     its disk is a new member, which votes when a decided document names its new id. One that cannot read a state that
//     it had stored stops voting under its id. Restoring a backup keeps neither id nor states.
//  5. Messages for other epochs do not reach the register: see below. Nobody answers for a register that is not open.
//  6. States of epochs that are decided may go once the decided document is durable, which then answers for them.
//
// # Other epochs
//
// A node has one register open, that after the last document it knows. Judge says of a message where it belongs:
//
//	Here     the register's: Receive
//	Past     the sender is behind: answer Tell, with the document, or Refuse, with the last epoch known
//	Future   this node is behind: answer Refuse, fetch documents from the sender, take no part until then
//
// Refuse's answer is an Elsewhere. A register that gets one from a node that is ahead says so in Ready.Fetch. A document that
// was fetched may be given to the register as a Decided message, the ones after it to the registers after it.
// Every message names Parent as well: a register takes none of another lineage, not even of its own number.
//
// A node that has accepted a value and heard no more of it keeps it as Unfinished. When the proposer died, the value may be
// decided without anybody knowing. A voter that waited for long enough proposes it again.
//
// # Invariants
//
//	one value a ballot       a ballot is its proposer's alone, has one value, and no life uses one of an earlier life
//	promises are kept        after Promise b nothing below b is accepted there, after a restart neither
//	what may be decided is   a ballot asks to accept the value of the greatest ballot that a majority of promises names,
//	asked for again          so what a majority has accepted under b is what every ballot after b asks for
//	nothing is learned twice a register that is decided stays so, and answers everything with its value
//
// Why a ballot is never used twice: a node promises its own ballot like anybody's, in the State that is durable before the first
// Prepare leaves (a proposer without a vote too), and begins each ballot with a round above the one promised. So what is
// read back after a restart is at least the last ballot that was seen by anybody. No incarnation is needed.
//
// Why a proposer may count itself before its own State is durable: what follows from the count is in the same Ready or a
// later one, and so waits for that State.
//
// # Ends
//
// A proposer's wait starts at Config.Retry, doubles up to Config.RetryMax and is drawn from half to one and a half of that. When
// it runs out the same ballot asks those again that have not answered, for a lost message is no reason for a new ballot; only one
// that was outbid makes place for a later one. Paxos cannot promise an end (Fischer, Lynch and Paterson); waits that grow apart
// make one proposer of several finish soon once messages arrive. It ends only while a majority of voters can talk.
//
// All is bounded: voters by 7, values by MaxValue, messages that wait for Ready by a count (what is beyond is lost and counted),
// rounds by MaxRound.
//
// # A majority of voters gone for good
//
// Then nothing is decided any more, and no survivor can know what the others had decided. An operator ends it with a new lineage,
// whose first document no voters decide: it is another cluster that begins, with another id, to which the nodes of the old one
// do not talk. That is ring.Recover's, and the driver's (package epoch), which drops its States.
//
// # Bytes
//
// Integers are big-endian. A ballot is round u64 | node u64; a value fills what is left.
//
//	message   version u8 =1 | kind u8 | epoch u64 | parent [32] | from u64 | to u64 | ballot | of the kind
//	  Promise    accepted ballot | value, if anything was accepted
//	  Reject     promised ballot
//	  Elsewhere  known u64
//	  Accept, Decided  value
//	state     version u8 =1 | flags u8: 1 decided | epoch u64 | parent [32] | promised ballot | accepted ballot | value | crc32c u32
//
// One value has one encoding; decoders refuse every other, and allocate nothing from a declared length. A new field means a
// new version. The files under testdata hold the bytes.
//
// # Proof
//
// TestSchedules plays random schedules: chains of epochs whose voters change, 3 to 9 nodes, up to four proposers, loss, doubles,
// packets that come seconds late, cuts, crashes between a store and the send after it, then quiet. One body an epoch, no ballot
// of two lives or values, and everybody knows the whole chain soon after the faults stop. TestSabotage breaks the driver's rules
// one at a time and must see it fail. More schedules than the usual:
//
//	go test ./cluster/paxos -run 'TestSchedules$' -v -schedules 100000 -seed 1
//
// # Sources
//
// Lamport, "Paxos Made Simple" (2001): phases 1 and 2 of section 2.2, learners of 2.3, the two durable facts of an acceptor of
// section 2.5. Lamport, Malkhi and Zhou, "Reconfiguring a State Machine" (2010): configurations that are decided by those before.
// That an acceptor that forgot must not come back under its name: Chandra, Griesemer and Redstone, "Paxos Made Live" (PODC 2007),
// section 5.1, where they let it listen for a while instead; here it is another member.
//
// # What this package is not
//
// Not Multi-Paxos, not a log, not a lease or a failure detector; not the ring document, whose bytes it never looks into; not
// transport, storage or catch-up. It trusts the nodes of its cluster: an acceptor that lies can break every promise here.
package paxos
