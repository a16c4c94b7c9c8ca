// Package hlc is a node's hybrid logical clock: it issues the readings that stamps are made of, and never one of them twice.
// Kulkarni, Demirbas et al., "Logical Physical Clocks" (2014), section 3, with a durable bound for crashes.
//
//	                       ┌─ Physical: the present, from the wall clock and the monotonic clock
//	                       │      ┌─ Latest: the latest reading issued or observed
//	                       │      │                 ┌─ ceiling: durable; nothing is issued at or above it
//	 ──────────────────────┴──────┴─────────────────┴─────────────────────────> time
//	                              └ the next reading └ after a crash, the clock goes on here
//
//	Tick      the later of the present and Latest + 1
//	Read      the later of the present and Latest; issues nothing
//	Observe   Latest becomes what a peer has read, unless that is too far ahead of the present
//	MakeRoom  the ceiling goes up: waits for the disk
//
// Invariant: every reading issued is above every one that was issued or observed before.
//
// Invariant: every reading issued is below a ceiling that was durable at the time. A restart begins with the greatest durable
// ceiling as its Latest, so nothing that was issued before a crash is issued again, wherever the wall clock stands by then.
//
// Observed readings are not durable themselves: after a crash the clock may be behind one of them. Rows that carry one can
// still be on the disk, so whoever stamps a change to a row stamps it above the row, whatever the clock says.
//
// A restart reads the present as up to Ahead before the ceiling, which is where it was when the ceiling was set. Until the
// present has caught up, for at most Ahead, readings go on from the ceiling by their counters. So a node that crashes again and
// again does not get further ahead each time; it would otherwise soon be refused by its peers.
//
// The clock has no goroutine and no disk: the node calls MakeRoom in time (it is told by HasRoom), the simulator does the
// same, and time comes in as functions.
package hlc
