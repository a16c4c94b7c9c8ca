package resp

import (
	"math"
	"strconv"
)

// ParseInt reads a signed 64-bit decimal integer as Redis does for every
// integer argument and stored counter: the one canonical spelling of each
// number and nothing else, so no spaces, '+', leading zeros or "-0".
func ParseInt(b []byte) (int64, bool) {
	neg := false
	if len(b) > 1 && b[0] == '-' {
		neg, b = true, b[1:]
	}
	if len(b) == 0 || len(b) > 19 {
		return 0, false
	}
	if b[0] == '0' {
		return 0, len(b) == 1 && !neg
	}
	var u uint64 // 19 digits fit
	for _, c := range b {
		c -= '0'
		if c > 9 {
			return 0, false
		}
		u = u*10 + uint64(c)
	}
	if neg {
		return -int64(u), u <= 1<<63
	}
	return int64(u), u <= math.MaxInt64
}

// AppendInt appends n in the spelling that ParseInt reads.
func AppendInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }

// ParseCursor reads the cursor of SCAN, which Redis leaves to C's strtoul:
// empty is 0, a sign is allowed and -1 wraps around, a NUL byte ends it.
func ParseCursor(b []byte) (uint64, bool) {
	for i, c := range b {
		if c == 0 {
			b = b[:i]
			break
		}
	}
	if len(b) == 0 {
		return 0, true
	}
	neg := b[0] == '-'
	if neg || b[0] == '+' {
		b = b[1:]
	}
	if !isDigits(b) {
		return 0, false
	}
	u, err := strconv.ParseUint(string(b), 10, 64)
	if err != nil {
		return 0, false
	}
	if neg {
		u = -u
	}
	return u, true
}

// ParseFloat reads a double as Redis does for scores and timeouts: C's strtod
// over the whole argument without leading space, so hexadecimal, "inf" and
// "infinity" in any case too; NaN and what overflows or underflows are refused.
func ParseFloat(b []byte) (float64, bool) {
	num, ok := scanFloat(b)
	if !ok || num.nan {
		return 0, false
	}
	s := string(b)
	if num.hex && !num.exp {
		s += "p0" // optional in C, required in Go
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || (f == 0 && !num.zero) {
		return 0, false
	}
	return f, true
}

// floatText is the shape of a number that C's strtod takes whole.
type floatText struct {
	neg, hex, inf, nan bool
	exp                bool   // an exponent was given
	zero               bool   // all digits are 0
	digits             []byte // of the mantissa, with its point
	power              []byte // the exponent's sign and digits
}

// scanFloat tells whether strtod would read all of b, and its parts.
func scanFloat(b []byte) (floatText, bool) {
	var t floatText
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		t.neg = b[0] == '-'
		b = b[1:]
	}
	switch {
	case equalFold(b, "inf"), equalFold(b, "infinity"):
		t.inf = true
		return t, true
	case isNaNText(b):
		t.nan = true
		return t, true
	}
	mark := byte('e')
	if len(b) > 2 && b[0] == '0' && b[1]|0x20 == 'x' {
		t.hex, mark, b = true, 'p', b[2:]
	}
	i, digits, point := 0, 0, false
	t.zero = true
	for ; i < len(b); i++ {
		c := b[i]
		if c == '.' && !point {
			point = true
			continue
		}
		if !isDigit(c, t.hex) {
			break
		}
		digits++
		t.zero = t.zero && c == '0'
	}
	t.digits, b = b[:i], b[i:]
	if digits == 0 {
		return t, false
	}
	if len(b) == 0 {
		return t, true
	}
	if b[0]|0x20 != mark {
		return t, false
	}
	t.exp, t.power = true, b[1:]
	power := t.power
	if len(power) > 0 && (power[0] == '-' || power[0] == '+') {
		power = power[1:]
	}
	return t, isDigits(power)
}

func isDigit(c byte, hex bool) bool {
	if c >= '0' && c <= '9' {
		return true
	}
	return hex && c|0x20 >= 'a' && c|0x20 <= 'f'
}

// isNaNText knows nan and nan(letters, digits and underscores).
func isNaNText(b []byte) bool {
	if len(b) < 3 || !equalFold(b[:3], "nan") {
		return false
	}
	b = b[3:]
	if len(b) == 0 {
		return true
	}
	if b[0] != '(' || b[len(b)-1] != ')' {
		return false
	}
	for _, c := range b[1 : len(b)-1] {
		if !isDigit(c, false) && c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}

// equalFold compares b with s, which is in lower case, ignoring ASCII case.
func equalFold(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i := range b {
		if lower(b[i]) != s[i] {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		c |= 0x20
	}
	return c
}
