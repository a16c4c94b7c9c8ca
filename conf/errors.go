package conf

import "strings"

// Error says which setting was refused and what it should have been. Load and
// Validate join one for each mistake they find.
type Error struct {
	Setting  string // name in the table, or the unknown name as it was written
	Value    string // what was given; empty for an unknown name and for a secret
	Source   string // "--listen", "RONDO_LISTEN", "rondo.yaml:3"; empty in Validate
	Expected string // what would have been taken
	Meant    string // for an unknown name: the closest known one, or empty
	Unknown  bool   // no setting has this name
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.Source != "" {
		b.WriteString(e.Source + ": ")
	}
	if e.Unknown {
		b.WriteString(`unknown setting "` + e.Setting + `"; expected `)
		if e.Expected != "" {
			b.WriteString(e.Expected)
		} else {
			b.WriteString("a name listed in docs/configuration.md")
		}
		if e.Meant != "" {
			b.WriteString(`; did you mean "` + e.Meant + `"?`)
		}
		return b.String()
	}
	b.WriteString("setting " + e.Setting)
	if e.Value != "" {
		b.WriteString(` = "` + e.Value + `"`)
	}
	b.WriteString(": expected " + e.Expected)
	if e.Meant != "" {
		b.WriteString(`; did you mean "` + e.Meant + `"?`)
	}
	return b.String()
}
