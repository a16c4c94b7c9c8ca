package lint

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// source is one text file of the tree.
type source struct {
	name string // relative to the root, with slashes
	text []byte

	// Go files only.
	fset *token.FileSet
	ast  *ast.File
}

func (f source) isGo() bool      { return f.ast != nil }
func (f source) isTest() bool    { return strings.HasSuffix(f.name, "_test.go") }
func (f source) dir() string     { return path.Dir(f.name) }
func (f source) generated() bool { return f.isGo() && ast.IsGenerated(f.ast) }

func (f source) at(pos token.Pos, rule, format string, args ...any) Finding {
	return Finding{File: f.name, Line: f.fset.Position(pos).Line, Rule: rule, Text: fmt.Sprintf(format, args...)}
}

// skipped are directories that hold no source of ours.
func skipped(name string) bool {
	return name == "testdata" || name == "node_modules" || name == "data" || name == "bin" || (strings.HasPrefix(name, ".") && name != "." && name != ".ci")
}

// ignored are what tools leave behind, as .gitignore has it.
func ignored(name string) bool {
	return slices.Contains([]string{".test", ".out", ".prof"}, path.Ext(name))
}

// readTree reads and parses every text file below root, whatever its build
// tags: a rule holds on every system.
func readTree(root string) ([]source, error) {
	var files []source
	fset := token.NewFileSet()
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if p != root && skipped(d.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() || d.Name() == "go.sum" {
			return nil
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		if bytes.IndexByte(text, 0) >= 0 || !utf8.Valid(text) {
			return nil // not text
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		f := source{name: filepath.ToSlash(rel), text: text}
		if strings.HasSuffix(p, ".go") {
			f.fset = fset
			if f.ast, err = parser.ParseFile(fset, p, text, parser.ParseComments|parser.SkipObjectResolution); err != nil {
				return err
			}
		}
		files = append(files, f)
		return nil
	})
	return files, err
}

// topLevel finds names in the root that the layout does not have.
func (r Rules) topLevel(root string) (found []Finding) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return []Finding{{File: ".", Rule: "top", Text: err.Error()}}
	}
	for _, e := range entries {
		if ignored(e.Name()) {
			continue
		}
		if !skipped(e.Name()) && !strings.HasPrefix(e.Name(), ".") && !slices.Contains(r.Top, e.Name()) {
			found = append(found, Finding{File: e.Name(), Rule: "top", Text: "the top level is fixed: " + strings.Join(r.Top, " ")})
		}
	}
	return found
}
