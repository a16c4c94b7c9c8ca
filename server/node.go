package server

import (
	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/engine/object"
)

// Node is what the front door needs of a cluster's node. All methods may be called at the same time.
type Node interface {
	// Start runs a call as far as it goes without waiting; Finish waits until the calls may be answered.
	Start(c *cluster.Call)
	Finish(cs []*cluster.Call)

	// NowMillis is the node's clock, ms since the Unix epoch.
	NowMillis() int64
	Identity() (object.NodeID, object.Incarnation)

	// Scan goes on from cursor and calls fn with about count living keys; next is 0 at the end. name is valid during fn.
	Scan(db uint8, cursor uint64, count int, fn func(name []byte, t object.Type)) (next uint64, err error)
	// Keys calls fn with every living key until it returns false. name is valid during fn.
	Keys(db uint8, fn func(name []byte) bool) error
	RandomKey(db uint8) (name []byte, ok bool, err error)
	// Size is how many keys db stores, expired ones included until they are cleaned up.
	Size(db uint8) (int64, error)
	// SlotSize and SlotKeys speak of database 0.
	SlotSize(slot object.Slot) (int64, error)
	SlotKeys(slot object.Slot, max int) ([][]byte, error)
	// Flush removes every key of db, of all databases when db is -1.
	Flush(db int) error
}
