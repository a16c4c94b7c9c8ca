package command

import (
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
)

// constant is an operation that touches nothing.
type constant struct {
	reply resp.Value
}

// Constant returns an operation on no key that replies what was known before: in a transaction it stands for a command
// that is not on keys, or whose arguments are wrong.
func Constant(reply resp.Value) Op { return &constant{reply: reply} }

// Reads implements Op.
func (o *constant) Reads() object.ReadSet { return object.ReadSet{Blind: true} }

// Eval implements Op.
func (o *constant) Eval(*object.Input, *object.View, *object.Mutation) resp.Value { return o.reply }
