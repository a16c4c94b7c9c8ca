package resp

import (
	"math"
	"math/big"
)

// LongDouble is the number type of INCRBYFLOAT and HINCRBYFLOAT. Redis computes
// these in C's long double, which on x86-64 has a 64-bit mantissa and 15 bits of
// exponent; a LongDouble is rounded to the same 64 bits, to nearest and ties to
// even, so replies are the same digit for digit.
//
// Limits: numbers below 2^-16382 keep all 64 bits here and fewer there, which
// 17 decimals never show. Redis on ARM, whose long double has 113 bits, prints
// other last digits than either.
//
// The zero LongDouble is 0.
type LongDouble struct {
	f big.Float // precision 64 unless zero
}

const (
	longDoublePrec   = 64
	longDoubleMaxExp = 16384  // |x| < 2^16384
	longDoubleTiny   = -16446 // |x| <= 2^-16446 rounds to 0
	// maxFloatText is the length from which Redis refuses the text of a long
	// double; it also bounds the work done here.
	maxFloatText = 5 * 1024
	// Beyond these powers of ten no mantissa of that length comes back into range.
	maxDecimalPower = 4933 + maxFloatText
	minDecimalPower = -4952 - maxFloatText
	maxBinaryPower  = 16446 + 4*maxFloatText
	floatDecimals   = 17
)

// ParseLongDouble reads a number as Redis does for INCRBYFLOAT: C's strtold over
// the whole text. NaN and what overflows or underflows are refused, infinities
// are not: adding one is what fails.
func ParseLongDouble(b []byte) (LongDouble, bool) {
	var x LongDouble
	if len(b) == 0 || len(b) >= maxFloatText {
		return x, false
	}
	t, ok := scanFloat(b)
	if !ok || t.nan {
		return x, false
	}
	x.f.SetPrec(longDoublePrec)
	if t.inf {
		x.f.SetInf(t.neg)
		return x, true
	}
	if !t.zero && !x.setDigits(t) {
		return x, false
	}
	if t.neg {
		x.f.Neg(&x.f)
	}
	return x, true
}

// setDigits gives x the magnitude that t spells, correctly rounded; false when
// it is out of range.
func (x *LongDouble) setDigits(t floatText) bool {
	base, perDigit := 10, 1
	low, high := minDecimalPower, maxDecimalPower
	if t.hex {
		base, perDigit = 16, 4
		low, high = -maxBinaryPower, maxBinaryPower
	}
	digits := make([]byte, 0, len(t.digits))
	power := clampPower(t.power)
	fraction := 0
	for i, c := range t.digits {
		if c == '.' {
			fraction = len(t.digits) - i - 1
			continue
		}
		digits = append(digits, c)
	}
	power -= fraction * perDigit
	if power < low || power > high {
		return false
	}
	var m big.Int
	m.SetString(string(digits), base)
	if t.hex {
		x.f.SetInt(&m)
		x.f.SetMantExp(&x.f, power)
	} else {
		x.scale10(&m, power)
	}
	return x.inRange()
}

// scale10 sets x to m * 10^power with a single rounding.
func (x *LongDouble) scale10(m *big.Int, power int) {
	p := big.NewInt(int64(max(power, -power)))
	p.Exp(big.NewInt(10), p, nil)
	if power >= 0 {
		x.f.SetInt(p.Mul(p, m))
		return
	}
	var num, den big.Float // exact: SetInt takes the precision that it needs
	x.f.Quo(num.SetInt(m), den.SetInt(p))
}

func (x *LongDouble) inRange() bool {
	// MantExp has the mantissa in [0.5, 1).
	exp := x.f.MantExp(nil)
	if exp > longDoubleMaxExp || exp < longDoubleTiny+1 {
		return false
	}
	if exp == longDoubleTiny+1 {
		var tiny big.Float
		return x.f.Cmp(tiny.SetMantExp(big.NewFloat(1), longDoubleTiny)) > 0
	}
	return true
}

// clampPower reads an exponent, kept within what cannot overflow an int.
func clampPower(b []byte) int {
	neg := false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		neg = b[0] == '-'
		b = b[1:]
	}
	n := 0
	for _, c := range b {
		if n < 1<<20 {
			n = n*10 + int(c-'0')
		}
	}
	if neg {
		return -n
	}
	return n
}

// Add is x + y; false when the sum is not a number or infinite, which Redis
// refuses with ErrIncrNaN.
func (x LongDouble) Add(y LongDouble) (LongDouble, bool) {
	var z LongDouble
	if x.f.IsInf() || y.f.IsInf() {
		return z, false
	}
	z.f.SetPrec(longDoublePrec).Add(&x.f, &y.f)
	if z.f.Sign() != 0 && z.f.MantExp(nil) > longDoubleMaxExp {
		return LongDouble{}, false
	}
	return z, true
}

// AppendText appends x as INCRBYFLOAT replies it: 17 decimals (C's %.17Lf)
// without the zeros at the end, and no negative zero.
func (x LongDouble) AppendText(dst []byte) []byte {
	if x.f.IsInf() {
		if x.f.Signbit() {
			return append(dst, "-inf"...)
		}
		return append(dst, "inf"...)
	}
	from := len(dst)
	dst = x.f.Append(dst, 'f', floatDecimals)
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	if dst[len(dst)-1] == '.' {
		dst = dst[:len(dst)-1]
	}
	if string(dst[from:]) == "-0" {
		dst = append(dst[:from], '0')
	}
	return dst
}

// Float64 is x rounded to a double.
func (x LongDouble) Float64() float64 {
	f, _ := x.f.Float64()
	if math.IsInf(f, 0) && !x.f.IsInf() {
		return math.Copysign(math.MaxFloat64, f)
	}
	return f
}
