package cluster

import (
	"errors"

	"github.com/rondokv/rondo/engine/object"
)

// Store is where a node keeps its rows. Rows are bytes that package object encodes, under keys that it makes.
type Store interface {
	// Get returns the row under key, nil when there is none. dst is empty; the row may come in its spare room, and is
	// valid as long as that is not used again. It must not be changed. Get and Apply of one key never overlap.
	Get(dst, key []byte) (row []byte, err error)
	// Apply stores the writes as one: all are visible when it returns, durable once Commit.Wait has returned nil. The
	// keys and rows are the caller's again then. After an error nothing was stored.
	Apply(ws []object.Write) (object.Commit, error)
	// ApplyFreeing is Apply for writes that let go of more than they store, in the end: a store that is short of room
	// takes them while it refuses others.
	ApplyFreeing(ws []object.Write) (object.Commit, error)
	// Scan calls fn with the rows of [lo, hi) in ascending order of keys, over one snapshot, until fn returns false.
	// key and row are valid during the call of fn only.
	Scan(lo, hi []byte, fn func(key, row []byte) bool) error
	// DropRange lets all rows of [lo, hi) go, then stores the writes, as one: writes within the range stay.
	DropRange(lo, hi []byte, ws []object.Write) (object.Commit, error)
	// ExpiredCandidates returns up to limit keys, from after on (nil: the first), of rows that may have expired before
	// that time (ms since the Unix epoch), and where to go on (nil: at the end), which goes
	// with an error too: behind what could not be read. The caller looks again at each.
	ExpiredCandidates(before int64, after []byte, limit int) (keys [][]byte, next []byte, err error)
}

// Errors of a node.
var (
	// ErrClosed: the node is shutting down; nothing was stored.
	ErrClosed = errors.New("cluster: node is closed")
	// ErrCounting: the exact number of keys is not known yet after an unclean stop.
	ErrCounting = errors.New("cluster: keys are being counted")
	// ErrNotDurable: a commit failed, so what the operation saw may not last.
	ErrNotDurable = errors.New("cluster: a write that the operation saw could not be made durable")
)
