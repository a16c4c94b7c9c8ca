package command

import (
	"strconv"

	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
)

// textOf returns the string that a key shows and whether it shows one; the error is WRONGTYPE for a key of another type.
// It is the one place that decides so.
func textOf(k *object.KeyState) (object.Text, bool, resp.Error) {
	if t, ok := k.Text(); ok {
		return t, true, ""
	}
	if k.Type() != object.TypeNone {
		return object.Text{}, false, resp.ErrWrongType
	}
	return object.Text{}, false, ""
}

// bulk is the reply with a string.
func bulk(t object.Text) resp.Value {
	if t.IsInt {
		return resp.BulkString(strconv.FormatInt(t.Int, 10))
	}
	return resp.Bulk(t.Bytes)
}

// bulkOrNil is the reply with a string that may be missing.
func bulkOrNil(t object.Text, found bool) resp.Value {
	if !found {
		return resp.Nil()
	}
	return bulk(t)
}

// equalText compares a string with bytes.
func equalText(t object.Text, b []byte) bool {
	if !t.IsInt {
		return string(t.Bytes) == string(b)
	}
	n, ok := object.ParseCanonical(b)
	return ok && n == t.Int
}
