package server

import (
	"errors"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/engine/object"
)

// Node is what the front door needs of a cluster's node. All methods may be called at the same time. A node has the methods
// of Keyspace too, or, as long as it is alone on its ring, those of ownKeyspace.
type Node interface {
	// Start runs a call as far as it goes without waiting; Finish waits until the calls may be answered. Between them a
	// call belongs to the node, which may evaluate its operation, and take its reply, on any goroutine.
	Start(c *cluster.Call)
	Finish(cs []*cluster.Call)

	// Present is the wall clock's reading for calls that start right after.
	Present() object.HLC
	// NowMillis is the node's clock, ms since the Unix epoch.
	NowMillis() int64
	Identity() (object.NodeID, object.Incarnation)

	// KeyInfo asks every member of the ring what it holds of a key: the home replicas come first, in the order of the
	// preference list. It waits for as long as an operation may take.
	KeyInfo(key object.KeyRef, slot object.Slot) []cluster.KeyReport

	// SlotSize and SlotKeys speak of what this node stores of database 0.
	SlotSize(slot object.Slot) (int64, error)
	SlotKeys(slot object.Slot, max int) ([][]byte, error)
}

// Keyspace is the operations on many slots.
type Keyspace interface {
	// Scan goes on from cursor and calls fn with about count living keys; next is 0 at the end. name is valid during fn.
	Scan(scope cluster.Scope, db uint8, cursor uint64, count int, fn func(name []byte, t object.Type)) (next uint64, err error)
	// Keys calls fn with every living key until it returns false. name is valid during fn.
	Keys(scope cluster.Scope, db uint8, fn func(name []byte) bool) error
	RandomKey(scope cluster.Scope, db uint8) (name []byte, ok bool, err error)
	// Size is how many keys db stores, expired ones included until they are cleaned up.
	Size(scope cluster.Scope, db uint8) (int64, error)
	// Flush removes every key of db, of all databases when db is -1, as a write at that level.
	Flush(scope cluster.Scope, db int, level cluster.Level) error
}

// ownKeyspace is Keyspace of a node that has nobody to ask: all slots are its own.
type ownKeyspace interface {
	Scan(db uint8, cursor uint64, count int, fn func(name []byte, t object.Type)) (next uint64, err error)
	Keys(db uint8, fn func(name []byte) bool) error
	RandomKey(db uint8) (name []byte, ok bool, err error)
	Size(db uint8) (int64, error)
	Flush(db int) error
}

// keyspaceOf is the keyspace of a node.
func keyspaceOf(n Node) (Keyspace, error) {
	switch k := n.(type) {
	case Keyspace:
		return k, nil
	case ownKeyspace:
		return alone{k}, nil
	}
	return nil, errors.New("server: the node has no operations on the whole keyspace")
}

// alone is the Keyspace of a node whose ring has one member: both scopes are the same.
type alone struct{ own ownKeyspace }

func (a alone) Scan(_ cluster.Scope, db uint8, cursor uint64, count int, fn func(name []byte, t object.Type)) (uint64, error) {
	return a.own.Scan(db, cursor, count, fn)
}

func (a alone) Keys(_ cluster.Scope, db uint8, fn func(name []byte) bool) error {
	return a.own.Keys(db, fn)
}

func (a alone) RandomKey(_ cluster.Scope, db uint8) ([]byte, bool, error) { return a.own.RandomKey(db) }

func (a alone) Size(_ cluster.Scope, db uint8) (int64, error) { return a.own.Size(db) }

func (a alone) Flush(_ cluster.Scope, db int, _ cluster.Level) error { return a.own.Flush(db) }

// scope is for which slots the face speaks.
func (f face) scope() cluster.Scope {
	if f == clusterFace {
		return cluster.ScopeOwn
	}
	return cluster.ScopeAll
}
