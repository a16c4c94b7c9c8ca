package command

import (
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
)

func readParsers() map[string]Parser {
	return map[string]Parser{
		"get":      onlyKey(evalGet),
		"strlen":   onlyKey(evalStrlen),
		"getdel":   onlyKey(evalGetDel),
		"getex":    parseGetEx,
		"getset":   parseGetSet,
		"mget":     parseMGet,
		"getrange": parseGetRange,
		"substr":   parseGetRange,
	}
}

// evalKey is Eval of an operation without arguments beside its key.
type evalKey func(in *object.Input, k *object.KeyState, m *object.Mutation) resp.Value

// keyOp is an operation on one key and nothing else. The key has index 0.
type keyOp struct {
	oneKey
	eval evalKey
}

// Eval implements Op.
func (o *keyOp) Eval(in *object.Input, v *object.View, m *object.Mutation) resp.Value {
	return o.eval(in, &v.Keys[0], m)
}

// onlyKey parses a command whose one argument is a key.
func onlyKey(eval evalKey) Parser {
	return func(args [][]byte, db uint8) (Op, resp.Value) {
		return &keyOp{oneKey: onKey(args[1], db), eval: eval}, resp.Value{}
	}
}

// evalGet: https://redis.io/commands/get
func evalGet(_ *object.Input, k *object.KeyState, _ *object.Mutation) resp.Value {
	t, found, err := textOf(k)
	if err != "" {
		return err.Value()
	}
	return bulkOrNil(t, found)
}

func evalStrlen(_ *object.Input, k *object.KeyState, _ *object.Mutation) resp.Value {
	t, found, err := textOf(k)
	switch {
	case err != "":
		return err.Value()
	case !found:
		return resp.Int(0)
	}
	return resp.Int(int64(t.Len()))
}

func evalGetDel(_ *object.Input, k *object.KeyState, m *object.Mutation) resp.Value {
	t, found, err := textOf(k)
	if err != "" {
		return err.Value()
	}
	if found {
		m.Delete(0)
	}
	return bulkOrNil(t, found)
}

// getEx: https://redis.io/commands/getex
type getEx struct {
	oneKey
	deadline deadline
	bad      resp.Error // what is wrong with the deadline: told only when the key is there
	persist  bool
}

func parseGetEx(args [][]byte, db uint8) (Op, resp.Value) {
	o := &getEx{oneKey: onKey(args[1], db)}
	var form deadlineForm
	var when []byte
	for i := 2; i < len(args); i++ {
		f := deadlineWord(args[i])
		switch {
		case isWord(args[i], "persist") && form == noDeadline:
			o.persist = true
		case f != noDeadline && !o.persist && (form == noDeadline || form == f) && i+1 < len(args):
			i++
			form, when = f, args[i]
		default:
			return nil, resp.ErrSyntax.Value()
		}
	}
	if form != noDeadline {
		o.deadline, o.bad = parseDeadline(form, when, "getex")
	}
	return o, resp.Value{}
}

// Eval implements Op.
func (o *getEx) Eval(in *object.Input, v *object.View, m *object.Mutation) resp.Value {
	t, found, err := textOf(&v.Keys[0])
	switch {
	case err != "":
		return err.Value()
	case !found:
		return resp.Nil()
	case o.bad != "":
		return o.bad.Value()
	}
	at, ok := o.deadline.at(in.Now())
	if !ok {
		return resp.InvalidExpire("getex").Value()
	}
	switch {
	case at != 0 && at <= in.Now():
		m.Delete(0)
	case at != 0:
		m.Expire(0, at)
	case o.persist && v.Keys[0].ExpireAt() != 0:
		m.Expire(0, 0)
	}
	return bulk(t)
}

// getSet: https://redis.io/commands/getset
type getSet struct {
	oneKey
	value []byte
}

func parseGetSet(args [][]byte, db uint8) (Op, resp.Value) {
	return &getSet{oneKey: onKey(args[1], db), value: args[2]}, resp.Value{}
}

// Eval implements Op.
func (o *getSet) Eval(_ *object.Input, v *object.View, m *object.Mutation) resp.Value {
	t, found, err := textOf(&v.Keys[0])
	if err != "" {
		return err.Value()
	}
	m.Set(0, o.value, 0)
	return bulkOrNil(t, found)
}

// mGet: https://redis.io/commands/mget
type mGet struct {
	keyList
}

func parseMGet(args [][]byte, db uint8) (Op, resp.Value) {
	o := new(mGet)
	o.fill(args[1:], 1, db)
	return o, resp.Value{}
}

// Eval implements Op. A key of another type is nil here, not an error.
func (o *mGet) Eval(_ *object.Input, v *object.View, _ *object.Mutation) resp.Value {
	elems := make([]resp.Value, o.named())
	for i := range elems {
		t, found, _ := textOf(&v.Keys[o.at(i)])
		elems[i] = bulkOrNil(t, found)
	}
	return resp.Array(elems...)
}

// getRange: https://redis.io/commands/getrange, once named SUBSTR
type getRange struct {
	oneKey
	start, end int64
}

func parseGetRange(args [][]byte, db uint8) (Op, resp.Value) {
	start, ok := resp.ParseInt(args[2])
	if !ok {
		return nil, resp.ErrNotInteger.Value()
	}
	end, ok := resp.ParseInt(args[3])
	if !ok {
		return nil, resp.ErrNotInteger.Value()
	}
	return &getRange{oneKey: onKey(args[1], db), start: start, end: end}, resp.Value{}
}

// Eval implements Op.
func (o *getRange) Eval(_ *object.Input, v *object.View, _ *object.Mutation) resp.Value {
	t, found, err := textOf(&v.Keys[0])
	if err != "" {
		return err.Value()
	}
	if !found {
		return resp.BulkString("")
	}
	b := t.Slice()
	n := int64(len(b))
	start, end := o.start, o.end
	if start < 0 && end < 0 && start > end {
		return resp.BulkString("")
	}
	if start < 0 {
		start = max(start+n, 0)
	}
	if end < 0 {
		end = max(end+n, 0)
	}
	end = min(end, n-1)
	if start > end {
		return resp.BulkString("")
	}
	return resp.Bulk(b[start : end+1])
}
