package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// here are the options as they are in this repository.
func here(t *testing.T, args ...string) options {
	t.Helper()
	o, err := parse(t.Context(), args)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestPatchesFit keeps the patches at home in the sources as they are: a change of the core that moves one says so at once,
// not when somebody next looks for mutants.
func TestPatchesFit(t *testing.T) {
	t.Run("caught", func(t *testing.T) { patchesFit(t, here(t)) })
	t.Run("open", func(t *testing.T) { patchesFit(t, here(t, "-open")) })
}

func patchesFit(t *testing.T, o options) {
	patches, err := readPatches(o.patches)
	if errors.Is(err, errNoPatches) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	tree, err := readTree(t.Context(), o.root, o.command)
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	for i, p := range patches {
		dir := filepath.Join(work, strconv.Itoa(i))
		for _, name := range p.files() {
			if err := copyFile(filepath.Join(dir, name), filepath.Join(tree.root, name)); err != nil {
				t.Errorf("%s: %v", p.name, err)
			}
		}
		if err := p.apply(t.Context(), dir); err != nil {
			t.Errorf("%s: %v", p.name, err)
		}
	}
}

// TestTableIsOfThesePatches keeps the documentation from telling of mutants that are not there, or leaving some out.
func TestTableIsOfThesePatches(t *testing.T) {
	o := here(t)
	patches, err := readPatches(o.patches)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := readTable(o.table)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(patches) {
		t.Errorf("%d rows of %d patches: run the command with -record", len(rows), len(patches))
	}
	for i := range min(len(rows), len(patches)) {
		if r, p := rows[i], patches[i]; r.name != p.name || r.breaks != p.breaks {
			t.Errorf("row %d tells of %s (%s), the patch is %s (%s)", i+1, r.name, r.breaks, p.name, p.breaks)
		} else if r.seeds < 1 || r.seeds > defaultSeeds || r.invariant == "" {
			t.Errorf("row %d: %d seeds, caught by %q", i+1, r.seeds, r.invariant)
		}
	}
}

// TestOpenIsTold keeps the documentation from being silent about a hole that is known.
func TestOpenIsTold(t *testing.T) {
	o := here(t, "-open")
	open, err := readPatches(o.patches)
	if errors.Is(err, errNoPatches) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(o.table)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range open {
		if !bytes.Contains(text, []byte("`"+p.name+"`")) {
			t.Errorf("%s does not tell of %s", filepath.Base(o.table), p.name)
		}
	}
}
