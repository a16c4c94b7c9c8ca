package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Finding is one broken rule.
type Finding struct {
	File string // relative to the root, with slashes
	Line int    // 0: the whole file
	Rule string
	Text string
}

func (f Finding) String() string {
	if f.Line == 0 {
		return fmt.Sprintf("%s: %s: %s", f.File, f.Rule, f.Text)
	}
	return fmt.Sprintf("%s:%d: %s: %s", f.File, f.Line, f.Rule, f.Text)
}

// Rules is what holds for one tree. Packages are named by their directory,
// relative to the root; "x/..." is x and all below it.
type Rules struct {
	Module   string
	Top      []string            // the only names that the root may have, beside hidden ones and those git ignores
	Imports  map[string][]string // package -> packages of this module that it may import
	External map[string][]string // prefix of a foreign import path -> packages that may import it
	Pure     []string
	Words    []Word
	MaxLines int // of a file that is neither generated nor a test
}

// Word is text that must not appear in any file.
type Word struct{ Pattern, Why string }

// Check returns what is wrong with the tree at root, in a fixed order.
func Check(root string, r Rules) ([]Finding, error) {
	files, err := readTree(root)
	if err != nil {
		return nil, err
	}
	var all []Finding
	all = append(all, r.topLevel(root)...)
	for _, f := range files {
		all = append(all, r.words(f)...)
		if !f.isGo() {
			continue
		}
		all = append(all, r.imports(f)...)
		all = append(all, r.length(f)...)
		all = append(all, noInit(f)...)
		if !f.isTest() && r.isPure(f.dir()) {
			all = append(all, r.purity(f)...)
		}
	}
	all = append(all, packageDocs(files)...)
	all = append(all, links(files)...)
	typed, err := r.typed(root)
	if err != nil {
		return nil, err
	}
	all = append(all, typed...)
	slices.SortFunc(all, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), strings.Compare(a.Rule, b.Rule), strings.Compare(a.Text, b.Text))
	})
	return slices.Compact(all), nil
}

func (r Rules) isPure(dir string) bool { return matchAny(r.Pure, dir) }

// matchAny says whether one of the patterns names the package in dir.
func matchAny(patterns []string, dir string) bool {
	for _, p := range patterns {
		if base, below := strings.CutSuffix(p, "/..."); below && (dir == base || strings.HasPrefix(dir, base+"/")) {
			return true
		}
		if p == dir {
			return true
		}
	}
	return false
}
