package resp

import (
	"math"
	"strconv"
)

// unsetText is what the zero Value is sent as.
const unsetText = "ERR internal error: the command made no reply"

// AppendTo appends v in protocol version proto, 2 or 3, and returns the
// extended slice. It allocates only to grow dst and takes time linear in the
// bytes written.
func (v Value) AppendTo(dst []byte, proto int) []byte { return appendValue(dst, &v, proto) }

func appendValue(dst []byte, v *Value, proto int) []byte {
	switch v.Kind {
	case KindBulk:
		return appendBulk(dst, v.Str)
	case KindInt:
		return appendHeader(dst, ':', v.Int)
	case KindSimple:
		return appendLine(dst, '+', v.Str)
	case KindNil:
		if proto == 3 {
			return append(dst, "_\r\n"...)
		}
		return append(dst, "$-1\r\n"...)
	case KindArray:
		return appendElems(dst, '*', len(v.Elems), v.Elems, proto)
	case KindError:
		return appendLine(dst, '-', v.Str)
	case KindNone:
		return dst
	case KindEncoded:
		return append(dst, v.Str...)
	case KindUnset:
		return appendLine(dst, '-', unsetText)
	}
	if proto == 3 {
		return appendRESP3(dst, v)
	}
	return appendRESP2(dst, v)
}

// appendRESP2 writes the kinds that only RESP3 has with what RESP2 has for them.
func appendRESP2(dst []byte, v *Value) []byte {
	switch v.Kind {
	case KindNilArray:
		return append(dst, "*-1\r\n"...)
	case KindMap, KindSet, KindPush:
		return appendElems(dst, '*', len(v.Elems), v.Elems, 2)
	case KindDouble:
		var buf [32]byte
		return appendBulk(dst, AppendDouble(buf[:0], v.Float()))
	case KindBool:
		return appendHeader(dst, ':', v.Int)
	case KindBigNumber, KindVerbatim:
		return appendBulk(dst, v.Str)
	}
	return appendLine(dst, '-', unsetText)
}

func appendRESP3(dst []byte, v *Value) []byte {
	switch v.Kind {
	case KindNilArray:
		return append(dst, "_\r\n"...)
	case KindMap:
		return appendElems(dst, '%', len(v.Elems)/2, v.Elems, 3)
	case KindSet:
		return appendElems(dst, '~', len(v.Elems), v.Elems, 3)
	case KindPush:
		return appendElems(dst, '>', len(v.Elems), v.Elems, 3)
	case KindDouble:
		dst = AppendDouble(append(dst, ','), v.Float())
		return append(dst, '\r', '\n')
	case KindBool:
		if v.Int != 0 {
			return append(dst, "#t\r\n"...)
		}
		return append(dst, "#f\r\n"...)
	case KindBigNumber:
		return appendLine(dst, '(', v.Str)
	case KindVerbatim:
		dst = appendHeader(dst, '=', int64(len(v.Str))+4)
		dst = append(dst, "txt:"...)
		dst = append(dst, v.Str...)
		return append(dst, '\r', '\n')
	}
	return appendLine(dst, '-', unsetText)
}

func appendElems(dst []byte, mark byte, n int, elems []Value, proto int) []byte {
	dst = appendHeader(dst, mark, int64(n))
	for i := range elems {
		dst = appendValue(dst, &elems[i], proto)
	}
	return dst
}

func appendHeader(dst []byte, mark byte, n int64) []byte {
	dst = strconv.AppendInt(append(dst, mark), n, 10)
	return append(dst, '\r', '\n')
}

func appendBulk[S string | []byte](dst []byte, s S) []byte {
	dst = appendHeader(dst, '$', int64(len(s)))
	dst = append(dst, s...)
	return append(dst, '\r', '\n')
}

// appendLine writes a reply that ends at the first CR LF, so that bytes of a
// client that were quoted in an error cannot forge another reply.
func appendLine(dst []byte, mark byte, s string) []byte {
	dst = append(dst, mark)
	from := len(dst)
	dst = append(dst, s...)
	for i := from; i < len(dst); i++ {
		if dst[i] == '\r' || dst[i] == '\n' {
			dst[i] = ' '
		}
	}
	return append(dst, '\r', '\n')
}

// AppendDouble appends f as Redis 7.0 writes a double in a reply: C's %.17g,
// and inf, -inf, nan.
func AppendDouble(dst []byte, f float64) []byte {
	switch {
	case math.IsInf(f, 1):
		return append(dst, "inf"...)
	case math.IsInf(f, -1):
		return append(dst, "-inf"...)
	case math.IsNaN(f):
		return append(dst, "nan"...)
	}
	return strconv.AppendFloat(dst, f, 'g', 17, 64)
}
