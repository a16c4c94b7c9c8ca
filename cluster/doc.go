// Package cluster is a Rondo node: it drives the pure core of package dynamo with goroutines, timers and a store.
//
// Each partition has a core, a dynamo.Partition, and a mutex that guards it together with the partition's rows. An operation
// is stepped by whichever goroutine brings it: on its way through a node that holds the key nothing is handed to another
// goroutine. The mutex is never held across a sync.
//
//	Start   lock partition · core.Begin · Ready · Store.Apply (visible) · count · unlock
//	Finish  wait for the commits of a whole pipeline, then for the writes that its reads saw
//
// There is no second way to execute an operation. Flush, Scan, counting, cleaning and sweeping are the node's own: they see
// many keys, and take the numbers of their batches and the cleared of databases from the cores.
//
// Invariant: nothing is answered before it is as durable as the store's policy says, and no read is answered that shows a
// write which is not; see Finish.
//
// Invariant: stamps of one partition are issued under its mutex, so the order of stamps is the order of execution.
//
// Invariant: no stamp is issued at or above the durable ceiling, so none is issued again after a crash (package hlc).
//
// While the ring has one node the core finishes every operation when it begins and has nothing to send, and dead rows go by the
// node's own clock as the watermark.
//
// The ring changes while the node serves. A Keeper drives the node's part in the agreement on the next one (package epoch);
// SwitchRing takes all partitions into it; the mover sees to it that what moves is copied and cleared.
//
//	links ──> Keeper: save, send ──> Adopt ──> SwitchRing: each partition in a step ──> mover: Move, paced ──> Progress ──> Keeper
//
// Invariant: all partitions work by the ring that Node.Ring returns, or by the one that SwitchRing is about to put in force.
package cluster
