package command

import (
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
)

// Op is one client operation over the rows of one slot.
type Op interface {
	// Reads returns the keys that the operation touches and whether it must see them.
	Reads() object.ReadSet
	// Eval decides: it is pure, sees the state of its keys in v and what it may know else in in, adds what it changes
	// to m and returns the reply. It must leave m empty when the reply is an error. It may run again on a newer view.
	Eval(in *object.Input, v *object.View, m *object.Mutation) resp.Value
}

// Parser makes the operation of one command. args[0] is the command's name, the arity has been checked, and args are the
// operation's to keep: they are never changed after. Where the arguments are wrong it returns a nil Op and the error reply.
// An operation whose arguments leave nothing to do may return a nil Op and the reply that says so.
type Parser func(args [][]byte, db uint8) (Op, resp.Value)
