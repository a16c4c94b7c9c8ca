// Package server is the front door: it listens on redcon, keeps one session a connection, finds each command's entry in
// one table, runs operations on keys through the cluster's node and everything else through handlers, and writes the
// replies in the order of the commands.
//
//	net.Listener -> gate (maxclients, protected mode) -> wire (limits, framing, byte counts) -> redcon (parsing)
//	   -> session.serve (one call a batch: all commands that one read brought)
//	      -> entry.parse -> node.Start ... node.Finish -> encode -> one write
//
// # Two faces
//
// The cluster face speaks as a node of a Redis Cluster: keys of one command lie in one slot and there is one database.
// The forward face speaks as a single Redis: SELECT 0..15, and MGET MSET DEL UNLINK EXISTS TOUCH and MULTI may name keys of
// several slots. Those are scattered slot by slot and gathered in order; each slot's part is atomic, the whole is not.
//
// # Registering a command
//
// Facts (arity, flags, key positions) are in package resp. What runs is in tables of this package:
//
//	type handler func(s *session, c *resp.Command, args [][]byte) resp.Value
//
// coreHandlers and adminHandlers return map[string]action, keyed by the command's name in lower case; New merges them with
// command.Parsers. One name in two tables is an error of New. A container such as CLIENT registers one handler under its own
// name; before it runs, dispatch has looked up the subcommand in resp's table: c is the subcommand's row if there is one
// ("client|kill"), args are whole, unknown subcommands and wrong arity were answered. A handler
//   - runs on the connection's own goroutine, after all earlier commands of the connection were answered (unless its
//     action says free) and before any later one begins; it may block, the connection waits;
//   - owns args and may keep them: nobody changes them later;
//   - returns the one reply. resp.None() sends nothing. Failures are resp.Err values;
//   - may call s.closeAfterReply() and the other methods of session listed there.
//
// # Invariants
//
//   - No reply is encoded before node.Finish of every call that was started before it in the batch.
//   - Replies are in the order of the commands, whatever they are.
//   - Nothing grows with what a client declares, only with what it sent, and no further than the limits: an unfinished
//     command, the commands of one read, the replies that wait (a chunk is written before the next is executed).
//   - A panic in a command costs its connection, never the process.
package server
