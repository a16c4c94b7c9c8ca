package resp

import (
	"fmt"
	"math"
	"unsafe"
)

// Kind says which member of the reply family a Value is. The numbers are not
// stored or sent.
type Kind uint8

const (
	KindUnset     Kind = iota // the zero Value: somebody forgot to reply
	KindNone                  // no reply at all (CLIENT REPLY OFF, a push already sent)
	KindNil                   // $-1, the missing string
	KindNilArray              // *-1, the missing array (EXEC after a touched WATCH)
	KindSimple                // Str
	KindError                 // Str, code first, without '-'
	KindInt                   // Int
	KindBulk                  // Str
	KindArray                 // Elems
	KindMap                   // Elems = k, v, k, v
	KindSet                   // Elems
	KindPush                  // Elems
	KindDouble                // Int = math.Float64bits
	KindBool                  // Int = 0 or 1
	KindBigNumber             // Str = decimal digits
	KindVerbatim              // Str = text, always of format txt
	KindEncoded               // Str = a whole reply in the connection's protocol, written as it is
)

// Value is one reply. It is passed by value: the common kinds need no
// allocation. A Value and all that it refers to are immutable once made.
type Value struct {
	Kind  Kind
	Int   int64
	Str   string
	Elems []Value
}

// OK is the reply +OK.
func OK() Value { return Value{Kind: KindSimple, Str: "OK"} }

// Pong is the reply +PONG.
func Pong() Value { return Value{Kind: KindSimple, Str: "PONG"} }

// Queued is the reply to a command inside MULTI.
func Queued() Value { return Value{Kind: KindSimple, Str: "QUEUED"} }

// None is the absence of a reply: AppendTo writes nothing.
func None() Value { return Value{Kind: KindNone} }

// Nil is the missing string.
func Nil() Value { return Value{Kind: KindNil} }

// NilArray is the missing array.
func NilArray() Value { return Value{Kind: KindNilArray} }

// Int is an integer reply.
func Int(n int64) Value { return Value{Kind: KindInt, Int: n} }

// Bulk is a string reply that shares b's bytes.
//
// REQUIRES: b never changes after the call.
func Bulk(b []byte) Value {
	return Value{Kind: KindBulk, Str: unsafe.String(unsafe.SliceData(b), len(b))}
}

// BulkString is a string reply.
func BulkString(s string) Value { return Value{Kind: KindBulk, Str: s} }

// Simple is a status reply. CR and LF in s are sent as spaces.
func Simple(s string) Value { return Value{Kind: KindSimple, Str: s} }

// Err is an error reply. CR and LF in it are sent as spaces.
func Err(e Error) Value { return Value{Kind: KindError, Str: string(e)} }

// Errf is an error reply made by fmt; format begins with the code ("ERR ...").
func Errf(format string, args ...any) Value {
	return Value{Kind: KindError, Str: fmt.Sprintf(format, args...)}
}

// Array is an array reply that owns elems.
func Array(elems ...Value) Value { return Value{Kind: KindArray, Elems: elems} }

// Set is a set reply that owns elems; an array in RESP2.
func Set(elems ...Value) Value { return Value{Kind: KindSet, Elems: elems} }

// Push is an out-of-band message that owns elems; an array in RESP2.
func Push(elems ...Value) Value { return Value{Kind: KindPush, Elems: elems} }

// Map is a map reply of k, v, k, v, ... in the order given; a flat array in
// RESP2. It owns kvs.
//
// REQUIRES: an even number of elements.
func Map(kvs ...Value) Value {
	if len(kvs)%2 != 0 {
		panic("resp: Map with a key that has no value")
	}
	return Value{Kind: KindMap, Elems: kvs}
}

// Double is a floating-point reply; a string in RESP2.
func Double(f float64) Value {
	return Value{Kind: KindDouble, Int: int64(math.Float64bits(f))}
}

// Bool is a boolean reply; 1 or 0 in RESP2.
func Bool(b bool) Value {
	if b {
		return Value{Kind: KindBool, Int: 1}
	}
	return Value{Kind: KindBool}
}

// BigNumber is an integer beyond 64 bits, given by its decimal digits; a string
// in RESP2.
func BigNumber(digits string) Value { return Value{Kind: KindBigNumber, Str: digits} }

// Verbatim is a text for people (INFO, CLIENT LIST); a plain string in RESP2.
func Verbatim(text string) Value { return Value{Kind: KindVerbatim, Str: text} }

// Encoded is a reply that was encoded before, in the protocol version in which it
// will be sent.
//
// REQUIRES: b is one whole reply and never changes.
func Encoded(b []byte) Value {
	return Value{Kind: KindEncoded, Str: unsafe.String(unsafe.SliceData(b), len(b))}
}

// IsError tells whether v is an error reply.
func (v Value) IsError() bool { return v.Kind == KindError }

// IsNil tells whether v is either of the two nils.
func (v Value) IsNil() bool { return v.Kind == KindNil || v.Kind == KindNilArray }

// Float is the number of a KindDouble.
func (v Value) Float() float64 { return math.Float64frombits(uint64(v.Int)) }
