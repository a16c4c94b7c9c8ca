// Package moves changes the ring of real nodes while clients read and write, and looks whether the ring keeps its word.
//
// Every test has a ring with keys in it and a crew at work at QUORUM, through the forward faces and, following MOVED, through
// the cluster faces. Each worker writes keys of its own, numbers that grow, and reads everybody's; a chaos.Ledger of each key
// knows at any moment what a read may show. Then nodes join, leave, are replaced, have other weights, or are killed in the
// middle of a move. Meanwhile:
//
//	planned changes    no command fails; a connection ends only where its node has left
//	kills              what was acknowledged shows in every read that begins later, and the move ends
//
// Afterwards every key is read: those of the crew from every node at QUORUM and at ALL, those that were loaded before from
// one. Who holds which partition is taken from KEYINFO of a key in each, so that what moved is counted apart from what the
// ring says of itself; the rows of a node are counted in its directory once it has ended. Of a node that left none remain.
//
// Printed in a table, and not judged, is what depends on the machine: the longest calls, the processor time that a move costs
// beyond that of the same load without one. Where processors or a disk were held up for longer than a quarter of a second, an
// operation may be too late (TIMEOUT, UNAVAILABLE) through no fault of the nodes: then that is told and excused.
//
//	MOVES_KEYS         keys that are loaded before a join (1000000; 20000 with -short)
//	MOVES_KEYS_KILLED  the same in the other tests (100000; 20000 with -short)
//	MOVES_ROUNDS       how often nodes join and leave in turn (5; 1 with -short)
//	MOVES_RATE         bytes a second of a join (transfer.rate; 4194304, 262144 with -short)
//	SEED               of the random choices; printed
package moves
