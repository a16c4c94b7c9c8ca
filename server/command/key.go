package command

import (
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
)

func keyParsers() map[string]Parser {
	return map[string]Parser{
		"del":    parseDelete,
		"unlink": parseDelete,
		"delex":  parseDelEx,
		"exists": parseCount,
		"touch":  parseCount,
		"type":   onlyKey(evalType),
	}
}

// deleteKeys is DEL and UNLINK: https://redis.io/commands/del. What does not exist is left alone.
type deleteKeys struct {
	keyList
}

func parseDelete(args [][]byte, db uint8) (Op, resp.Value) {
	o := new(deleteKeys)
	o.fill(args[1:], 1, db)
	return o, resp.Value{}
}

// Eval implements Op.
func (o *deleteKeys) Eval(_ *object.Input, v *object.View, m *object.Mutation) resp.Value {
	gone := int64(0)
	for i := range v.Keys {
		if v.Keys[i].Exists() {
			m.Delete(i)
			gone++
		}
	}
	return resp.Int(gone)
}

// delEx is DELEX of Redis 8.4: https://redis.io/commands/delex. Compare and delete; without a condition it is DEL of one
// key. A missing key is never deleted, whatever the condition.
type delEx struct {
	oneKey
	when  condition
	match []byte
}

func parseDelEx(args [][]byte, db uint8) (Op, resp.Value) {
	o := &delEx{oneKey: onKey(args[1], db)}
	switch len(args) {
	case 2:
		return o, resp.Value{}
	case 4:
		o.when, o.match = conditionWord(args[2]), args[3]
		if o.when == always {
			return nil, resp.ErrSyntax.Value()
		}
		return o, resp.Value{}
	}
	return nil, resp.WrongArity("delex").Value()
}

// Eval implements Op.
func (o *delEx) Eval(_ *object.Input, v *object.View, m *object.Mutation) resp.Value {
	k := &v.Keys[0]
	if !k.Exists() {
		return resp.Int(0)
	}
	if o.when != always {
		t, found, err := textOf(k)
		if err != "" {
			return err.Value()
		}
		if !o.when.holds(t, found, o.match) {
			return resp.Int(0)
		}
	}
	m.Delete(0)
	return resp.Int(1)
}

// countKeys is EXISTS and TOUCH: https://redis.io/commands/exists. A key named twice counts twice. There are no access
// times for TOUCH to change.
type countKeys struct {
	keyList
}

func parseCount(args [][]byte, db uint8) (Op, resp.Value) {
	o := new(countKeys)
	o.fill(args[1:], 1, db)
	return o, resp.Value{}
}

// Eval implements Op.
func (o *countKeys) Eval(_ *object.Input, v *object.View, _ *object.Mutation) resp.Value {
	there := int64(0)
	for i := range o.named() {
		if v.Keys[o.at(i)].Exists() {
			there++
		}
	}
	return resp.Int(there)
}

func evalType(_ *object.Input, k *object.KeyState, _ *object.Mutation) resp.Value {
	return resp.Simple(k.Type().String())
}
