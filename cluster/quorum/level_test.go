package quorum

import (
	"errors"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Choice{
		"ANY": {Level: Any}, "ONE": {Level: One}, "two": {Level: Two}, "Three": {Level: Three},
		"1": {Level: One}, "3": {Level: Three}, "4": {Level: 4}, "16": {Level: MaxReplicas},
		"QUORUM": {Level: Quorum}, "quorum": {Level: Quorum}, "All": {Level: All},
		"LOCAL_ONE": {Level: LocalOne}, "local_quorum": {Level: LocalQuorum}, "EACH_QUORUM": {Level: EachQuorum},
		"ONE/SLOPPY": {Level: One, Sloppy: true}, "quorum/sloppy": {Level: Quorum, Sloppy: true}, "5/Sloppy": {Level: 5, Sloppy: true},
		"EACH_QUORUM/SLOPPY": {Level: EachQuorum, Sloppy: true}, "LOCAL_QUORUM/SLOPPY": {Level: LocalQuorum, Sloppy: true}, "any/sloppy": {Level: Any, Sloppy: true},
	} {
		got, err := Parse(text)
		if err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
		if got, err := Parse([]byte(text)); err != nil || got != want {
			t.Errorf("bytes of %q: %v, %v; want %v", text, got, err, want)
		}
		if again, err := Parse(want.String()); err != nil || again != want {
			t.Errorf("%v is read back as %v, %v", want, again, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{
		"", "0", "00", "01", "+1", "-1", "17", "99", "100", "3.0", " ONE", "ONE ", "/SLOPPY", "ONE/", "ONE/STRICT", "ONE/SLOPPY/SLOPPY",
		"QUORUMS", "EACH_QUORUM/SLOPPY ", "LOCAL", "no level", "\x00", "ſ", strings.Repeat("A", 1<<20), strings.Repeat("\xff", 100),
	} {
		var refused *ParseError
		c, err := Parse(text)
		if !errors.As(err, &refused) || c != (Choice{}) {
			t.Errorf("%.20q: %v, %v", text, c, err)
			continue
		}
		if n := len(err.Error()); n > 500 {
			t.Errorf("%.20q: an error of %d bytes", text, n)
		}
	}
	for _, text := range []string{"LINEAR", "linear", "Linear/SLOPPY"} {
		if _, err := Parse(text); !errors.Is(err, ErrLinear) || !strings.HasPrefix(err.Error(), "LINEAR ") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestLevelString(t *testing.T) {
	for l, want := range map[Level]string{0: "no level", 3: "THREE", 4: "4", 16: "16", 17: "no level", Any: "ANY", EachQuorum: "EACH_QUORUM", EachQuorum + 1: "no level", Any - 1: "no level"} {
		if got := l.String(); got != want {
			t.Errorf("%d: %s; want %s", l, got, want)
		}
		if l.Valid() != (want != "no level") {
			t.Errorf("%d is valid: %v", l, l.Valid())
		}
	}
}

// A level is a majority when its smallest winning sets are more than half of n.
func TestLevelMajority(t *testing.T) {
	for _, tc := range []struct {
		l    Level
		n    int
		want bool
	}{
		{One, 1, true}, {One, 2, false}, {Two, 2, true}, {Two, 3, true}, {Two, 4, false}, {Three, 4, true}, {Three, 5, true}, {Three, 6, false},
		{Quorum, 3, true}, {All, 3, true}, {EachQuorum, 6, true}, {LocalQuorum, 3, false}, {LocalOne, 1, false}, {Any, 1, false}, {0, 0, false},
	} {
		if got := tc.l.Majority(tc.n); got != tc.want {
			t.Errorf("%v of %d: %v", tc.l, tc.n, got)
		}
	}
	for n, want := range []int{1, 1, 2, 2, 3, 3, 4, 4} {
		if got := Majority(n); got != want {
			t.Errorf("Majority(%d) = %d; want %d", n, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("ONE/SLOPPY")
	f.Add("16")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse(text)
		if err != nil {
			_ = err.Error()
			return
		}
		if again, err := Parse(c.String()); err != nil || again != c || !c.Level.Valid() {
			t.Errorf("%q is %v, read back %v, %v", text, c, again, err)
		}
	})
}
