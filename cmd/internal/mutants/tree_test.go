package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTree(t *testing.T) {
	o := house(t, nil)
	tree, err := readTree(t.Context(), o.root, o.command)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(tree.files)
	want := []string{"cmd/sim/main.go", "core/core.go", "go.mod", "go.sum"}
	if !slices.Equal(tree.files, want) {
		t.Errorf("the simulator is made of %q, want %q", tree.files, want)
	}
	frozen, err := tree.freeze(filepath.Join(t.TempDir(), "sources"))
	if err != nil {
		t.Fatal(err)
	}
	// Somebody edits a file while mutants are tried.
	write(t, filepath.Join(o.root, "core", "core.go"), "package core\n")
	dir := filepath.Join(t.TempDir(), "0")
	write(t, filepath.Join(dir, "core", "left.go"), "package left\n")
	if err := frozen.copyTo(dir); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "core", "core.go"))
	if err != nil || string(text) != coreSource {
		t.Errorf("the copy has %q (%v)", text, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "core", "left.go")); err == nil {
		t.Error("what the mutant before left is still there")
	}
	if _, err := readTree(t.Context(), o.root, "./cmd/none"); err == nil || !strings.Contains(err.Error(), "go list") {
		t.Errorf("a command that there is not: %v", err)
	}
}
