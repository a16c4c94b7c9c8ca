// Package cluster is a Rondo node: it drives the pure core of package dynamo with goroutines, timers and a store.
//
// A partition's rows are guarded by the partition's mutex, and an operation is stepped by whichever goroutine brings it: on
// its way through a node that holds the key nothing is handed to another goroutine. The mutex is never held across a sync.
//
//	Start   lock partition · load rows · evaluate · stamp above them · merge · Store.Apply (visible) · unlock
//	Finish  wait for the commits of a whole pipeline, then for the writes that its reads saw
//
// Invariant: nothing is answered before it is as durable as the store's policy says, and no read is answered that shows a
// write which is not; see Finish.
//
// Invariant: stamps of one partition are issued under its mutex, so the order of stamps is the order of execution.
//
// Invariant: no stamp is issued at or above the durable ceiling, so none is issued again after a crash (package hlc).
//
// The ring has one node for now, so the watermark below which dead rows may go is the node's own clock.
package cluster
