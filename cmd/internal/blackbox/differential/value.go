package differential

import (
	"strconv"
	"strings"
)

func integers() []string {
	return []string{
		"0", "1", "-1", "2", "10", "100", "-100", "9223372036854775807", "-9223372036854775808", "9223372036854775806",
		"-9223372036854775807", "9223372036854775808", "-9223372036854775809", "18446744073709551615", "99999999999999999999",
		"4294967295", "4294967296", "2147483647", "2147483648", "-2147483649",
	}
}

func strangeIntegers() []string {
	return []string{"", " ", "abc", "1.0", "1e3", "+1", "-0", "00", "01", " 1", "1 ", "0x10", "1\x00", "--1", "1_000", "٣", "-", "+"}
}

func floats() []string {
	return []string{
		"0", "1", "-1", "0.1", "0.2", "-0.3", "1.5", "3.0", "10.50", "5.0e3", "1e-7", "1e17", "1e18", "1e21", "123456789.123456789", "0.00000000000000001",
		"1e308", "-1e308", "1.7976931348623157e308", "1e400", "1e4931", "1e4932", "1e5000", "4.9e-324", "1e-5000", "0.1e1", "1e", ".5", "5.", "+.5", "-.5e-2",
		"inf", "-inf", "+inf", "infinity", "INF", "nan", "NaN", "-nan", "0x1p3", "0x1.8", "1e+2", "1E2", " 1.5", "1.5 ", "1,5", "", "abc", "1.5\x00", "--1.5",
		"9007199254740993", "9223372036854775807", "0.3333333333333333333333333", "3.141592653589793238462643383279", "100000000000000000000000",
	}
}

func (g *generator) integer() string {
	switch g.rnd.IntN(10) {
	case 0:
		return pick(g, strangeIntegers())
	case 1, 2, 3:
		return pick(g, integers())
	}
	return strconv.Itoa(g.rnd.IntN(2000) - 1000)
}

func (g *generator) float() string {
	if g.chance(60) {
		return pick(g, floats())
	}
	return strconv.FormatFloat((g.rnd.Float64()-0.5)*1e4, 'g', g.some(17), 64)
}

func (g *generator) value() string {
	switch n := g.rnd.IntN(100); {
	case n < 30:
		return g.integer()
	case n < 40:
		return g.float()
	case n < 45:
		return ""
	case n < 55:
		return strings.Repeat("x", 43+g.rnd.IntN(4)) // where embstr ends
	case n < 65:
		b := make([]byte, g.rnd.IntN(40))
		for i := range b {
			b[i] = byte(g.rnd.Uint32())
		}
		return string(b)
	case n < 68:
		return strings.Repeat("0123456789", g.rnd.IntN(2000))
	case n == 68 && g.chance(20):
		return strings.Repeat("y", 1<<17+g.rnd.IntN(1<<17))
	}
	return pick(g, []string{"hello", "world", "foo", "bar baz", "OK", "QUEUED", "-ERR x", "$-1\r\n", "*3\r\n"})
}

// junk is an argument that has no business where it stands.
func (g *generator) junk() string {
	return pick(g, []string{"", "NX", "XX", "EX", "KEEPTTL", "GET", "abc", "-1", "0", "99999999999999999999", "1.5", "\x00", "LIMIT", "(1", "REPLACE", "*"})
}

func (g *generator) index() string {
	switch g.rnd.IntN(6) {
	case 0:
		return g.integer()
	case 1:
		return strconv.Itoa(g.rnd.IntN(20000) - 10000)
	}
	return strconv.Itoa(g.rnd.IntN(60) - 30)
}

func (g *generator) offset() string {
	if g.chance(10) {
		return pick(g, []string{"-1", "-9223372036854775808", "536870912", "536870911000", "9223372036854775807", "9223372036854775808", "abc", "", "1.0", "100000"})
	}
	return strconv.Itoa(g.rnd.IntN(120))
}

// seconds is a time from now: past, or so far that it does not come during
// the run. No two of an epoch are equal, as GT and LT compare them and no
// two servers execute in the same millisecond.
func (g *generator) seconds(milli bool) string {
	if g.chance(12) {
		return pick(g, []string{
			"0", "-1", "-1000", "abc", "", "1.5", "-9223372036854775808", "9223372036854775807", "9223372036854775", "9223372036854776", "-9223372036854776",
			"9223372036854775808", "-9223372036854775809", "+5000", " 5000",
		})
	}
	for {
		n := 1000 + 20*g.rnd.IntN(1_000_000)
		if g.chance(5) {
			n = pickInt(g, 3_000_000_000, 5_000_000_000, 70_000_000_000, 1_000_000_000_000) + 20*g.rnd.IntN(1000)
		}
		text := strconv.Itoa(n)
		if g.ttls[text] {
			continue
		}
		g.ttls[text] = true
		if milli {
			text += "000"
		}
		return text
	}
}

func pickInt(g *generator, from ...int) int { return pick(g, from) }

// instant is a point of time for the commands that take one.
func (g *generator) instant(milli, pastAllowed bool) string {
	if g.chance(15) {
		return pick(g, []string{
			"0", "-1", "abc", "", "1.5", "-9223372036854775808", "9223372036854775807", "9223372036854775", "9223372036854776", "9223372036854775808", "4102444800.5",
		})
	}
	if pastAllowed && g.chance(15) {
		return pick(g, []string{"1", "1000", "946684800"})
	}
	text := strconv.Itoa(4102444800 + g.rnd.IntN(5)*86400)
	if g.chance(5) {
		text = pick(g, []string{"253402300799", "281474976710", "1000000000000"})
	}
	if milli {
		text += "000"
	}
	return text
}
