package conf

import (
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// PrintOptions chooses what Print shows.
type PrintOptions struct {
	Machine Machine // for the comment that says what auto comes to
	Secrets bool    // show passwords; otherwise their lines are comments
}

// Print writes every setting as a line of YAML that Load reads back, each with
// a comment that says where its value came from.
func (l Loaded) Print(w io.Writer, o PrintOptions) error {
	resolved, err := l.Resolve(o.Machine)
	if err != nil {
		return err
	}
	group := ""
	for _, s := range Settings() {
		if s.Group != group {
			group = s.Group
			if _, err := fmt.Fprintf(w, "\n# %s\n", group); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintln(w, l.line(s, resolved, o.Secrets)); err != nil {
			return err
		}
	}
	return nil
}

func (l Loaded) line(s Setting, resolved Config, secrets bool) string {
	text, from := s.Get(l.Config), l.Source(s.Name)
	if here := s.Get(resolved); here != text {
		from += "; here " + here
	}
	switch {
	case s.Secret && text != "" && !secrets:
		return fmt.Sprintf("# %s: not shown, it comes from %s", s.Name, from)
	case text == "":
		return fmt.Sprintf("# %s: not set  # %s", s.Name, from)
	}
	return fmt.Sprintf("%-42s # %s", s.Name+": "+yamlScalar(text), from)
}

// yamlScalar quotes text where YAML needs it.
func yamlScalar(text string) string {
	b, err := yaml.Marshal(text)
	if err != nil || strings.Count(string(b), "\n") != 1 {
		return fmt.Sprintf("%q", text)
	}
	plain := strings.TrimSuffix(string(b), "\n")
	// Values are read as text whatever YAML makes of them, so numbers and
	// yes or no need no quotes.
	if plain == `"`+text+`"` && isWord(text) {
		return text
	}
	return plain
}

func isWord(text string) bool {
	return text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" && text[0] != '-' && text != "null"
}
