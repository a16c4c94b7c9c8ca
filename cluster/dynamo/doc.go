// Package dynamo is the replication core: what a coordinator and a replica decide, without I/O, clock or goroutines. It is
// driven by package cluster over real stores.
//
// An Execution is one operation at the primary of its key, in one step: evaluate on the rows of that instant, stamp above
// them, merge. What it leaves in its view are the whole rows to store before anything is answered.
package dynamo
