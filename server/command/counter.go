package command

import (
	"math"

	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
)

func counterParsers() map[string]Parser {
	return map[string]Parser{
		"incr":        func(args [][]byte, db uint8) (Op, resp.Value) { return newIncrBy(args, db, 1) },
		"decr":        func(args [][]byte, db uint8) (Op, resp.Value) { return newIncrBy(args, db, -1) },
		"incrby":      parseIncrBy,
		"decrby":      parseDecrBy,
		"incrbyfloat": parseIncrByFloat,
	}
}

// incrBy is INCR, DECR, INCRBY and DECRBY: https://redis.io/commands/incrby. Increments add to the counter's totals, so
// those on two sides of a partition all count.
type incrBy struct {
	oneKey
	by int64
}

func newIncrBy(args [][]byte, db uint8, by int64) (Op, resp.Value) {
	return &incrBy{oneKey: onKey(args[1], db), by: by}, resp.Value{}
}

func parseIncrBy(args [][]byte, db uint8) (Op, resp.Value) {
	by, ok := resp.ParseInt(args[2])
	if !ok {
		return nil, resp.ErrNotInteger.Value()
	}
	return newIncrBy(args, db, by)
}

func parseDecrBy(args [][]byte, db uint8) (Op, resp.Value) {
	by, ok := resp.ParseInt(args[2])
	switch {
	case !ok:
		return nil, resp.ErrNotInteger.Value()
	case by == math.MinInt64:
		return nil, resp.ErrDecrOverflow.Value()
	}
	return newIncrBy(args, db, -by)
}

// Eval implements Op.
func (o *incrBy) Eval(_ *object.Input, v *object.View, m *object.Mutation) resp.Value {
	t, found, err := textOf(&v.Keys[0])
	switch {
	case err != "":
		return err.Value()
	case found && !t.IsInt:
		return resp.ErrNotInteger.Value()
	}
	n := t.Int // 0 for a missing key
	if (o.by > 0 && n > math.MaxInt64-o.by) || (o.by < 0 && n < math.MinInt64-o.by) {
		return resp.ErrIncrOverflow.Value()
	}
	m.Add(0, o.by)
	return resp.Int(n + o.by)
}

// incrByFloat: https://redis.io/commands/incrbyfloat. It reads the value and writes it: the expiry stays.
type incrByFloat struct {
	oneKey
	by  resp.LongDouble
	bad resp.Error // what is wrong with the increment: told only of a string or a missing key
}

func parseIncrByFloat(args [][]byte, db uint8) (Op, resp.Value) {
	o := &incrByFloat{oneKey: onKey(args[1], db)}
	var ok bool
	o.by, ok = resp.ParseLongDouble(args[2])
	if !ok {
		o.bad = resp.ErrNotFloat
	}
	return o, resp.Value{}
}

// Eval implements Op.
func (o *incrByFloat) Eval(_ *object.Input, v *object.View, m *object.Mutation) resp.Value {
	t, found, err := textOf(&v.Keys[0])
	switch {
	case err != "":
		return err.Value()
	case o.bad != "":
		return o.bad.Value()
	}
	var n resp.LongDouble
	if found {
		var buf [20]byte
		b := t.Bytes
		if t.IsInt {
			b = t.AppendTo(buf[:0])
		}
		var ok bool
		if n, ok = resp.ParseLongDouble(b); !ok {
			return resp.ErrNotFloat.Value()
		}
	}
	sum, ok := n.Add(o.by)
	if !ok {
		return resp.ErrIncrNaN.Value()
	}
	text := sum.AppendText(nil)
	m.Write(0, text)
	return resp.Bulk(text)
}
