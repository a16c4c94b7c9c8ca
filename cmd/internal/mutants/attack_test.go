package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The module that the tests mutate: a core, and a simulator that finds at seed 7 when it does not add, at seed 2 when it panics.
const (
	coreSource = "package core\n\n// Add adds.\nfunc Add(a, b int) int { return a + b }\n\n// Twice doubles.\nfunc Twice(a int) int { return 2 * a }\n\n// That is all.\n"
	simSource  = `package main

import (
	"flag"
	"fmt"
	"os"

	"example.org/house/core"
)

func main() {
	seed := flag.Int("seed", 1, "")
	seeds := flag.Int("seeds", 1, "")
	flag.Bool("stop-at-first", false, "")
	flag.Bool("shrink", true, "")
	flag.Int("workers", 0, "")
	flag.Parse()
	for s := *seed; s < *seed+*seeds; s++ {
		if s == 7 && core.Add(1, 2) != 3 {
			fmt.Printf("a history:\n  seed 1: not this\nseed %d: I9 fresh: more: than that\nseeds needed: 7\n", s)
			os.Exit(1)
		}
		if s == 2 && core.Twice(1) == 0 {
			os.Exit(3)
		}
	}
}
`
)

// house makes a module and the options to mutate it. Patches are made from (old, new) in the core.
func house(t *testing.T, mutations map[string][2]string) options {
	t.Helper()
	root := t.TempDir()
	write(t, filepath.Join(root, "go.mod"), "module example.org/house\n\ngo 1.26\n")
	write(t, filepath.Join(root, "core", "core.go"), coreSource)
	write(t, filepath.Join(root, "core", "core_test.go"), "package core\n\nthis is not copied\n")
	write(t, filepath.Join(root, "cmd", "sim", "main.go"), simSource)
	o := options{
		root: root, patches: filepath.Join(root, "patches"), table: filepath.Join(root, "mutants.md"), command: "./cmd/sim",
		first: 1, seeds: 10, parallel: 2, limit: time.Minute,
	}
	for name, m := range mutations {
		write(t, filepath.Join(o.patches, name+patchSuffix), patchOf(t, name, m[0], m[1]))
	}
	write(t, o.table, tableHead)
	return o
}

// patchOf replaces one line of the core.
func patchOf(t *testing.T, name, from, to string) string {
	t.Helper()
	lines := strings.Split(coreSource, "\n")
	for i, line := range lines {
		if strings.Contains(line, from) {
			return fmt.Sprintf("# %s is wrong\n#\n# Wrong: because\n# Source: a test\n\ndiff --git a/core/core.go b/core/core.go\n"+
				"--- a/core/core.go\n+++ b/core/core.go\n@@ -%d,3 +%d,3 @@\n %s\n-%s\n+%s\n %s\n",
				name, i, i, lines[i-1], line, strings.Replace(line, from, to, 1), lines[i+1])
		}
	}
	t.Fatalf("no line has %q", from)
	return ""
}

func TestAttack(t *testing.T) {
	o := house(t, map[string][2]string{
		"add":    {"a + b", "a - b"},
		"commas": {"a + b", "b + a"}, // does no harm: survives
		"twice":  {"2 * a", "0"},     // the simulator ends in a way of its own
		"build":  {"2 * a", "2 * c"},
	})
	text := patchOf(t, "moved", "2 * a", "3 * a")
	write(t, filepath.Join(o.patches, "moved.patch"), strings.ReplaceAll(text, "2 * a", "2 * x"))
	var out bytes.Buffer
	if err := run(t.Context(), o, &out); !errors.Is(err, errSurvivors) {
		t.Fatalf("the end was %v", err)
	}
	for _, want := range []string{
		"the code as it is: clean",
		"add     I9 fresh           7 ",
		"commas  SURVIVED           - ",
		"build   ERROR              - ",
		"undefined: c",
		"moved   ERROR              - ",
		"fits 0 places",
		"twice   ERROR              - ",
		"exit status 3",
		"5 mutants: 1 caught, 1 survived, 3 could not be tried",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("nothing says %q in\n%s", want, &out)
		}
	}
}

func TestAttackRecords(t *testing.T) {
	o := house(t, map[string][2]string{"add": {"a + b", "a - b"}, "product": {"a + b", "a * b"}})
	o.first, o.record = 3, true
	if err := run(t.Context(), o, new(bytes.Buffer)); err != nil {
		t.Fatal(err)
	}
	rows, err := readTable(o.table)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprint([]record{{"add", "add is wrong", "I9 fresh", 5}, {"product", "product is wrong", "I9 fresh", 5}})
	if fmt.Sprint(rows) != want {
		t.Errorf("the table is %v, want %v", rows, want)
	}
	// The quick form tries what the table says is caught soonest.
	o.record, o.quick = false, true
	if err := run(t.Context(), o, new(bytes.Buffer)); err != nil {
		t.Fatal(err)
	}
}

func TestAttackNeedsCleanCode(t *testing.T) {
	o := house(t, map[string][2]string{"add": {"a + b", "a * b"}})
	write(t, filepath.Join(o.root, "core", "core.go"), strings.Replace(coreSource, "a + b", "a - b", 1))
	err := run(t.Context(), o, new(bytes.Buffer))
	if err == nil || !strings.Contains(err.Error(), "fails at seed 7 (I9 fresh)") {
		t.Errorf("the end was %v", err)
	}
}

func TestChoose(t *testing.T) {
	o := house(t, map[string][2]string{"add": {"a + b", "a - b"}, "commas": {"a + b", "b + a"}})
	o.only = []string{"add"}
	if err := run(t.Context(), o, new(bytes.Buffer)); err != nil {
		t.Errorf("the end was %v", err)
	}
	o.only = []string{"ad"}
	if err := run(t.Context(), o, new(bytes.Buffer)); err == nil || errors.Is(err, errSurvivors) {
		t.Errorf("a name that there is not: %v", err)
	}
}

func TestRefresh(t *testing.T) {
	o := house(t, map[string][2]string{"add": {"a + b", "a - b"}, "gone": {"2 * a", "3 * a"}})
	moved := strings.Repeat("// A comment.\n", 9) + strings.Replace(coreSource, "2 * a", "a * 2", 1)
	write(t, filepath.Join(o.root, "core", "core.go"), moved)
	o.refresh = true
	var out bytes.Buffer
	if err := run(t.Context(), o, &out); err == nil || !strings.Contains(err.Error(), "1 patches have to be mended by hand") {
		t.Fatalf("the end was %v\n%s", err, &out)
	}
	if !strings.Contains(out.String(), "gone: hunk 1 fits 0 places") {
		t.Errorf("it says\n%s", &out)
	}
	text, err := os.ReadFile(filepath.Join(o.patches, "add.patch"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(text), "# add is wrong\n#\n# Wrong: because\n# Source: a test\n\ndiff --git a/core/core.go b/core/core.go\n--- a/") ||
		!strings.Contains(string(text), "@@ -11,5 +11,5 @@") || strings.Contains(string(text), "index ") {
		t.Errorf("it is now\n%s", text)
	}
	o.refresh, o.only = false, []string{"add"}
	if err := run(t.Context(), o, &out); err != nil {
		t.Errorf("written anew it does not work: %v\n%s", err, &out)
	}
}

func TestTrialHasALimit(t *testing.T) {
	o := house(t, map[string][2]string{"add": {"return a + b", "for {}"}})
	o.limit = 5 * time.Second
	var out bytes.Buffer
	if err := run(t.Context(), o, &out); !errors.Is(err, errSurvivors) || !strings.Contains(out.String(), "1 could not be tried") {
		t.Errorf("the end was %v\n%s", err, &out)
	}
}
