// Package server is the front door: it listens on redcon, keeps one session a connection, finds each command's entry in
// one table, runs operations on keys through the cluster's node and everything else through handlers, and writes the
// replies in the order of the commands.
//
//	net.Listener -> gate (maxclients, protected mode) -> redcon (accepts, keeps the connections) -> wire (reading, framing, limits)
//	   -> session.serve (one call a batch: all commands that one read brought)
//	      -> entry.parse -> node.Start ... node.Finish -> emit -> one write
//
// # Two faces
//
// The cluster face speaks as a node of a Redis Cluster: keys of one command lie in one slot and there is one database.
// The forward face speaks as a single Redis: SELECT 0..15, and MGET MSET DEL UNLINK EXISTS TOUCH and MULTI may name keys of
// several slots. Those are split by slot, run in the order of the slots' first appearance and gathered in the order of the
// arguments; each slot's part is atomic, the whole is not. What a connection watches is of one slot on both faces, and so is
// the transaction that follows.
//
// # Levels
//
// A connection has a level for reads and one for writes: what CONSISTENCY set, else its user's, else that of the rule
// of the key, else the server's default. They go with every call. AT puts others in force while one command runs, which is
// dispatched as if it had come by itself: all that looks at commands (statistics, MONITOR, the slow log) sees the inner one.
//
// # A ring of several
//
// What clients are told of the ring, and which keys this node serves, is one immutable Topology, made by NewTopology whenever
// epoch or liveness change; a batch of commands sees one. On the cluster face a key of which this node is no home replica is
// answered with MOVED; a client whose map is old is told so now and then (nudge). On the forward face, and for writes of keys whose
// primary is another, the node passes the operation on: step implements cluster.PassedOp, and PassedParser makes the
// operation there. Between Start and Finish of a call that is pending its step belongs to the node, which may evaluate it
// on any goroutine.
//
// # Registering a command
//
// Facts (arity, flags, key positions) are in package resp. What runs is in tables of this package:
//
//	type handler func(s *session, c *resp.Command, args [][]byte) resp.Value
//
// coreHandlers and adminHandlers return map[string]action, keyed by the command's name in lower case; New merges them with
// the parsers of package command. One name in two tables is an error of New. A container such as CLIENT registers one
// handler under its own name; before it runs, dispatch has looked up the subcommand in resp's table: c is the subcommand's
// row if there is one ("client|kill"), args are whole, unknown subcommands and wrong arity were answered. A parser for
// "object|encoding" goes before the handler of "object". A handler
//   - runs on the connection's own goroutine, after all earlier commands of the connection were answered (unless its
//     action says free) and before any later one begins; it may block, the connection waits;
//   - owns args and may keep them: nobody changes them later;
//   - returns the one reply. resp.None() sends nothing. Failures are resp.Err values;
//   - may call s.closeAfterReply() and the other methods of session listed there.
//
// # Order and waiting
//
// A batch is executed in order, each operation as far as it goes without waiting for the disk; the operations of a chunk
// (the batch, up to 512 commands or about 1 MB of replies) then wait once, together. No reply is encoded before node.Finish
// of every call that was started before it, and replies are in the order of the commands, whatever they are.
//
// Where other nodes take part an operation may be pending when Start returns. The next one on its slot then waits for it,
// unless both read: a connection sees its own commands done in order.
//
// # Limits
//
// Nothing grows with what a client declares, only with what it sent, and no further than the limits: an unfinished command
// (proto-max-bulk-len, client-query-buffer-limit, 64 KB inline; 10 arguments of 16 KB before AUTH), the commands of one
// read, the replies that wait. Replies are written as they are encoded, 256 KB at a time: a client that does not read stops
// its own commands, and is cut once it has taken no byte for the write timeout. A command that is unfinished for longer than
// the command timeout (60 s) must have come in at 1 KB/s or more, else the connection is cut; Redis would wait for ever.
// Between commands only `timeout` ends a connection. Deadlines are armed rarely and checked when they pass, so that keeping
// time costs nothing a command.
//
// # Failures
//
// A panic costs its connection, never the process: the command gets an error, earlier ones of the batch their replies.
// Shutdown closes the listeners, lets every connection execute and answer the batch that it has read, then closes it.
package server
