// Package command makes operations of commands: what each command reads, and what it decides once it sees that.
//
// A Parser turns the arguments of one command into an Op. An Op names the keys that it touches (Reads) and evaluates over
// their state (Eval): a pure function of its input and its view that adds changes to a mutation and returns the reply. It
// never reads a clock, draws a random number or waits; time comes with the input as the operation's own stamp. So an
// operation can be evaluated again, be sent to another node as its arguments, or run in a simulator.
//
//	args --Parser--> Op --Reads--> keys --driver loads--> View --Eval--> Mutation, reply
//
// New makes the table of parsers. The commands are those of keys of one slot; what speaks of a connection or of the whole
// keyspace (SELECT, SCAN, FLUSHALL) belongs to package server. NewMulti joins operations of one slot into one, as EXEC
// does, and NewWatch reads what EXEC will compare.
//
// # Faithful to Redis
//
// Replies and error texts are those of Redis 7.0.15, also in which of several errors is told. Redis checks arguments when
// a command runs, and so most wrong arguments are told by the parser, before any key is looked at; where Redis looks at the
// key first (GETEX with a bad expiry on a missing key is nil), Eval decides. SET's IFEQ and IFNE and DELEX are of Redis 8.4.
//
// A few replies differ on purpose:
//
//   - OBJECT ENCODING goes by the value alone: Redis also tells how the value came about (APPEND leaves raw).
//   - OBJECT REFCOUNT is 1, also for the small integers that Redis shares.
//   - OBJECT IDLETIME is refused: access times are not kept.
//   - MEMORY USAGE is the size of the row as stored.
//   - WATCH on a missing key does not notice a write that was undone by a delete before EXEC.
//   - IFDEQ and IFDNE (digests, Redis 8.4) are syntax errors.
//
// # Blind operations
//
// Plain SET (with or without an expiry), SETEX, PSETEX and MSET, and transactions of nothing else, write without looking:
// their read set is Blind and Eval leaves the view alone. All others see every key that they touch.
package command
