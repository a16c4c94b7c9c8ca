package resp

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
)

// compactSamples are one value of every kind that travels, and some nested.
func compactSamples() []Value {
	return []Value{
		Nil(), NilArray(), None(), OK(), Pong(), Simple(""), Err("ERR x"), Int(0), Int(math.MinInt64), Int(math.MaxInt64),
		BulkString(""), BulkString("a\r\nb\x00"), BulkString(strings.Repeat("x", 70000)), Bool(true), Bool(false),
		Double(1.5), Double(math.Inf(-1)), BigNumber("123456789012345678901234567890"), Verbatim("text"),
		Array(), Array(Int(1), Nil(), Array(BulkString("x"))), Map(BulkString("k"), Int(1)), Set(Int(1)), Push(BulkString("m")),
	}
}

func TestCompactKeepsEveryKind(t *testing.T) {
	for _, v := range compactSamples() {
		got, err := ParseCompact(AppendCompact(nil, &v))
		if err != nil {
			t.Fatalf("%+v: %v", v, err)
		}
		for proto := 2; proto <= 3; proto++ {
			if want := v.AppendTo(nil, proto); !bytes.Equal(got.AppendTo(nil, proto), want) {
				t.Errorf("RESP%d of %.60q became %.60q", proto, want, got.AppendTo(nil, proto))
			}
		}
	}
}

func TestCompactOfWhatIsNoReply(t *testing.T) {
	for _, v := range []Value{{}, Encoded([]byte("+x\r\n")), {Kind: 99}} {
		got, err := ParseCompact(AppendCompact(nil, &v))
		if err != nil || !got.IsError() {
			t.Errorf("%+v: %+v, %v", v, got, err)
		}
	}
}

func TestCompactRefuses(t *testing.T) {
	deep := bytes.Repeat([]byte{compactArray, 1}, maxDecodeDepth+2)
	for name, b := range map[string][]byte{
		"nothing": {}, "kind 0": {0}, "unknown kind": {200}, "no length": {compactBulk}, "too long": {compactBulk, 5, 'a'},
		"count of what is not there": {compactArray, 200, 1}, "half a map": {compactMap, 1, compactNil},
		"rest": {compactNil, compactNil}, "bool 2": {compactBool, 4}, "short double": {compactDouble, 1, 2}, "deep": append(deep, compactNil),
	} {
		if v, err := ParseCompact(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
}

// FuzzParseCompact wants whatever is read to be written as it was, but for forms that are longer than they must be, and those
// to be read as the same value.
func FuzzParseCompact(f *testing.F) {
	for _, v := range compactSamples() {
		if len(v.Str) < 100 {
			f.Add(AppendCompact(nil, &v))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := ParseCompact(b)
		if err != nil {
			return
		}
		again := AppendCompact(nil, &v)
		if len(again) > len(b) {
			t.Fatalf("%q grew to %q", b, again)
		}
		w, err := ParseCompact(again)
		if err != nil || !bytes.Equal(v.AppendTo(nil, 3), w.AppendTo(nil, 3)) {
			t.Fatalf("%q: %+v became %+v, %v", b, v, w, err)
		}
	})
}

// The rows by which cluster clients route: AT by the key of its inner command, CONSISTENCY not at all.
func TestRowsOfRondo(t *testing.T) {
	for name, want := range map[string][4]int{"at": {-3, 3, 3, 1}, "consistency": {-1, 0, 0, 0}, "keyinfo": {2, 1, 1, 1}} {
		c := Lookup([]byte(name))
		if c == nil || [4]int{c.Arity, c.FirstKey, c.LastKey, c.Step} != want {
			t.Errorf("%s: %+v", name, c)
		}
	}
	if row := Lookup([]byte("at")).Row(); len(row.Elems) != 10 {
		t.Errorf("a row of %d elements", len(row.Elems))
	}
}
