package lint

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"path/filepath"
	"strings"
)

// typed runs the rules that need types, over all product packages that build
// on this system.
func (r Rules) typed(root string) ([]Finding, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	w := world{root: root, fset: token.NewFileSet(), excused: map[string]string{}, written: map[string]token.Pos{}}
	loaded, err := w.load()
	if err != nil {
		return nil, err
	}
	for _, p := range loaded {
		for _, f := range p.files {
			w.readExcuses(f)
		}
	}
	for _, p := range loaded {
		for _, f := range p.files {
			w.collectWrites(p, f)
		}
	}
	for _, p := range loaded {
		pure := r.isPure(strings.TrimPrefix(p.path, r.Module+"/"))
		for _, f := range p.files {
			w.globals(p, f)
			if pure {
				w.mapOrder(p, f)
			}
		}
	}
	return w.found, nil
}

// world is what the typed rules know of all packages together.
type world struct {
	root    string
	fset    *token.FileSet
	excused map[string]string    // "file:line rule" -> reason
	written map[string]token.Pos // package-level variables that something may change
	found   []Finding
}

func (w *world) add(pos token.Pos, rule, format string, args ...any) {
	p := w.fset.Position(pos)
	for _, line := range []int{p.Line, p.Line - 1} {
		if w.excused[fmt.Sprintf("%s:%d %s", p.Filename, line, rule)] != "" {
			return
		}
	}
	w.found = append(w.found, Finding{File: w.rel(p.Filename), Line: p.Line, Rule: rule, Text: fmt.Sprintf(format, args...)})
}

func (w *world) rel(file string) string {
	if rel, err := filepath.Rel(w.root, file); err == nil {
		return filepath.ToSlash(rel)
	}
	return file
}

// readExcuses collects //lint: comments. One without a reason excuses nothing.
func (w *world) readExcuses(f *ast.File) {
	for _, group := range f.Comments {
		for _, c := range group.List {
			rest, ok := strings.CutPrefix(c.Text, "//lint:")
			if !ok {
				continue
			}
			rule, reason, _ := strings.Cut(rest, " ")
			p := w.fset.Position(c.Pos())
			if reason = strings.TrimSpace(reason); reason == "" {
				w.found = append(w.found, Finding{File: w.rel(p.Filename), Line: p.Line, Rule: "excuse", Text: "say why: //lint:" + rule + " <reason>"})
				continue
			}
			w.excused[fmt.Sprintf("%s:%d %s", p.Filename, p.Line, rule)] = reason
		}
	}
}

// mapOrder finds iterations over maps in a pure package. Keys that are sorted
// at once, slices.Sorted(maps.Keys(m)), are fine.
func (w *world) mapOrder(p *typedPackage, f *ast.File) {
	sorted := map[ast.Expr]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.RangeStmt:
			if t := p.info.TypeOf(n.X); t != nil {
				if _, ok := t.Underlying().(*types.Map); ok {
					w.add(n.Pos(), "sorted", "the order of a map is random: sort the keys, or excuse it with //lint:sorted <reason>")
				}
			}
		case *ast.CallExpr:
			switch calledFunc(p, n) {
			case "slices.Sorted", "slices.SortedFunc", "slices.SortedStableFunc":
				sorted[ast.Unparen(n.Args[0])] = true
			case "maps.Keys", "maps.Values", "maps.All":
				if !sorted[n] {
					w.add(n.Pos(), "sorted", "the order of a map is random: pass it to slices.Sorted, or excuse it with //lint:sorted <reason>")
				}
			}
		}
		return true
	})
}

// calledFunc returns "package.Name" of a called package function.
func calledFunc(p *typedPackage, call *ast.CallExpr) string {
	fun := call.Fun
	if index, ok := fun.(*ast.IndexExpr); ok { // instantiated
		fun = index.X
	}
	if sel, ok := fun.(*ast.SelectorExpr); ok {
		if fn, ok := p.info.Uses[sel.Sel].(*types.Func); ok && fn.Pkg() != nil && fn.Signature().Recv() == nil {
			return fn.Pkg().Path() + "." + fn.Name()
		}
	}
	return ""
}
