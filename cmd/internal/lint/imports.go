package lint

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// imports checks one file's imports: of this module by the layers, of others
// by who may have them. Tests may reach for any package of ours (an in-memory
// store, a twin), but foreign modules stay where they belong.
func (r Rules) imports(f source) (found []Finding) {
	for _, spec := range f.ast.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the parser would have refused it
		}
		ours, inside := strings.CutPrefix(imported, r.Module+"/")
		first, _, _ := strings.Cut(imported, "/")
		switch {
		case inside && !f.isTest():
			if allowed, known := r.allowed(f.dir()); !known {
				found = append(found, f.at(spec.Pos(), "layers", "package %s has no line in the import rules", f.dir()))
			} else if !matchAny(allowed, ours) {
				found = append(found, f.at(spec.Pos(), "layers", "%s may not import %s, only %v", f.dir(), ours, allowed))
			}
		case inside || !strings.Contains(first, "."): // the standard library
		case f.isTest() && r.testOnly(imported):
		default:
			if text := r.foreign(imported, f.dir()); text != "" {
				found = append(found, f.at(spec.Pos(), "foreign", "%s", text))
			}
		}
	}
	return found
}

func (r Rules) allowed(dir string) ([]string, bool) {
	if allowed, ok := r.Imports[dir]; ok {
		return allowed, true
	}
	for p := dir; p != "."; p = path.Dir(p) {
		if allowed, ok := r.Imports[p+"/..."]; ok {
			return allowed, true
		}
	}
	return nil, false
}

// testOnly are modules that any test may use and no product file.
func (r Rules) testOnly(imported string) bool {
	return slices.Contains([]string{"pgregory.net/rapid", "go.uber.org/goleak"}, imported)
}

func (r Rules) foreign(imported, dir string) string {
	for prefix, packages := range r.External {
		if imported != prefix && !strings.HasPrefix(imported, prefix+"/") { //lint:sorted prefixes do not contain each other
			continue
		}
		if matchAny(packages, dir) {
			return ""
		}
		return imported + " belongs in " + strings.Join(packages, ", ") + " only"
	}
	return imported + " is not among the modules that the rules know; name it and its place there"
}
