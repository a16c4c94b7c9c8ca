package command

import (
	"math"

	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
)

func editParsers(l Limits) map[string]Parser {
	return map[string]Parser{
		"append": func(args [][]byte, db uint8) (Op, resp.Value) {
			return &appendTo{oneKey: onKey(args[1], db), tail: args[2], max: l.MaxString}, resp.Value{}
		},
		"setrange": func(args [][]byte, db uint8) (Op, resp.Value) { return parseSetRange(args, db, l.MaxString) },
	}
}

// appendTo: https://redis.io/commands/append. The expiry stays.
type appendTo struct {
	oneKey
	tail []byte
	max  int64
}

// Eval implements Op. Like Redis it does not hold a new key to the limit: its value has passed as an argument.
func (o *appendTo) Eval(_ *object.Input, v *object.View, m *object.Mutation) resp.Value {
	t, found, err := textOf(&v.Keys[0])
	if err != "" {
		return err.Value()
	}
	if !found {
		m.Write(0, o.tail)
		return resp.Int(int64(len(o.tail)))
	}
	n := t.Len() + len(o.tail)
	if int64(n) > o.max {
		return resp.ErrStringTooLong.Value()
	}
	b := t.AppendTo(make([]byte, 0, n))
	m.Write(0, append(b, o.tail...))
	return resp.Int(int64(n))
}

// setRange: https://redis.io/commands/setrange. The expiry stays.
type setRange struct {
	oneKey
	offset int64 // not negative
	patch  []byte
	max    int64
}

func parseSetRange(args [][]byte, db uint8, limit int64) (Op, resp.Value) {
	offset, ok := resp.ParseInt(args[2])
	if !ok {
		return nil, resp.ErrNotInteger.Value()
	}
	if offset < 0 {
		return nil, resp.ErrOffsetRange.Value()
	}
	return &setRange{oneKey: onKey(args[1], db), offset: offset, patch: args[3], max: limit}, resp.Value{}
}

// Eval implements Op.
func (o *setRange) Eval(_ *object.Input, v *object.View, m *object.Mutation) resp.Value {
	t, found, err := textOf(&v.Keys[0])
	if err != "" {
		return err.Value()
	}
	var old int
	if found {
		old = t.Len()
	}
	if len(o.patch) == 0 {
		return resp.Int(int64(old))
	}
	if o.offset > math.MaxInt64-int64(len(o.patch)) || o.offset+int64(len(o.patch)) > o.max {
		return resp.ErrStringTooLong.Value()
	}
	b := make([]byte, max(old, int(o.offset)+len(o.patch)))
	if found {
		t.AppendTo(b[:0])
	}
	copy(b[o.offset:], o.patch)
	m.Write(0, b)
	return resp.Int(int64(len(b)))
}
