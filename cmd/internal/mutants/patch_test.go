package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const goodPatch = `# x is not checked
#
# Wrong: it has to be
# Source: none

diff --git a/core/core.go b/core/core.go
--- a/core/core.go
+++ b/core/core.go
@@ -3,3 +3,3 @@
 // Add adds.
-func Add(a, b int) int { return a + b }
+func Add(a, b int) int { return a - b }
 
`

func TestParsePatch(t *testing.T) {
	p, err := parsePatch("good", []byte(goodPatch))
	if err != nil {
		t.Fatal(err)
	}
	if p.breaks != "x is not checked" {
		t.Errorf("it breaks %q", p.breaks)
	}
	if !slices.Equal(p.files(), []string{"core/core.go"}) {
		t.Errorf("it changes %q", p.files())
	}
	want := []string{"// Add adds.", "func Add(a, b int) int { return a + b }", ""}
	if len(p.hunks) != 1 || !slices.Equal(p.hunks[0].before, want) {
		t.Errorf("its hunks are %+v", p.hunks)
	}
	if !strings.HasSuffix(p.header, "# Source: none\n\n") {
		t.Errorf("its header is %q", p.header)
	}
}

func TestParsePatchRefuses(t *testing.T) {
	for name, change := range map[string][2]string{
		"no first line":      {"# x is not checked", "#"},
		"no comment":         {"# x is not checked", "x is not checked"},
		"breaks the table":   {"# x is not checked", "# x | y"},
		"no reason":          {"# Wrong: ", "# "},
		"no source":          {"# Source: ", "# "},
		"no hunk":            {"@@ -3,3 +3,3 @@", ""},
		"no diff":            {"diff --git ", "diff "},
		"a new file":         {"--- a/core/core.go", "--- /dev/null"},
		"a test":             {"--- a/core/core.go", "--- a/core/core_test.go"},
		"outside the module": {"--- a/core/core.go", "--- a/../core.go"},
	} {
		text := strings.Replace(goodPatch, change[0], change[1], 1)
		if _, err := parsePatch(name, []byte(text)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestAnchored(t *testing.T) {
	p, err := parsePatch("good", []byte(goodPatch))
	if err != nil {
		t.Fatal(err)
	}
	before := strings.Join(p.hunks[0].before, "\n") + "\n"
	for name, c := range map[string]struct {
		text string
		want string
	}{
		"once":          {"package core\n\n" + before, ""},
		"moved":         {strings.Repeat("// more\n", 100) + before, ""},
		"gone":          {strings.ReplaceAll(before, "a + b", "b + a"), "fits 0 places"},
		"twice":         {before + before, "fits 2 places"},
		"within a line": {"x" + before, "fits 0 places"},
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "core", "core.go"), c.text)
		err := p.anchored(dir)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if err := p.anchored(t.TempDir()); err == nil {
		t.Error("a file that is not there is taken")
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
