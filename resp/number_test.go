package resp

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseInt(t *testing.T) {
	cases := map[string]int64{
		"0": 0, "1": 1, "-1": -1, "10": 10, "9223372036854775807": math.MaxInt64,
		"-9223372036854775808": math.MinInt64,
	}
	for s, want := range cases {
		if n, ok := ParseInt([]byte(s)); !ok || n != want {
			t.Errorf("%q: %d, %v", s, n, ok)
		}
	}
	for _, s := range []string{"", "-", "+1", "-0", "00", "01", "-01", " 1", "1 ", "1.0", "1e3", "0x1", "a",
		"9223372036854775808", "-9223372036854775809", "18446744073709551616", "99999999999999999999", "1\x00"} {
		if n, ok := ParseInt([]byte(s)); ok {
			t.Errorf("%q was read as %d", s, n)
		}
	}
}

// TestParseIntAgainstTwin: a text is an integer iff printing what strconv makes
// of it gives it back.
func TestParseIntAgainstTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(
			rapid.StringMatching(`[-+]?[0-9]{0,21}`),
			rapid.StringMatching(`-?9223372036854775[0-9]{3}`),
			rapid.Map(rapid.Int64(), func(n int64) string { return strconv.FormatInt(n, 10) }),
			rapid.String(),
		).Draw(t, "s")
		want, err := strconv.ParseInt(s, 10, 64)
		wantOK := err == nil && strconv.FormatInt(want, 10) == s
		got, ok := ParseInt([]byte(s))
		if ok != wantOK || ok && got != want {
			t.Fatalf("%q: %d, %v; want %d, %v", s, got, ok, want, wantOK)
		}
	})
}

func FuzzParseInt(f *testing.F) {
	f.Add([]byte("-12"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if n, ok := ParseInt(b); ok && string(AppendInt(nil, n)) != string(b) {
			t.Fatalf("%q was read as %d", b, n)
		}
	})
}

func TestParseCursor(t *testing.T) {
	cases := map[string]uint64{"0": 0, "": 0, "+7": 7, "007": 7, "18446744073709551615": math.MaxUint64,
		"-1": math.MaxUint64, "5\x00junk": 5}
	for s, want := range cases {
		if n, ok := ParseCursor([]byte(s)); !ok || n != want {
			t.Errorf("%q: %d, %v", s, n, ok)
		}
	}
	r := startRedis(t)
	for _, s := range []string{"0", "", "+0", "-0", "00", " 0", "0 ", "x", "0x", "-", "+", "+-1", "--1", "0\x00z", "\x00",
		"18446744073709551616", "-18446744073709551615", "-18446744073709551616"} {
		_, ok := ParseCursor([]byte(s))
		if refused := r.do("SCAN", s).IsError(); ok == refused {
			t.Errorf("SCAN %q: redis refuses it: %v", s, refused)
		}
	}
}

// oddFloats are texts at the edges of what C reads as a number.
var oddFloats = []string{"", " 1", "1 ", "+1", "-0", "0", ".5", "5.", ".", "-.", "1e", "1e+", "1e5", "1E-5", "1e+05",
	"0x10", "0X1p-2", "0x", "0x.8", "0x.", "0x1p", "-0x1.8", "0x1_0", "1_000", "inf", "-INF", "+Infinity", "infinit",
	"nan", "-nan", "nan(12)", "nan(", "1e400", "1e-400", "-1e400", "1e308", "1e309", "5e-324", "2e-324", "1.5.2",
	"0e999999999999999999999", "0x0p99999999999", "1e5000", "1e-5000", "1e4932", "1.2e4932", "1e-4951", "1e-4950",
	"1e99999999999999999999", "1e-99999999999999999999", "1\x00", "3\x002", "1,5", "1f", "١",
	"123456789012345678901234567890", "0.1000000000000000055511151231257827", "1e18", "1e19", "-1e17"}

func TestParseFloatEqualsRedis(t *testing.T) {
	r := startRedis(t, "--zset-max-listpack-entries", "0")
	for _, s := range oddFloats {
		f, ok := ParseFloat([]byte(s))
		got := r.pipe([][]string{{"DEL", "z"}, {"ZADD", "z", s, "m"}, {"ZSCORE", "z", "m"}})
		if ok == got[1].IsError() {
			t.Errorf("%q: %v, %v; redis %q", s, f, ok, wire(got[1]))
		} else if ok && got[2].Str != string(AppendDouble(nil, f)) {
			t.Errorf("%q: %v; redis %q", s, f, got[2].Str)
		}
	}
}

// incrByFloat is the command made of this package's parts.
func incrByFloat(old, by string) Value {
	x, ok1 := ParseLongDouble([]byte(old))
	y, ok2 := ParseLongDouble([]byte(by))
	if !ok1 || !ok2 {
		return ErrNotFloat.Value()
	}
	z, ok := x.Add(y)
	if !ok {
		return ErrIncrNaN.Value()
	}
	return BulkString(string(z.AppendText(nil)))
}

// drawFloat is the text of a number: ordinary ones mostly.
func drawFloat(rng *rand.Rand) string {
	sign := []string{"", "-", ""}[rng.IntN(3)]
	switch rng.IntN(8) {
	case 0:
		return sign + strconv.Itoa(rng.IntN(1000))
	case 1, 2:
		return sign + fmt.Sprintf("%d.%0*d", rng.IntN(10000), 1+rng.IntN(6), rng.IntN(10))
	case 3:
		return strconv.FormatFloat(math.Ldexp(rng.Float64()-0.5, rng.IntN(100)-40), 'g', -1, 64)
	case 4:
		return sign + fmt.Sprintf("%d.%de%d", rng.IntN(10), rng.Uint64(), rng.IntN(60)-30)
	case 5:
		return sign + strconv.FormatUint(rng.Uint64(), 10) + strconv.FormatUint(rng.Uint64(), 10)
	case 6:
		return sign + fmt.Sprintf("%d.%de%d", rng.IntN(10), rng.Uint64(), rng.IntN(9900)-4950)
	}
	return sign + fmt.Sprintf("0x%x.%xp%d", rng.Uint32(), rng.Uint32(), rng.IntN(200)-100)
}

// TestIncrByFloatEqualsRedis compares replies digit for digit with those of the
// real server, whose long double is the hardware's.
func TestIncrByFloatEqualsRedis(t *testing.T) {
	r := startRedis(t)
	rng := rand.New(rand.NewPCG(3, 4))
	pairs := [][2]string{}
	for _, a := range oddFloats {
		for _, b := range oddFloats {
			pairs = append(pairs, [2]string{a, b})
		}
	}
	for range 8000 {
		pairs = append(pairs, [2]string{drawFloat(rng), drawFloat(rng)})
	}
	for _, digits := range []int{5118, 5119, 5120, 5121} {
		pairs = append(pairs, [2]string{strings.Repeat("0", digits), "1"}, [2]string{"1", strings.Repeat("1", digits)},
			[2]string{"1." + strings.Repeat("7", digits-2), "0"})
	}
	var cmds [][]string
	for _, p := range pairs {
		cmds = append(cmds, []string{"SET", "k", p[0]}, []string{"INCRBYFLOAT", "k", p[1]})
	}
	replies := r.pipe(cmds)
	bad := 0
	for i, p := range pairs {
		want, got := replies[2*i+1], incrByFloat(p[0], p[1])
		if wire(got) != wire(want) {
			t.Errorf("%.60q + %.60q: %.80q, redis %.80q", p[0], p[1], wire(got), wire(want))
			if bad++; bad > 20 {
				t.FailNow()
			}
		}
	}
}

func TestLongDoubleZeroAndFloat64(t *testing.T) {
	var zero LongDouble
	if s := string(zero.AppendText([]byte("x"))); s != "x0" {
		t.Errorf("zero is written %q", s)
	}
	one, _ := ParseLongDouble([]byte("1.5"))
	sum, ok := zero.Add(one)
	if !ok || sum.Float64() != 1.5 {
		t.Errorf("0 + 1.5 = %v, %v", sum.Float64(), ok)
	}
	huge, _ := ParseLongDouble([]byte("-1e4000"))
	if f := huge.Float64(); f != -math.MaxFloat64 {
		t.Errorf("-1e4000 as a double: %v", f)
	}
}

func FuzzParseLongDouble(f *testing.F) {
	for _, s := range oddFloats {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		x, ok := ParseLongDouble(b)
		if !ok {
			return
		}
		text := x.AppendText(nil)
		y, ok := ParseLongDouble(text)
		if !ok && len(text) < maxFloatText {
			t.Fatalf("%q is written %q, which is refused", b, text)
		}
		if ok && string(y.AppendText(nil)) != string(text) {
			t.Fatalf("%q: %q became %q", b, text, y.AppendText(nil))
		}
	})
}

func BenchmarkIncrByFloat(b *testing.B) {
	x, y := []byte("1234.5678"), []byte("0.1")
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		v, _ := ParseLongDouble(x)
		w, _ := ParseLongDouble(y)
		z, _ := v.Add(w)
		dst = z.AppendText(dst[:0])
	}
}
