package lint

import (
	"go/ast"
	"go/token"
	"go/types"
)

// globals finds package-level variables that are hidden state. A variable that
// nothing ever changes is a constant that Go has no word for (an error value,
// a table, a compiled pattern) and is fine. Changing means, anywhere in the
// module: assignment to it or into it, taking its address (that of an element
// is not counted), calling a method that takes it by pointer, delete, clear or
// copy into it.
func (w *world) globals(p *typedPackage, f *ast.File) {
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, spec := range g.Specs {
			for _, name := range spec.(*ast.ValueSpec).Names {
				obj := p.info.Defs[name]
				if obj == nil || name.Name == "_" {
					continue
				}
				if at, changed := w.written[objectKey(obj)]; changed {
					where := w.fset.Position(at)
					w.add(name.Pos(), "global", "%s is changed at %s:%d: no mutable package variables; pass it, or excuse it with //lint:global <reason>",
						name.Name, w.rel(where.Filename), where.Line)
				} else if isState(obj.Type()) {
					w.add(name.Pos(), "global", "%s of type %s is state: no mutable package variables; pass it, or excuse it with //lint:global <reason>", name.Name, obj.Type())
				}
			}
		}
	}
}

// objectKey names a variable across packages, which see each other's objects
// as different values.
func objectKey(obj types.Object) string {
	if obj.Pkg() == nil {
		return ""
	}
	return obj.Pkg().Path() + "." + obj.Name()
}

// isState says whether a type has no use but to change: channels, and what
// sync and sync/atomic offer.
func isState(t types.Type) bool {
	if ptr, ok := t.Underlying().(*types.Pointer); ok {
		t = ptr.Elem()
	}
	if _, ok := t.Underlying().(*types.Chan); ok {
		return true
	}
	named, ok := t.(*types.Named)
	if !ok || named.Obj().Pkg() == nil {
		return false
	}
	path := named.Obj().Pkg().Path()
	return path == "sync" || path == "sync/atomic"
}

// collectWrites notes every package-level variable that f may change.
func (w *world) collectWrites(p *typedPackage, f *ast.File) {
	note := func(e ast.Expr, pos token.Pos) {
		if v := rootVariable(p, e); v != nil {
			if key := objectKey(v); w.written[key] == token.NoPos {
				w.written[key] = pos
			}
		}
	}
	inFunction := func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				for _, lhs := range n.Lhs {
					note(lhs, n.Pos())
				}
			}
		case *ast.IncDecStmt:
			note(n.X, n.Pos())
		case *ast.RangeStmt:
			if n.Tok == token.ASSIGN {
				note(n.Key, n.Pos())
				note(n.Value, n.Pos())
			}
		case *ast.UnaryExpr:
			// &table[i] is how the rows of a table are read without a copy.
			if _, row := n.X.(*ast.IndexExpr); n.Op == token.AND && !row {
				note(n.X, n.Pos())
			}
		case *ast.CallExpr:
			w.collectCall(p, n, note)
		}
		return true
	}
	for _, d := range f.Decls {
		if _, ok := d.(*ast.FuncDecl); ok {
			ast.Inspect(d, inFunction)
			continue
		}
		// One table that points into another, var a = &b, is no change; a
		// function literal in it may make one.
		ast.Inspect(d, func(n ast.Node) bool {
			if lit, ok := n.(*ast.FuncLit); ok {
				ast.Inspect(lit, inFunction)
				return false
			}
			return true
		})
	}
}

func (w *world) collectCall(p *typedPackage, call *ast.CallExpr, note func(ast.Expr, token.Pos)) {
	if id, ok := call.Fun.(*ast.Ident); ok && len(call.Args) > 0 {
		if b, ok := p.info.Uses[id].(*types.Builtin); ok && (b.Name() == "delete" || b.Name() == "clear" || b.Name() == "copy") {
			note(call.Args[0], call.Pos())
		}
		return
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return
	}
	method := p.info.Selections[sel]
	if method == nil || method.Kind() != types.MethodVal {
		return
	}
	// x.M() with a pointer receiver and x not a pointer takes x's address.
	recv := method.Obj().(*types.Func).Signature().Recv()
	if _, byPointer := recv.Type().(*types.Pointer); byPointer {
		if _, already := method.Recv().Underlying().(*types.Pointer); !already {
			note(sel.X, call.Pos())
		}
	}
}

// rootVariable returns the package-level variable that e is, or is an element
// or field of.
func rootVariable(p *typedPackage, e ast.Expr) *types.Var {
	for {
		switch x := e.(type) {
		case *ast.ParenExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.SelectorExpr:
			if v := packageVariable(p, x.Sel); v != nil {
				return v
			}
			e = x.X
		case *ast.Ident:
			return packageVariable(p, x)
		default:
			return nil
		}
	}
}

func packageVariable(p *typedPackage, id *ast.Ident) *types.Var {
	v, ok := p.info.ObjectOf(id).(*types.Var)
	if !ok || v.IsField() || v.Pkg() == nil || v.Parent() != v.Pkg().Scope() {
		return nil
	}
	return v
}
