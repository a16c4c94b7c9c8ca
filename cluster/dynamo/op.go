package dynamo

import "github.com/rondokv/rondo/engine/object"

// Op is one client operation over the rows of one slot, as the core sees it: the reply stays with whoever made it.
type Op interface {
	// Reads returns the keys that the operation touches and whether it must see them.
	Reads() object.ReadSet
	// Eval decides what changes. It is pure and may run again on a newer view.
	Eval(in *object.Input, v *object.View, m *object.Mutation)
}

// ErrorWriter is a PassedOp that says errors in words of its own to the node whose client waits: see RemoteError.
type ErrorWriter interface {
	AppendError(dst []byte, err error) []byte
}

// PassedOp is an operation that can run on another node than the one whose client sent it.
type PassedOp interface {
	Op
	// AppendBody appends the operation as Host.Parse reads it.
	AppendBody(dst []byte) []byte
	// AppendReply appends the reply that Eval left, for the node whose client waits.
	AppendReply(dst []byte) []byte
	// TakeReply makes what AppendReply gave there the reply here. reply stays valid.
	TakeReply(reply []byte)
}
