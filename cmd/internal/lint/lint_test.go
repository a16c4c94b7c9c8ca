package lint

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestRepository keeps the rules of this repository.
func TestRepository(t *testing.T) {
	found, err := Check("../../..", Rondo())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Error(f)
	}
}

// brokenRules are the rules that testdata/broken breaks, each at least once.
func brokenRules() Rules {
	return Rules{
		Module: "example.com/broken",
		Top:    []string{"go.mod", "core", "edge", "docs", "README.md"},
		Imports: map[string][]string{
			"core": {},
			"edge": {"core"},
		},
		External: map[string][]string{},
		Pure:     []string{"core"},
		Words:    []Word{{`sesame`, "is a secret"}},
		MaxLines: 60,
	}
}

func TestEveryRuleBites(t *testing.T) {
	found, err := Check("testdata/broken", brokenRules())
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	rules := map[string]bool{}
	for _, f := range found {
		b.WriteString(f.String() + "\n")
		rules[f.Rule] = true
	}
	golden := filepath.Join("testdata", "broken.txt")
	if *rewrite {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("found:\n%s\nwant:\n%s\n(go test ./cmd/internal/lint -rewrite writes it anew)", b.String(), want)
	}
	for _, rule := range []string{"top", "layers", "foreign", "pure", "sorted", "global", "init", "doc", "length", "words", "links", "excuse"} {
		if !rules[rule] {
			t.Errorf("rule %s found nothing in testdata/broken", rule)
		}
	}
}

var rewrite = flag.Bool("rewrite", false, "write testdata/broken.txt anew")

// Every package that is named by the rules and exists must be spelled as it
// is: a rule on a name that no directory has would hold nothing.
func TestRulesNameRealPackages(t *testing.T) {
	planned := []string{"cluster/merkle", "cluster/paxos", "cluster/wire", "cluster/gossip", "cluster/peer", "cluster/sim"}
	r := Rondo()
	for dir := range r.Imports {
		dir, _ = strings.CutSuffix(dir, "/...")
		if _, err := os.Stat(filepath.Join("../../..", dir)); err != nil && !slices.Contains(planned, dir) {
			t.Errorf("the rules name %s: %v", dir, err)
		}
	}
	for _, dir := range r.Pure {
		if _, ok := r.Imports[dir]; !ok {
			t.Errorf("pure package %s has no line in the import rules", dir)
		}
	}
}

func TestMatchAny(t *testing.T) {
	for _, tc := range []struct {
		pattern, dir string
		want         bool
	}{
		{"engine", "engine", true}, {"engine", "engine/object", false}, {"engine/...", "engine", true},
		{"engine/...", "engine/object", true}, {"engine/...", "engines", false}, {"cmd/...", "engine/cmd", false},
	} {
		if got := matchAny([]string{tc.pattern}, tc.dir); got != tc.want {
			t.Errorf("%s matches %s: %v; want %v", tc.pattern, tc.dir, got, tc.want)
		}
	}
}

func TestHeadings(t *testing.T) {
	text := "# Life of a GET\n```\n# not this\n```\n## `cache.rows`, and more\n#nor this\n"
	if got, want := headings([]byte(text)), []string{"life-of-a-get", "cacherows-and-more"}; !slices.Equal(got, want) {
		t.Errorf("%q; want %q", got, want)
	}
}
