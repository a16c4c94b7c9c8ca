package resp

import (
	"bytes"
	"errors"
	"fmt"
)

// ErrIncomplete says that the bytes are the beginning of a reply.
var ErrIncomplete = errors.New("resp: incomplete reply")

// ErrMalformed says that the bytes are not a reply; wrapped with what is wrong.
var ErrMalformed = errors.New("resp: malformed reply")

// maxDecodeDepth bounds the nesting that Decode follows, hence its stack.
const maxDecodeDepth = 64

// Decode reads one reply of either protocol version from the front of b and
// tells how many bytes it took. It copies what it keeps. The error is
// ErrIncomplete or wraps ErrMalformed.
//
// Memory follows the bytes that are there, never a length they declare.
// Streamed aggregates ($?), attributes (|) and line breaks inside a simple
// line are malformed here.
func Decode(b []byte) (v Value, n int, err error) {
	d := decoder{buf: b}
	v, err = d.value(0)
	return v, d.pos, err
}

type decoder struct {
	buf []byte
	pos int
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
}

func (d *decoder) value(depth int) (Value, error) {
	if depth > maxDecodeDepth {
		return Value{}, malformed("nested deeper than %d", maxDecodeDepth)
	}
	mark, line, err := d.line()
	if err != nil {
		return Value{}, err
	}
	switch mark {
	case '+':
		return Simple(string(line)), nil
	case '-':
		return Err(Error(line)), nil
	case ':':
		i, ok := ParseInt(line)
		if !ok {
			return Value{}, malformed("integer %q", line)
		}
		return Int(i), nil
	case '$':
		return d.bulk(line, KindBulk)
	case '!':
		return d.bulk(line, KindError)
	case '=':
		return d.bulk(line, KindVerbatim)
	case '*':
		return d.elems(line, KindArray, 1, depth)
	case '%':
		return d.elems(line, KindMap, 2, depth)
	case '~':
		return d.elems(line, KindSet, 1, depth)
	case '>':
		return d.elems(line, KindPush, 1, depth)
	}
	return scalar3(mark, line)
}

// scalar3 reads the one-line kinds that only RESP3 has.
func scalar3(mark byte, line []byte) (Value, error) {
	switch {
	case mark == '_' && len(line) == 0:
		return Nil(), nil
	case mark == '#' && string(line) == "t":
		return Bool(true), nil
	case mark == '#' && string(line) == "f":
		return Bool(false), nil
	case mark == '(' && isDigits(bytes.TrimPrefix(line, []byte("-"))):
		return BigNumber(string(line)), nil
	case mark == ',':
		if f, ok := ParseFloat(line); ok {
			return Double(f), nil
		}
	}
	return Value{}, malformed("%q", append([]byte{mark}, line...))
}

func isDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

// line reads the type byte and the rest of the line that it begins.
func (d *decoder) line() (mark byte, line []byte, err error) {
	rest := d.buf[d.pos:]
	i := bytes.IndexByte(rest, '\r')
	if nl := bytes.IndexByte(rest, '\n'); nl >= 0 && (i < 0 || nl < i) {
		return 0, nil, malformed("line break without carriage return")
	}
	if i < 0 || i+1 == len(rest) {
		return 0, nil, ErrIncomplete
	}
	if i == 0 || rest[i+1] != '\n' {
		return 0, nil, malformed("carriage return out of place")
	}
	d.pos += i + 2
	return rest[0], rest[1:i], nil
}

func (d *decoder) bulk(line []byte, kind Kind) (Value, error) {
	n, ok := ParseInt(line)
	if ok && n == -1 && kind == KindBulk {
		return Nil(), nil
	}
	if !ok || n < 0 {
		return Value{}, malformed("length %q", line)
	}
	rest := d.buf[d.pos:]
	if n > int64(len(rest))-2 {
		return Value{}, ErrIncomplete
	}
	if rest[n] != '\r' || rest[n+1] != '\n' {
		return Value{}, malformed("string of %d bytes goes on", n)
	}
	d.pos += int(n) + 2
	body := rest[:n]
	if kind == KindVerbatim {
		if len(body) < 4 || body[3] != ':' {
			return Value{}, malformed("verbatim string without format")
		}
		body = body[4:]
	}
	return Value{Kind: kind, Str: string(body)}, nil
}

func (d *decoder) elems(line []byte, kind Kind, per int64, depth int) (Value, error) {
	n, ok := ParseInt(line)
	if ok && n == -1 && kind == KindArray {
		return NilArray(), nil
	}
	if !ok || n < 0 || n > 1<<40 {
		return Value{}, malformed("count %q", line)
	}
	v := Value{Kind: kind}
	for range n * per {
		e, err := d.value(depth + 1)
		if err != nil {
			return Value{}, err
		}
		v.Elems = append(v.Elems, e)
	}
	return v, nil
}
