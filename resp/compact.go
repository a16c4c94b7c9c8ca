package resp

import (
	"encoding/binary"
	"unsafe"
)

// The compact form of a reply, for the way from one node to another:
//
//	value = kind u8 | body
//	body  = nothing                      Nil NilArray None OK
//	      = zigzag varint                Int Bool
//	      = 8 bytes, big-endian          Double
//	      = uvarint length | bytes       Simple Error Bulk BigNumber Verbatim
//	      = uvarint count | values       Array Map Set Push
//
// The kinds' numbers here are of this form alone and never change.
const (
	compactNil = iota + 1
	compactNilArray
	compactNone
	compactOK
	compactInt
	compactBool
	compactDouble
	compactSimple
	compactError
	compactBulk
	compactBigNumber
	compactVerbatim
	compactArray
	compactMap
	compactSet
	compactPush
)

// compactKinds has the Kind of each number.
var compactKinds = [...]Kind{
	compactNil: KindNil, compactNilArray: KindNilArray, compactNone: KindNone, compactOK: KindSimple, compactInt: KindInt,
	compactBool: KindBool, compactDouble: KindDouble, compactSimple: KindSimple, compactError: KindError, compactBulk: KindBulk,
	compactBigNumber: KindBigNumber, compactVerbatim: KindVerbatim, compactArray: KindArray, compactMap: KindMap,
	compactSet: KindSet, compactPush: KindPush,
}

// compactNumber is the number of v's kind, 0 for what cannot travel.
func compactNumber(v *Value) byte {
	switch v.Kind {
	case KindNil:
		return compactNil
	case KindNilArray:
		return compactNilArray
	case KindNone:
		return compactNone
	case KindInt:
		return compactInt
	case KindBool:
		return compactBool
	case KindDouble:
		return compactDouble
	case KindSimple:
		if v.Str == "OK" {
			return compactOK
		}
		return compactSimple
	case KindError:
		return compactError
	case KindBulk:
		return compactBulk
	case KindBigNumber:
		return compactBigNumber
	case KindVerbatim:
		return compactVerbatim
	case KindArray:
		return compactArray
	case KindMap:
		return compactMap
	case KindSet:
		return compactSet
	case KindPush:
		return compactPush
	}
	return 0
}

// AppendCompact appends v in the compact form. What was never a reply, and what
// is encoded for one client already, becomes an error that says so.
func AppendCompact(dst []byte, v *Value) []byte {
	n := compactNumber(v)
	switch n {
	case 0:
		bad := Value{Kind: KindError, Str: unsetText}
		return AppendCompact(dst, &bad)
	case compactNil, compactNilArray, compactNone, compactOK:
		return append(dst, n)
	case compactInt, compactBool:
		return binary.AppendVarint(append(dst, n), v.Int)
	case compactDouble:
		return binary.BigEndian.AppendUint64(append(dst, n), uint64(v.Int))
	case compactArray, compactMap, compactSet, compactPush:
		dst = binary.AppendUvarint(append(dst, n), uint64(len(v.Elems)))
		for i := range v.Elems {
			dst = AppendCompact(dst, &v.Elems[i])
		}
		return dst
	}
	dst = binary.AppendUvarint(append(dst, n), uint64(len(v.Str)))
	return append(dst, v.Str...)
}

// ParseCompact reads a value that fills b. The value shares b's bytes; its size
// in memory follows those that are there, never a count that they declare. The
// error wraps ErrMalformed.
//
// REQUIRES: b never changes after the call.
func ParseCompact(b []byte) (Value, error) {
	d := compactReader{buf: b}
	v, err := d.value(0)
	if err != nil {
		return Value{}, err
	}
	if len(d.buf) > 0 {
		return Value{}, malformed("%d bytes behind the reply", len(d.buf))
	}
	return v, nil
}

type compactReader struct{ buf []byte }

func (d *compactReader) value(depth int) (v Value, err error) {
	if depth > maxDecodeDepth {
		return v, malformed("nested deeper than %d", maxDecodeDepth)
	}
	if len(d.buf) == 0 {
		return v, malformed("a reply is missing")
	}
	n := d.buf[0]
	if n == 0 || int(n) >= len(compactKinds) {
		return v, malformed("kind %d", n)
	}
	d.buf = d.buf[1:]
	v.Kind = compactKinds[n]
	switch n {
	case compactNil, compactNilArray, compactNone:
	case compactOK:
		v.Str = "OK"
	case compactInt, compactBool:
		i, size := binary.Varint(d.buf)
		if size <= 0 || n == compactBool && i != 0 && i != 1 {
			return v, malformed("integer")
		}
		v.Int, d.buf = i, d.buf[size:]
	case compactDouble:
		if len(d.buf) < 8 {
			return v, malformed("double")
		}
		v.Int, d.buf = int64(binary.BigEndian.Uint64(d.buf)), d.buf[8:]
	case compactArray, compactMap, compactSet, compactPush:
		v.Elems, err = d.elems(depth, n == compactMap)
	default:
		v.Str, err = d.text()
	}
	return v, err
}

// length reads a count of what takes at least one byte each.
func (d *compactReader) length() (int, error) {
	n, size := binary.Uvarint(d.buf)
	if size <= 0 || n > uint64(len(d.buf)-size) {
		return 0, malformed("length")
	}
	d.buf = d.buf[size:]
	return int(n), nil
}

func (d *compactReader) text() (string, error) {
	n, err := d.length()
	if err != nil || n == 0 {
		return "", err
	}
	s := unsafe.String(unsafe.SliceData(d.buf), n)
	d.buf = d.buf[n:]
	return s, nil
}

func (d *compactReader) elems(depth int, pairs bool) ([]Value, error) {
	n, err := d.length()
	if err != nil {
		return nil, err
	}
	if pairs && n%2 != 0 {
		return nil, malformed("map with a key that has no value")
	}
	// Grown as values come: what is declared must be there first.
	elems := make([]Value, 0, min(n, 64))
	for range n {
		v, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		elems = append(elems, v)
	}
	return elems, nil
}
