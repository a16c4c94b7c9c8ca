package cluster

import (
	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/cluster/quorum"
)

// What the front door needs of the core, by names of this package: it need not know the others.
type (
	// Level is how many replicas an operation needs, and whether fallbacks count; the zero Level is none.
	Level = quorum.Choice
	// LevelName is a Level without what counts toward it.
	LevelName = quorum.Level
	// LevelError is a level that this ring can never satisfy.
	LevelError = quorum.LevelError
	// UnavailableError is a level that those who are reachable cannot satisfy: nothing was stored.
	UnavailableError = quorum.UnavailableError
	// TimeoutError is an operation of unknown outcome.
	TimeoutError = dynamo.TimeoutError
	// RemoteError is what the node that ran an operation said.
	RemoteError = dynamo.RemoteError
	// PassedOp is an operation that can run on another node.
	PassedOp = dynamo.PassedOp
	// ErrorWriter is a PassedOp that says errors in words of its own.
	ErrorWriter = dynamo.ErrorWriter
)

// The named levels, for Level.Level; numbers stand for themselves.
const (
	LevelAny         = quorum.Any
	LevelQuorum      = quorum.Quorum
	LevelAll         = quorum.All
	LevelLocalOne    = quorum.LocalOne
	LevelLocalQuorum = quorum.LocalQuorum
	LevelEachQuorum  = quorum.EachQuorum
	// MaxReplicas is the greatest numeric level.
	MaxReplicas = quorum.MaxReplicas
)

// Errors of operations that stored nothing.
var (
	ErrOverloaded = dynamo.ErrOverloaded
	ErrTooLarge   = dynamo.ErrTooLarge
	// ErrClockCeiling: no stamp could be issued below the durable ceiling.
	ErrClockCeiling = dynamo.ErrClockCeiling
)

// ParseLevel reads a level as clients write it: ONE, quorum, 3, ONE/SLOPPY.
func ParseLevel(text []byte) (Level, error) { return quorum.Parse(text) }

// Scope says for which slots an operation on the whole keyspace speaks.
type Scope uint8

// The scopes.
const (
	// ScopeOwn is the slots that this node is primary of: clients that know the ring add the nodes up.
	ScopeOwn Scope = iota
	// ScopeAll is all slots of the ring.
	ScopeAll
)

// Count says how many have answered, or can, of how many.
type Count = quorum.Count

// Time is the clock in which the Deadline of a Call is kept: see Node.Time.
type Time = dynamo.Time
