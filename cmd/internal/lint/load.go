package lint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// typedPackage is one product package with its types.
type typedPackage struct {
	path  string
	files []*ast.File
	info  *types.Info
}

// listed is what `go list` says of one package.
type listed struct {
	ImportPath string
	Dir        string
	Export     string // file with the compiled package's types
	GoFiles    []string
	DepOnly    bool
	Error      *struct{ Err string }
}

// load type-checks the packages of the module at w.root. Those that they
// import are read as the compiler left them. A package that does not build is
// a finding.
func (w *world) load() ([]*typedPackage, error) {
	all, err := goList(w.root)
	if err != nil {
		return nil, err
	}
	exports := map[string]string{}
	for _, l := range all {
		exports[l.ImportPath] = l.Export
	}
	imports := importer.ForCompiler(w.fset, "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("package %s did not build", path)
		}
		return os.Open(exports[path])
	})
	var loaded []*typedPackage
	for _, l := range all {
		if l.DepOnly {
			continue
		}
		p, err := w.check(l, imports)
		if err == nil && l.Error != nil {
			err = errors.New(l.Error.Err)
		}
		if err != nil {
			w.found = append(w.found, Finding{File: w.rel(l.Dir), Rule: "build", Text: err.Error()})
			continue
		}
		loaded = append(loaded, p)
	}
	return loaded, nil
}

func (w *world) check(l listed, imports types.Importer) (*typedPackage, error) {
	p := &typedPackage{path: l.ImportPath, info: &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{},
	}}
	for _, name := range l.GoFiles {
		f, err := parser.ParseFile(w.fset, filepath.Join(l.Dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		p.files = append(p.files, f)
	}
	config := types.Config{Importer: imports}
	_, err := config.Check(l.ImportPath, w.fset, p.files, p.info)
	return p, err
}

func goList(dir string) ([]listed, error) {
	cmd := exec.Command("go", "list", "-e", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles,DepOnly,Error", "./...")
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w: %s", err, stderr.Bytes())
	}
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := dec.Decode(&l); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		all = append(all, l)
	}
}
