// Package clients runs the client libraries that Redis users have, on their
// default settings, against both faces of a node.
//
// Every client takes the same steps: set, get, expire, a pipeline, MULTI, WATCH,
// a scan over all keys, MGET within a slot and over several, INCR, DEL. The
// result is a table of client, face and step. A step may fail only as written
// down in findings.go; docs/clients.md shows the same table.
//
// Then the same on rings of three and of five nodes: the steps, the tools of
// Redis, and a steady load of every client at once while a node is killed and
// comes back. For each client the errors, the longest call and the part of its
// commands that the returned node runs are printed; the part is counted by the
// nodes themselves, with MONITOR. What must hold whatever the machine: clients
// work without the node and after its return, every reply is one that can be,
// and within 60 s the node gets its part again.
//
// The cluster clients also live through a join and through the leave of the node that they were given: no call fails while
// the one joins, and next to none, for a connection that has just ended, while the other leaves.
//
// Go's clients run in the test itself. Others are scripts in testdata; they
// print one JSON object a line: {"version": "1.2.3"}, then
// {"step": "set", "error": ""} for each step, or a Report twice a second under
// load.
package clients
