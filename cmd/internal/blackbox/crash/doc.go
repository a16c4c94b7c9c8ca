// Package crash kills a node under load and looks whether anything that was
// acknowledged is gone; and damages the files of a stopped node and looks
// whether it says so.
//
// Writers keep a Ledger: each key belongs to one writer, which notes every
// operation before it is sent and again when its reply has come. Replies come
// in the order of the commands, so at any moment
//
//	state acked last | states sent after it, each of which may have happened
//
// and after a kill and a restart the key must show one of these. An older state
// is a lost write; one that nobody sent is corruption. Counters lie between
// the increments acknowledged and the increments sent. The keys of one MULTI
// show the same operation, all of them or none.
//
// What a kill -9 can show is that acknowledged writes were in the kernel's
// hands. That they were on the disk as well, for power cuts, is shown inside
// the engine's own tests, on a file system that forgets what was not synced.
//
//	CRASH_ROUNDS   kills at each durability (20; 2 with -short)
//	CRASH_FLIPS    damaged bytes in each kind of file (20; 2 with -short)
//	SOAK           kill for so long instead of counting rounds, "1h"
//	SEED           of the random choices; printed
package crash
