package lint

import (
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// impure are imports that a pure package never has, alone or with what is below them.
func impure(imported string) bool {
	if slices.Contains([]string{"net/netip", "net/url"}, imported) {
		return false // values without I/O
	}
	for _, p := range []string{"net", "os", "sync", "context", "log", "crypto/rand", "runtime", "syscall", "io/ioutil", "testing"} {
		if imported == p || strings.HasPrefix(imported, p+"/") {
			return true
		}
	}
	return false
}

// purity finds what makes a package depend on more than its arguments: I/O,
// clocks, global randomness, goroutines and channels. Maps in iteration need
// types: see typed.go.
func (r Rules) purity(f source) (found []Finding) {
	names := map[string]string{} // local name -> import path
	for _, spec := range f.ast.Imports {
		imported, _ := strconv.Unquote(spec.Path.Value) // the parser has checked it
		if impure(imported) {
			found = append(found, f.at(spec.Pos(), "pure", "a pure package does not import %s", imported))
		}
		name := imported[strings.LastIndexByte(imported, '/')+1:]
		if imported == "math/rand/v2" {
			name = "rand"
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = imported
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = append(found, f.at(n.Pos(), "pure", "a pure package starts no goroutine"))
		case *ast.ChanType, *ast.SendStmt, *ast.SelectStmt:
			found = append(found, f.at(n.Pos(), "pure", "a pure package has no channels"))
		case *ast.UnaryExpr:
			if n.Op == token.ARROW {
				found = append(found, f.at(n.Pos(), "pure", "a pure package has no channels"))
			}
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok {
				if what := ambient(names[x.Name], n.Sel.Name); what != "" {
					found = append(found, f.at(n.Pos(), "pure", "%s.%s is %s: take it as an argument", x.Name, n.Sel.Name, what))
				}
			}
		}
		return true
	})
	return found
}

// ambient says what a function takes from its surroundings, "" for nothing.
func ambient(imported, name string) string {
	switch imported {
	case "time":
		if slices.Contains([]string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Local", "LoadLocation"}, name) {
			return "the clock"
		}
	case "math/rand", "math/rand/v2":
		// Constructors and types are fine: their seed is an argument.
		if !strings.HasPrefix(name, "New") && !slices.Contains([]string{"Rand", "Source", "Source64", "Zipf", "PCG", "ChaCha8"}, name) {
			return "global randomness"
		}
	case "hash/maphash":
		return "random a process"
	}
	return ""
}

// noInit finds init functions: work that nobody called.
func noInit(f source) (found []Finding) {
	for _, d := range f.ast.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
			found = append(found, f.at(fn.Pos(), "init", "no init functions: call it where it is needed"))
		}
	}
	return found
}
