package resp

import (
	"math"
	"strings"
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

func TestAppendTo(t *testing.T) {
	cases := []struct {
		v            Value
		resp2, resp3 string
	}{
		{OK(), "+OK\r\n", ""},
		{Pong(), "+PONG\r\n", ""},
		{Queued(), "+QUEUED\r\n", ""},
		{None(), "", ""},
		{Value{}, "-ERR internal error: the command made no reply\r\n", ""},
		{Value{Kind: 250}, "-ERR internal error: the command made no reply\r\n", ""},
		{Nil(), "$-1\r\n", "_\r\n"},
		{NilArray(), "*-1\r\n", "_\r\n"},
		{Int(math.MinInt64), ":-9223372036854775808\r\n", ""},
		{Bulk(nil), "$0\r\n\r\n", ""},
		{Bulk([]byte("a\r\nb")), "$4\r\na\r\nb\r\n", ""},
		{BulkString("x"), "$1\r\nx\r\n", ""},
		{Simple("a\r\n+OK"), "+a  +OK\r\n", ""},
		{Err("ERR a\nb"), "-ERR a b\r\n", ""},
		{Errf("ERR %d", 5), "-ERR 5\r\n", ""},
		{Array(), "*0\r\n", ""},
		{Array(Int(1), Array(Nil())), "*2\r\n:1\r\n*1\r\n$-1\r\n", "*2\r\n:1\r\n*1\r\n_\r\n"},
		{Map(BulkString("k"), Int(2)), "*2\r\n$1\r\nk\r\n:2\r\n", "%1\r\n$1\r\nk\r\n:2\r\n"},
		{Set(Int(1)), "*1\r\n:1\r\n", "~1\r\n:1\r\n"},
		{Push(Int(1)), "*1\r\n:1\r\n", ">1\r\n:1\r\n"},
		{Bool(true), ":1\r\n", "#t\r\n"},
		{Bool(false), ":0\r\n", "#f\r\n"},
		{BigNumber("123"), "$3\r\n123\r\n", "(123\r\n"},
		{Verbatim("hi"), "$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n"},
		{Double(3), "$1\r\n3\r\n", ",3\r\n"},
		{Double(0.1), "$19\r\n0.10000000000000001\r\n", ",0.10000000000000001\r\n"},
		{Double(math.Inf(1)), "$3\r\ninf\r\n", ",inf\r\n"},
		{Double(math.Inf(-1)), "$4\r\n-inf\r\n", ",-inf\r\n"},
		{Double(math.NaN()), "$3\r\nnan\r\n", ",nan\r\n"},
	}
	for _, c := range cases {
		if c.resp3 == "" {
			c.resp3 = c.resp2
		}
		for proto, want := range map[int]string{2: c.resp2, 3: c.resp3} {
			if got := string(c.v.AppendTo([]byte("x"), proto)); got != "x"+want {
				t.Errorf("%+v in RESP%d: %q, want %q", c.v, proto, got, want)
			}
		}
	}
}

func TestValueCosts(t *testing.T) {
	if n := unsafe.Sizeof(Value{}); n != 56 {
		t.Errorf("a Value has %d bytes", n)
	}
	body := make([]byte, 100)
	dst := make([]byte, 0, 4096)
	nested := Array(Bulk(body), Map(Double(1.5), Bool(true)), Nil(), Verbatim("x"), Err(ErrSyntax))
	for proto := 2; proto <= 3; proto++ {
		n := testing.AllocsPerRun(100, func() {
			dst = Bulk(body).AppendTo(dst[:0], proto)
			dst = nested.AppendTo(dst, proto)
		})
		if n != 0 {
			t.Errorf("RESP%d: %v allocations", proto, n)
		}
	}
}

func TestMapWantsPairs(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a map of one key was made")
		}
	}()
	//lint:ignore SA5012 an odd number is what is tested
	Map(Int(1))
}

// TestDoublesEqualRedis compares doubles with those that the real server
// prints as scores.
func TestDoublesEqualRedis(t *testing.T) {
	r := startRedis(t, "--zset-max-listpack-entries", "0") // which makes -0 an integer
	r.do("HELLO", "3")
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.OneOf(
			rapid.Float64(),
			rapid.Map(rapid.IntRange(-1e9, 1e9), func(n int) float64 { return float64(n) / 1000 }),
			rapid.Map(rapid.Uint64(), math.Float64frombits),
		).Filter(func(f float64) bool { return !math.IsNaN(f) }).Draw(t, "f")
		text := string(AppendDouble(nil, f))
		if got := r.pipe([][]string{{"DEL", "z"}, {"ZADD", "z", text, "m"}, {"ZSCORE", "z", "m"}})[2]; wire(got) != wire(Double(f)) {
			t.Fatalf("%v: redis %q, here %q", f, wire(got), wire(Double(f)))
		}
	})
}

// anyValue draws values that RESP3 can tell apart.
func anyValue(depth int) *rapid.Generator[Value] {
	text := rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })
	line := rapid.Map(text, func(s string) string { return strings.NewReplacer("\r", "", "\n", "").Replace(s) })
	kinds := []*rapid.Generator[Value]{
		rapid.Just(Nil()),
		rapid.Map(line, Simple),
		rapid.Map(line, func(s string) Value { return Err(Error(s)) }),
		rapid.Map(rapid.Int64(), Int),
		rapid.Map(text, BulkString),
		rapid.Map(rapid.Float64(), Double),
		rapid.Map(rapid.Bool(), Bool),
		rapid.Just(BigNumber("-123456789012345678901234567890")),
		rapid.Map(text, Verbatim),
	}
	if depth > 0 {
		elems := rapid.SliceOfN(anyValue(depth-1), 0, 4)
		kinds = append(kinds,
			rapid.Map(elems, func(e []Value) Value { return Array(e...) }),
			rapid.Map(elems, func(e []Value) Value { return Set(e...) }),
			rapid.Map(elems, func(e []Value) Value { return Push(e...) }),
			rapid.Map(elems, func(e []Value) Value { return Map(append(e, e...)...) }),
		)
	}
	return rapid.OneOf(kinds...)
}

// inRESP2 is what is left of v in RESP2, an independent telling of the table in
// the package comment.
func inRESP2(v Value) Value {
	switch v.Kind {
	case KindMap, KindSet, KindPush, KindArray:
		out := Value{Kind: KindArray}
		for _, e := range v.Elems {
			out.Elems = append(out.Elems, inRESP2(e))
		}
		return out
	case KindDouble:
		return BulkString(string(AppendDouble(nil, v.Float())))
	case KindBool:
		return Int(v.Int)
	case KindBigNumber, KindVerbatim:
		return BulkString(v.Str)
	}
	return v
}

func equalValues(a, b Value) bool {
	if a.Kind != b.Kind || a.Int != b.Int || a.Str != b.Str || len(a.Elems) != len(b.Elems) {
		return false
	}
	for i := range a.Elems {
		if !equalValues(a.Elems[i], b.Elems[i]) {
			return false
		}
	}
	return true
}

func TestDecodeIsTheInverseOfAppendTo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := anyValue(3).Draw(t, "v")
		for proto, want := range map[int]Value{2: inRESP2(v), 3: v} {
			b := v.AppendTo(nil, proto)
			got, n, err := Decode(append(b, "rest"...))
			if err != nil || n != len(b) || !equalValues(got, want) {
				t.Fatalf("RESP%d %q: %+v, %d, %v", proto, b, got, n, err)
			}
			cut := rapid.IntRange(0, len(b)-1).Draw(t, "cut")
			if _, _, err := Decode(b[:cut]); err != ErrIncomplete {
				t.Fatalf("RESP%d %q: %v", proto, b[:cut], err)
			}
		}
	})
}

func TestDecodeRefuses(t *testing.T) {
	for _, s := range []string{
		"\r\n", "+a\n", "+a\rb\r\n", ":1x\r\n", ":01\r\n", "$-2\r\n", "$x\r\n", "$1\r\nabc", "$1\r\nab\r\n", "$1\r\naX\n",
		"*-2\r\n", "*9999999999999\r\n", "=3\r\nabc\r\n", "=4\r\nabcd\r\n", "#x\r\n", ",x\r\n", "(1a\r\n", "(\r\n",
		"_x\r\n", "%-1\r\n", "|1\r\n+a\r\n+b\r\n", "hello\r\n", "\x00\r\n",
		strings.Repeat("*1\r\n", maxDecodeDepth+2),
	} {
		if v, _, err := Decode([]byte(s)); err == nil || err == ErrIncomplete {
			t.Errorf("%q: %+v, %v", s, v, err)
		}
	}
	// A declared length alone costs nothing.
	huge := []byte("*1000000000\r\n%1000000000\r\n$512000000\r\n")
	if n := testing.AllocsPerRun(10, func() { _, _, _ = Decode(huge) }); n > 2 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzDecode wants whatever Decode accepts to be written again and read as the
// same bytes, in both protocols.
func FuzzDecode(f *testing.F) {
	for _, v := range []Value{OK(), Nil(), NilArray(), Err(ErrSyntax), Map(Int(1), Set(Double(1.5), Bool(true))),
		Verbatim("text"), BigNumber("-5"), Push(BulkString("a\r\nb")), Double(math.Inf(-1))} {
		f.Add(v.AppendTo(nil, 2))
		f.Add(v.AppendTo(nil, 3))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, n, err := Decode(b)
		if err != nil {
			return
		}
		if n > len(b) {
			t.Fatalf("%d of %d bytes", n, len(b))
		}
		for proto := 2; proto <= 3; proto++ {
			once := v.AppendTo(nil, proto)
			again, n, err := Decode(once)
			if err != nil || n != len(once) {
				t.Fatalf("%q: %d of %d, %v", once, n, len(once), err)
			}
			if twice := again.AppendTo(nil, proto); string(twice) != string(once) {
				t.Fatalf("%q became %q", once, twice)
			}
		}
	})
}

func BenchmarkAppendToBulk100(b *testing.B) {
	body := make([]byte, 100)
	dst := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		dst = Bulk(body).AppendTo(dst[:0], 2)
	}
}

func BenchmarkAppendToArray16(b *testing.B) {
	elems := make([]Value, 16)
	for i := range elems {
		elems[i] = Bulk(make([]byte, 100))
	}
	dst := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		dst = Array(elems...).AppendTo(dst[:0], 3)
	}
}
