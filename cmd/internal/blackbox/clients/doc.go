// Package clients runs the client libraries that Redis users have, on their
// default settings, against both faces of a node.
//
// Every client takes the same steps: set, get, expire, a pipeline, MULTI, WATCH,
// a scan over all keys, MGET within a slot and over several, INCR, DEL. The
// result is a table of client, face and step. A step may fail only as written
// down in findings.go; docs/clients.md shows the same table.
//
// Go's clients run in the test itself. Others are scripts in testdata; they
// print one JSON object a line: {"version": "1.2.3"}, then
// {"step": "set", "error": ""} for each step.
package clients
