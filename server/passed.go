package server

import (
	"runtime/debug"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
	"github.com/rondokv/rondo/server/command"
)

// bodyAppender is an operation that is more than one command, as it is written for another node.
type bodyAppender interface {
	AppendBody(dst []byte) []byte
}

var _ cluster.PassedOp = (*step)(nil)

// AppendBody implements cluster.PassedOp.
func (t *step) AppendBody(dst []byte) []byte {
	if t.body != nil {
		return t.body.AppendBody(dst)
	}
	c := command.Invocation{Name: t.e.cmd.Name, DB: t.db, Args: t.args}
	return c.AppendBody(dst)
}

// AppendReply implements cluster.PassedOp. A step is of this node's own clients; no other node waits for it.
func (t *step) AppendReply(dst []byte) []byte { return resp.AppendCompact(dst, &t.reply) }

// TakeReply implements cluster.PassedOp.
func (t *step) TakeReply(reply []byte) { t.reply = takenReply(reply) }

const errBadReply resp.Error = "ERR the node that ran the operation answered what this version cannot read; it was done"

func takenReply(b []byte) resp.Value {
	v, err := resp.ParseCompact(b)
	if err != nil {
		return errBadReply.Value()
	}
	return v
}

// multiBody is the operation of EXEC for another node.
type multiBody struct {
	commands []command.Invocation
	watched  []command.Watched
}

// AppendBody implements bodyAppender.
func (b *multiBody) AppendBody(dst []byte) []byte {
	return command.AppendMultiBody(dst, b.commands, b.watched)
}

// PassedOptions are what operations of other nodes are made with.
type PassedOptions struct {
	MaxString int64 // as Settings.MaxBulk; 0: Redis's 512 MB
	// StoreError gives the reply to an error of the store, as Options.StoreError; nil: none is known.
	StoreError func(error) (resp.Error, bool)
	// OnPanic is told of an evaluation that panicked: its client got an error, nothing was changed. nil: nobody is told.
	OnPanic func(cause any, stack []byte)
}

// PassedParser returns what makes the operations that other nodes pass on of their bodies. The operation shares the body's
// bytes, which must not change after. Any goroutine may call it.
func PassedParser(o PassedOptions) func(slot object.Slot, body []byte) (cluster.PassedOp, error) {
	limits := command.DefaultLimits()
	if o.MaxString > 0 {
		limits.MaxString = o.MaxString
	}
	table := command.New(limits)
	return func(slot object.Slot, body []byte) (cluster.PassedOp, error) {
		op, err := command.ParseBody(table, slot, body)
		if err != nil {
			return nil, err
		}
		return &passedOp{op: op, body: body, storeError: o.StoreError, onPanic: o.OnPanic}, nil
	}
}

// ParsePassed is PassedParser with Redis's limits.
func ParsePassed(slot object.Slot, body []byte) (cluster.PassedOp, error) {
	return defaultPassed(slot, body)
}

var defaultPassed = PassedParser(PassedOptions{})

// passedOp is an operation that a client of another node sent.
type passedOp struct {
	op         command.Op
	body       []byte
	reply      resp.Value
	storeError func(error) (resp.Error, bool)
	onPanic    func(cause any, stack []byte)
}

var _ cluster.ErrorWriter = (*passedOp)(nil)

// AppendError implements cluster.ErrorWriter: the client gets the words that it would get of this node.
func (o *passedOp) AppendError(dst []byte, err error) []byte {
	if words, ok := errorWords(err, o.storeError); ok {
		return append(dst, words...)
	}
	return append(dst, err.Error()...)
}

// Reads implements cluster.PassedOp.
func (o *passedOp) Reads() object.ReadSet { return o.op.Reads() }

// Eval implements cluster.PassedOp. It is called under a lock that others need: a panic becomes the reply here, and nothing is
// changed.
func (o *passedOp) Eval(in *object.Input, v *object.View, m *object.Mutation) {
	defer func() {
		if cause := recover(); cause != nil {
			m.Reset()
			o.reply = errInternal.Value()
			if o.onPanic != nil {
				o.onPanic(cause, debug.Stack())
			}
		}
	}()
	o.reply = o.op.Eval(in, v, m)
}

// AppendBody implements cluster.PassedOp.
func (o *passedOp) AppendBody(dst []byte) []byte { return append(dst, o.body...) }

// AppendReply implements cluster.PassedOp.
func (o *passedOp) AppendReply(dst []byte) []byte { return resp.AppendCompact(dst, &o.reply) }

// TakeReply implements cluster.PassedOp.
func (o *passedOp) TakeReply(reply []byte) { o.reply = takenReply(reply) }
