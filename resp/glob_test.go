package resp

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMatch(t *testing.T) {
	cases := []struct {
		pattern, s string
		nocase     bool
		want       bool
	}{
		{"", "", false, true},
		{"", "a", false, false},
		{"*", "", false, false}, // KEYS and SCAN do not ask
		{"*", "a", false, true},
		{"**", "abc", false, true},
		{"a*c", "abbbc", false, true},
		{"a*c", "abbb", false, false},
		{"a*", "a", false, true},
		{"a?c", "abc", false, true},
		{"?", "", false, false},
		{"h[ae]llo", "hello", false, true},
		{"h[^e]llo", "hello", false, false},
		{"h[a-c]llo", "hbllo", false, true},
		{"h[c-a]llo", "hbllo", false, true},
		{"[a-]", "a", false, true},
		{"[a-]", "]", false, true}, // a range from ']' to 'a', turned round
		{"[]", "]", false, false},
		{"[^]", "x", false, true},
		{"[abc", "c", false, true},
		{"[", "[", false, false},
		{"[^", "x", false, true},
		{`[\]]`, "]", false, true},
		{`[a\-z]`, "-", false, true},
		{`[a\-z]`, "m", false, false},
		{`[\`, `\`, false, true},
		{`\*`, "*", false, true},
		{`\*`, "a", false, false},
		{`a\`, `a\`, false, true},
		{"HELLO", "hello", true, true},
		{"[A-C]x", "bX", true, true},
		{`[\B]`, "b", true, false}, // an escape in a class minds case
		{"[a-\xff]", "b", false, false},
		{"[\x80-\xff]", "\x90", false, true},
		{"\xe8", "\xc8", true, false}, // case is ASCII's only
		{"*a*b*c*", "xxaxxbxxcxx", false, true},
		{"*ab", "aab", false, true},
		{"a*b?d", "abcbcd", false, true},
	}
	for _, c := range cases {
		if got := Match([]byte(c.pattern), []byte(c.s), c.nocase); got != c.want {
			t.Errorf("Match(%q, %q, %v) = %v", c.pattern, c.s, c.nocase, got)
		}
	}
}

// matchTwin decides by trying every way to spread the bytes over the stars. It
// turns the pattern into one set of bytes an element first.
func matchTwin(pattern, s []byte, nocase bool) bool {
	if len(s) == 0 {
		return len(pattern) == 0
	}
	return twinSpread(twinElements(pattern, nocase), s)
}

type twinElement struct {
	star bool
	set  [256]bool
}

func twinSpread(es []twinElement, s []byte) bool {
	switch {
	case len(es) == 0:
		return len(s) == 0
	case es[0].star:
		for skip := range len(s) + 1 {
			if twinSpread(es[1:], s[skip:]) {
				return true
			}
		}
		return false
	}
	return len(s) > 0 && es[0].set[s[0]] && twinSpread(es[1:], s[1:])
}

func twinElements(p []byte, nocase bool) (es []twinElement) {
	low := func(c byte) byte {
		if nocase && c < 0x80 {
			return bytes.ToLower([]byte{c})[0]
		}
		return c
	}
	for len(p) > 0 {
		var e twinElement
		used := 1
		switch {
		case p[0] == '*':
			e.star = true
		case p[0] == '?':
			for i := range e.set {
				e.set[i] = true
			}
		case p[0] == '[':
			used = 1 + twinClass(&e.set, p[1:], low)
		default:
			want := p[0]
			if want == '\\' && len(p) > 1 {
				want, used = p[1], 2
			}
			for i := range e.set {
				e.set[i] = low(byte(i)) == low(want)
			}
		}
		es, p = append(es, e), p[used:]
	}
	return es
}

// twinClass fills set from the inside of a class and tells its length.
func twinClass(set *[256]bool, p []byte, low func(byte) byte) (used int) {
	whole := len(p)
	not := len(p) > 0 && p[0] == '^'
	if not {
		p = p[1:]
	}
	for len(p) > 0 && p[0] != ']' {
		for i := range set {
			c := byte(i)
			switch {
			case p[0] == '\\' && len(p) > 1:
				set[i] = set[i] || c == p[1]
			case len(p) > 2 && p[1] == '-':
				a, b := min(int8(p[0]), int8(p[2])), max(int8(p[0]), int8(p[2]))
				x := int8(low(c))
				set[i] = set[i] || x >= int8(low(byte(a))) && x <= int8(low(byte(b)))
			default:
				set[i] = set[i] || low(c) == low(p[0])
			}
		}
		switch {
		case p[0] == '\\' && len(p) > 1:
			p = p[2:]
		case len(p) > 2 && p[1] == '-':
			p = p[3:]
		default:
			p = p[1:]
		}
	}
	if len(p) > 0 {
		p = p[1:] // the bracket
	}
	for i := range set {
		set[i] = set[i] != not
	}
	return whole - len(p)
}

const globBytes = "aabbcAB[[]]^--\\**??z\x80\xff"

func drawBytes(rng *rand.Rand, from string, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = from[rng.IntN(len(from))]
	}
	return b
}

func TestMatchAgainstTwin(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	matched := 0
	for range 60000 {
		p := drawBytes(rng, globBytes, rng.IntN(9))
		s := drawBytes(rng, "aabbcABz[]^-\\*\x80\xff", rng.IntN(7))
		nocase := rng.IntN(2) == 0
		want := matchTwin(p, s, nocase)
		if got := Match(p, s, nocase); got != want {
			t.Fatalf("Match(%q, %q, %v) = %v", p, s, nocase, got)
		}
		if want {
			matched++
		}
	}
	if matched < 2000 {
		t.Errorf("only %d matches", matched)
	}
}

// TestMatchEqualsRedis asks the real server for KEYS of random patterns, and
// for CONFIG GET, which ignores case.
func TestMatchEqualsRedis(t *testing.T) {
	r := startRedis(t)
	rng := rand.New(rand.NewPCG(7, 8))
	keys := []string{""}
	for range 400 {
		keys = append(keys, string(drawBytes(rng, "aabbcABz[]^-\\*\x80\xff", 1+rng.IntN(5))))
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	var load, ask [][]string
	for _, k := range keys {
		load = append(load, []string{"SET", k, ""})
	}
	r.pipe(load)
	for range 4000 {
		p := string(drawBytes(rng, globBytes, rng.IntN(8)))
		if p != "*" { // not a question of matching there
			ask = append(ask, []string{"KEYS", p})
		}
	}
	for i, reply := range r.pipe(ask) {
		var got, want []string
		for _, e := range reply.Elems {
			got = append(got, e.Str)
		}
		for _, k := range keys {
			if Match([]byte(ask[i][1]), []byte(k), false) {
				want = append(want, k)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("KEYS %q: redis %q, here %q", ask[i][1], got, want)
		}
	}
	matchConfigNames(t, r, rng)
}

func matchConfigNames(t *testing.T, r *realRedis, rng *rand.Rand) {
	var names []string
	for i, e := range r.do("CONFIG", "GET", "*").Elems {
		if i%2 == 0 {
			names = append(names, e.Str)
		}
	}
	for range 1500 {
		p := []byte("*" + string(drawBytes(rng, "aeRT-[]^\\*?", 1+rng.IntN(4))) + "*")
		var got, want []string
		for i, e := range r.do("CONFIG", "GET", string(p)).Elems {
			if i%2 == 0 {
				got = append(got, e.Str)
			}
		}
		for _, n := range names {
			if Match(p, []byte(n), true) {
				want = append(want, n)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("CONFIG GET %q: redis %q, here %q", p, got, want)
		}
	}
}

// TestMatchIsNotExponential runs a pattern that takes a recursive matcher
// longer than anybody waits.
func TestMatchIsNotExponential(t *testing.T) {
	p := []byte(strings.Repeat("a*", 200) + "b")
	s := bytes.Repeat([]byte("a"), 20000)
	start := time.Now()
	if Match(p, s, false) {
		t.Error("matched")
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
}

func FuzzMatch(f *testing.F) {
	f.Add([]byte("h[^e]l*o"), []byte("hallo"), false)
	f.Add([]byte(`[a-\`), []byte(`\`), true)
	f.Fuzz(func(t *testing.T, p, s []byte, nocase bool) {
		if len(p) > 12 || len(s) > 12 {
			Match(p, s, nocase)
			return
		}
		if got, want := Match(p, s, nocase), matchTwin(p, s, nocase); got != want {
			t.Fatalf("Match(%q, %q, %v) = %v", p, s, nocase, got)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	p, s := []byte("user:*:pro[a-z]ile"), []byte("user:1234567890:profile")
	b.ReportAllocs()
	for b.Loop() {
		if !Match(p, s, false) {
			b.Fatal("no match")
		}
	}
}
