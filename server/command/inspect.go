package command

import (
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
)

func inspectParsers() map[string]Parser {
	return map[string]Parser{
		"object|encoding": onlySubKey(evalEncoding),
		"object|refcount": onlySubKey(evalRefCount),
		"object|idletime": onlySubKey(refuseOf(errNoAccessTimes)),
		"object|freq":     onlySubKey(refuseOf(resp.ErrNoLFUPolicy)),
		"memory|usage":    parseMemoryUsage,
	}
}

// errNoAccessTimes is the reply to OBJECT IDLETIME, in the manner of what Redis says when its policy keeps none.
const errNoAccessTimes resp.Error = "ERR Access times are not kept, idle time not tracked."

// onlySubKey parses a subcommand whose one argument is a key.
func onlySubKey(eval evalKey) Parser {
	return func(args [][]byte, db uint8) (Op, resp.Value) {
		return &keyOp{oneKey: onKey(args[2], db), eval: eval}, resp.Value{}
	}
}

// embstrMax is the greatest length in bytes of what Redis 7.0 keeps as embstr.
const embstrMax = 44

// evalEncoding: https://redis.io/commands/object-encoding, by the value alone.
func evalEncoding(_ *object.Input, k *object.KeyState, _ *object.Mutation) resp.Value {
	t, found, err := textOf(k)
	switch {
	case err != "":
		return err.Value()
	case !found:
		return resp.Nil()
	case t.IsInt:
		return resp.BulkString("int")
	case len(t.Bytes) <= embstrMax:
		return resp.BulkString("embstr")
	}
	return resp.BulkString("raw")
}

func evalRefCount(_ *object.Input, k *object.KeyState, _ *object.Mutation) resp.Value {
	if !k.Exists() {
		return resp.Nil()
	}
	return resp.Int(1)
}

// refuseOf answers with an error for a key that exists and nil for one that does not, as Redis does for what its policy
// does not keep.
func refuseOf(e resp.Error) evalKey {
	return func(_ *object.Input, k *object.KeyState, _ *object.Mutation) resp.Value {
		if !k.Exists() {
			return resp.Nil()
		}
		return e.Value()
	}
}

// memoryUsage: https://redis.io/commands/memory-usage. It is the length in bytes of the key's row and of the row's key
// as the store has them, before compression. SAMPLES is taken and changes nothing: all of a string is in its row.
type memoryUsage struct {
	oneKey
}

func parseMemoryUsage(args [][]byte, db uint8) (Op, resp.Value) {
	for i := 3; i < len(args); i++ {
		if !isWord(args[i], "samples") || i+1 == len(args) {
			return nil, resp.ErrSyntax.Value()
		}
		i++
		n, ok := resp.ParseInt(args[i])
		switch {
		case !ok:
			return nil, resp.ErrNotInteger.Value()
		case n < 0:
			return nil, resp.ErrSyntax.Value()
		}
	}
	return &memoryUsage{oneKey: onKey(args[2], db)}, resp.Value{}
}

// Eval implements Op.
func (o *memoryUsage) Eval(_ *object.Input, v *object.View, _ *object.Mutation) resp.Value {
	k := &v.Keys[0]
	if !k.Exists() {
		return resp.Nil()
	}
	key := object.AppendRowKey(nil, object.Secret{}, 0, o.keys[0], nil)
	return resp.Int(int64(len(key) + k.Row.EncodedLen()))
}
