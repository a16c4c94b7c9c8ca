// Package epoch is one node's part in how a ring becomes the next, as a state machine: it unites the register in which the next
// document is decided (package paxos), documents and their adoption (package ring), catching up, what nodes report of
// themselves, and the conductor. It is pure: no I/O, clock, goroutine or randomness of its own.
//
// # The driver
//
//	m, err := epoch.New(now, epoch.Options{...})   // then do(m.Ready())
//	loop:
//	    a wire.Ring came                     m.Receive(now, from, body)
//	    a header names a newer epoch         m.Newer(now, from, epoch); gossip's word is as good
//	    gossip has news, and each second     m.View(now, view)
//	    copies or clearing got on            m.Progress(now, progress)
//	    an operator wants something          id := m.Command(now, command)
//	    NextTimer has come                   m.Tick(now)
//	    after each of these                  do(m.Ready())
//
//	do(rd):  if rd.Save != nil  { store it in one batch, wait until it is durable }
//	         send rd.Messages
//	         if rd.Adopt != nil { switch all partitions to it; then m.Adopted(now, rd.Adopt.Epoch) and do(m.Ready()) }
//	         hand out rd.Outcomes, log rd.Events; on EventConflict stop the node, on EventRemoved after a while
//
// The driver keeps these rules:
//
//  1. Nothing of a Ready happens before its Save is durable, and nothing before the Save of every Ready before it. Steps may go
//     on meanwhile, but Readies queue up: none overtakes another, and no older Save replaces a newer one.
//  2. Save.Document and Save.Register are one batch. Register is all of it: what was stored before is replaced or, when it
//     is empty, deleted. Id, document and register live and die together: a node that lost or cannot read one of them is
//     another node, with another id. Backups keep none.
//  3. On a start all partitions work by the stored document before anything is served. It counts as adopted; no Adopt comes for it.
//     Of a document that does not name the node nothing is served, New says EventRemoved at once.
//  4. Adopted is said when every partition works by the document, not before. A second Adopt may come before the first is
//     done; the first may then be skipped.
//  5. Progress.Epoch names the ring by which its numbers were counted, all partitions. Progress.Copied names an epoch only when all copies of that epoch are durable. Once Progress.Empty names an epoch the node
//     takes no rows and hints any more while it works by that document.
//  6. What is in a View is of one instant: its func must not change its answers, since it is kept until the next.
//  7. Messages may be lost, doubled, late, in any order. Who sends must be known for certain: links tell nodes apart.
//  8. Links that are open to survivors stay open while Status.HandOut names them (see below), though their cluster is another.
//
// # One epoch
//
//	conductor (voter)              other voters             other members, and who is admitted
//	  ring.Next gives a document
//	  | Prepare, Accept of it -------->|
//	  |<------------------ Accepted ---|
//	  | decided: Save, Adopt
//	  | Decided ---------------------->| Save, Adopt
//	  | heard: I know epoch e ---------------------------------->|
//	  |<------------------------------------- want document e ---|
//	  | document e --------------------------------------------->| Save, Adopt
//	  |<------- report: adopted e -----|                         |
//	  |<--------------------------------- report: adopted e -----|
//	  ring.Next gives the following one, as soon as its barrier holds
//
// Members report to all voters: each second, and at once when they have adopted, copied or cleared. So the next conductor knows
// within a second what the last one knew. What a node has to copy or to clear in an epoch is told with the first report that has
// Progress.Epoch at it, not by its adopting it. Adopted and Copied never go back; of Empty and the numbers the newest word counts, by
// incarnation and a running number.
//
// # Invariants
//
//	one document an epoch    a document comes from the register that was opened by the one before it, or from a member that has it
//	it follows               the same cluster, a greater epoch and, where it is the next, our hash as its parent. A value that
//	                         does not is never accepted, whoever proposes it
//	epochs ascend            a node never goes back, over restarts too
//	votes are for e+1 only   the register of e+1 opens when e is stored, and its state is dropped with the Save of e+1. Who asks for
//	                         an earlier epoch is told the document, who asks for a later one is asked for it
//	barriers                 what is proposed has passed the barrier of ring.Next on what members said of themselves (a plan's
//	                         first document that of ring.Barrier; an abort needs none)
//
// # The conductor
//
// It is the live voter with the least id, as each node sees it. When views differ there are two; then each is right by what it
// knows, paxos decides, and the waits of their retries grow apart until one gets through. A proposal that is not decided within
// ProposeTimeout is withdrawn; it may be decided all the same. What a voter accepted without hearing more of it, it proposes
// again after a while, conductor or not: its proposer may be dead and the value decided.
//
// Nothing else is proposed while a proposal of the node is under way. A command comes before what ring.Next says.
//
// With Auto the conductor plans by itself once those who wait (View.Waiting), who want to leave (View.Leaving) and who are
// given up have been the same for StableFor. A plan that waits for a copy by a node that is dead for GiveUp is aborted; a member
// that was leaving and is dead for GiveUp is dropped. Other dead members are only removed when RemoveAfter says so. No plan
// by itself gives copies to a node that is dead when it begins. When none can be made for all of them the removals are left out,
// then the leaves; it is tried again after a while.
//
// # Commands
//
// Any member takes a command and passes it on to the conductor, again each second until it is answered or twice ProposeTimeout is
// over. The conductor knows the last ones by name, so one that comes twice is carried out once. Another conductor may get it when
// the first has died: there a plan of the same changes that is under way counts as done. CommandPlan only shows; what it showed is staged at
// the node that was asked, and CommandCommit there proposes it if the ring is still of that epoch.
//
// # A new lineage
//
// CommandRecover is for when a majority of voters is gone for good. The node asks all survivors for what they know and takes the
// newest; a silent one ends it. Then it stores ring.Recover's document, which has another cluster id, and hands it out to the others
// each second until they say that they know it. They take it since it names the cluster that it comes from, theirs, and them. The hand-out
// is not kept over a restart of that node: a survivor that was not reached by then must join anew. Who was given up and comes back
// is of another cluster: nothing that it says is taken in.
//
// # A node that waits to be admitted
//
// It has no document, is no one's voter and reports nothing. View.Waiting of the others, which gossip fills, is its request. Whoever
// it hears of by Newer it asks for the document. One that does not name it only shows in Status.Seen; the first that does
// is the answer.
//
// # Removed
//
// A voter that is dropped takes part in deciding so, and may be the only one that knows: it has the last vote, and others that have
// voted die. If it stopped at once, and is gone for good, a voter that is left alone of three could never decide anything. So it hands
// the document to the new voters, tells the others that there is one, repeats that at every tick, and answers what it is asked. Its driver
// serves no clients any more, but carries messages (Receive, Tick, Ready) for some seconds longer, and as long again after a restart.
//
// # Bytes
//
// Integers are big-endian; a cluster id is its length u8 and its text; what is last fills the body. The version is never 0.
//
//	body      version u8 =1, of a report =2 | kind u8 | of the kind
//	 1 paxos     a message as package paxos draws it
//	 2 want      cluster, empty: none yet | epoch u64, the least that helps
//	 3 document  as ring.Document encodes it
//	 4 report    cluster | epoch u64 | hash [32] | adopted u64 | incarnation u64 | number u64 | copied u64 | empty u64 |
//	             partitions done u32, left u32 | bytes done u64, left u64 | epoch that these are about u64: not in version 1
//	 5 heard     cluster, empty: none yet | epoch u64 | hash [32]
//	 6 command   incarnation u64 | id u64 | Command in JSON
//	 7 answer    incarnation u64 | id u64, of the command | Outcome in JSON
//	 8 lineage   cluster of before | document
//
// All is bounded: bodies by MaxBody, members by ring.MaxNodes, commands of a node, names of answered commands, nodes that are ahead, and
// messages that wait for Ready by counts. Unknown kinds, versions and fields are refused. The files under testdata hold the bytes.
//
// # What this package is not
//
// Not gossip or a failure detector, which View brings; not the copying of rows; not transport or storage. It trusts the nodes of its
// cluster.
package epoch
