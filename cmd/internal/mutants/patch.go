package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// patch is one mutant.
type patch struct {
	name   string // of the file, without its suffix
	breaks string // the first line of the header
	header string // all of it, with an empty line at its end
	text   []byte // the whole file
	hunks  []hunk
}

// hunk is one place that a patch changes.
type hunk struct {
	file   string
	number int      // within the patch, from 1
	before []string // the lines that must be there
}

var errNoPatches = errors.New("there are no patches")

const patchSuffix = ".patch"

// readPatches reads all patches of a directory, by name.
func readPatches(dir string) ([]*patch, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*"+patchSuffix))
	if err != nil {
		return nil, fmt.Errorf("list patches: %w", err)
	}
	slices.Sort(names)
	var all []*patch
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read patch: %w", err)
		}
		p, err := parsePatch(strings.TrimSuffix(filepath.Base(name), patchSuffix), text)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w in %s", errNoPatches, dir)
	}
	return all, nil
}

// parsePatch takes a patch apart. It must have a header as the package comment shows it.
func parsePatch(name string, text []byte) (*patch, error) {
	p := &patch{name: name, text: text}
	header, _, ok := strings.Cut(string(text), "\ndiff --git ")
	if !ok {
		return nil, fmt.Errorf("patch %s: it changes nothing", name)
	}
	p.header = header + "\n"
	first, rest, _ := strings.Cut(header, "\n")
	p.breaks = strings.TrimSpace(strings.TrimPrefix(first, "#"))
	if !strings.HasPrefix(first, "# ") || p.breaks == "" || strings.Contains(p.breaks, "|") {
		return nil, fmt.Errorf("patch %s: its first line does not say what it breaks", name)
	}
	for _, field := range []string{"\n# Wrong: ", "\n# Source: "} {
		if !strings.Contains("\n"+rest, field) {
			return nil, fmt.Errorf("patch %s: its header has no line that begins %q", name, field[1:])
		}
	}
	if err := p.parseHunks(string(text[len(header)+1:])); err != nil {
		return nil, fmt.Errorf("patch %s: %w", name, err)
	}
	return p, nil
}

func (p *patch) parseHunks(body string) error {
	file := ""
	var h *hunk
	for line := range strings.Lines(body) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "diff --git "):
			h = nil
		case h == nil && strings.HasPrefix(line, "--- "):
			rest, ok := strings.CutPrefix(line, "--- a/")
			if !ok || !filepath.IsLocal(rest) || !strings.HasSuffix(rest, ".go") || strings.HasSuffix(rest, "_test.go") {
				return fmt.Errorf("%q: mutants change product code that is there", line)
			}
			file = rest
		case strings.HasPrefix(line, "@@ ") && file != "":
			p.hunks = append(p.hunks, hunk{file: file, number: len(p.hunks) + 1})
			h = &p.hunks[len(p.hunks)-1]
		case h != nil && line != "" && (line[0] == ' ' || line[0] == '-'):
			h.before = append(h.before, line[1:])
		}
	}
	if len(p.hunks) == 0 {
		return fmt.Errorf("it changes nothing")
	}
	return nil
}

// files returns what the patch changes, each file once.
func (p *patch) files() []string {
	var files []string
	for i := range p.hunks {
		if !slices.Contains(files, p.hunks[i].file) {
			files = append(files, p.hunks[i].file)
		}
	}
	return files
}

// anchored makes sure that each hunk fits exactly one place. git would take the nearest of several.
func (p *patch) anchored(dir string) error {
	for i := range p.hunks {
		h := &p.hunks[i]
		text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(h.file)))
		if err != nil {
			return fmt.Errorf("hunk %d: %w", h.number, err)
		}
		switch n := h.places(text); {
		case len(h.before) == 0:
			return fmt.Errorf("hunk %d of %s has no lines to be found by", h.number, h.file)
		case n != 1:
			return fmt.Errorf("hunk %d fits %d places of %s; it must be one", h.number, n, h.file)
		}
	}
	return nil
}

// places counts where the lines of the hunk are in a file.
func (h *hunk) places(text []byte) (n int) {
	want := []byte("\n" + strings.Join(h.before, "\n") + "\n")
	for rest := append([]byte("\n"), text...); ; n++ {
		i := bytes.Index(rest, want)
		if i < 0 {
			return n
		}
		rest = rest[i+1:]
	}
}
