package command

import (
	"bytes"
	"math"

	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
)

func moveParsers(l Limits) map[string]Parser {
	return map[string]Parser{
		"rename":   func(args [][]byte, db uint8) (Op, resp.Value) { return newRename(args, db, false) },
		"renamenx": func(args [][]byte, db uint8) (Op, resp.Value) { return newRename(args, db, true) },
		"copy":     func(args [][]byte, db uint8) (Op, resp.Value) { return parseCopy(args, db, l.OneDatabase) },
	}
}

// twoKeys is the read set of an operation from key 0 to key 1, which are one when both are the same.
type twoKeys struct {
	keys [2]object.KeyRef
	same bool
}

// Reads implements Op.
func (o *twoKeys) Reads() object.ReadSet {
	if o.same {
		return object.ReadSet{Keys: o.keys[:1]}
	}
	return object.ReadSet{Keys: o.keys[:]}
}

// rename is RENAME and RENAMENX: https://redis.io/commands/rename. The target becomes what the source shows, expiry and
// all, as a write of now: a counter arrives as its sum. Renaming a key to itself writes nothing.
type rename struct {
	twoKeys
	ifNoTarget bool
}

func newRename(args [][]byte, db uint8, ifNoTarget bool) (Op, resp.Value) {
	o := &rename{ifNoTarget: ifNoTarget}
	o.keys = [2]object.KeyRef{{DB: db, Name: args[1]}, {DB: db, Name: args[2]}}
	o.same = bytes.Equal(args[1], args[2])
	return o, resp.Value{}
}

// Eval implements Op.
func (o *rename) Eval(_ *object.Input, v *object.View, m *object.Mutation) resp.Value {
	from := &v.Keys[0]
	if !from.Exists() {
		return resp.ErrNoSuchKey.Value()
	}
	if o.ifNoTarget && (o.same || v.Keys[1].Exists()) {
		return resp.Int(0)
	}
	if !o.same {
		copyValue(m, 1, from)
		m.Delete(0)
	}
	if o.ifNoTarget {
		return resp.Int(1)
	}
	return resp.OK()
}

// copyValue makes key to what from shows. REQUIRES: from exists.
func copyValue(m *object.Mutation, to int, from *object.KeyState) {
	t, _ := from.Text()
	m.Set(to, t.Slice(), from.ExpireAt())
}

// copyKey: https://redis.io/commands/copy
type copyKey struct {
	twoKeys
	replace bool
}

func parseCopy(args [][]byte, db uint8, oneDatabase bool) (Op, resp.Value) {
	o := new(copyKey)
	into := int64(db)
	for i := 3; i < len(args); i++ {
		switch {
		case isWord(args[i], "replace"):
			o.replace = true
		case isWord(args[i], "db") && i+1 < len(args):
			i++
			var err resp.Error
			if into, err = parseDatabase(args[i]); err != "" {
				return nil, err.Value()
			}
		default:
			return nil, resp.ErrSyntax.Value()
		}
	}
	if oneDatabase && (db != 0 || into != 0) {
		return nil, resp.ErrCopyDBCluster.Value()
	}
	if into == int64(db) && bytes.Equal(args[1], args[2]) {
		return nil, resp.ErrSameObject.Value()
	}
	o.keys = [2]object.KeyRef{{DB: db, Name: args[1]}, {DB: uint8(into), Name: args[2]}}
	return o, resp.Value{}
}

func parseDatabase(arg []byte) (int64, resp.Error) {
	n, ok := resp.ParseInt(arg)
	switch {
	case !ok:
		return 0, resp.ErrNotInteger
	case n < math.MinInt32 || n > math.MaxInt32:
		return 0, resp.NotInRange(math.MinInt32, math.MaxInt32)
	case n < 0 || n >= object.DBCount:
		return 0, resp.ErrDBIndex
	}
	return n, ""
}

// Eval implements Op.
func (o *copyKey) Eval(_ *object.Input, v *object.View, m *object.Mutation) resp.Value {
	if !v.Keys[0].Exists() || (v.Keys[1].Exists() && !o.replace) {
		return resp.Int(0)
	}
	copyValue(m, 1, &v.Keys[0])
	return resp.Int(1)
}
