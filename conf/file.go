package conf

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// given is a value as somebody wrote it, and where.
type given struct{ text, source string }

// maxFileBytes bounds a configuration file.
const maxFileBytes = 1 << 20

// readFile reads a YAML file into values by setting name. The keys of nested
// mappings are joined by dots, so that `cache: {rows: 1gb}` and
// `cache.rows: 1gb` are the same.
func readFile(file string) (map[string]given, error) {
	doc, err := parseFile(file)
	if err != nil || doc == nil {
		return nil, err
	}
	w := walker{file: filepath.Base(file), values: map[string]given{}}
	w.mapping(doc, "")
	return w.values, errors.Join(w.errs...)
}

// parseFile returns the root of the only document in file, nil when the file
// is empty.
func parseFile(file string) (*yaml.Node, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("configuration file: %w", err)
	}
	defer f.Close()
	limited := &io.LimitedReader{R: f, N: maxFileBytes + 1}
	dec := yaml.NewDecoder(limited)
	var doc, second yaml.Node
	err = dec.Decode(&doc)
	if limited.N == 0 {
		return nil, fmt.Errorf("configuration file %s: longer than %s", file, FormatSize(maxFileBytes))
	}
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("configuration file %s: %w", file, err)
	}
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("configuration file %s: expected one YAML document, found more", file)
	}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return nil, nil
	}
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("configuration file %s: expected lines of the form name: value", file)
	}
	return root, nil
}

// walker flattens a document and collects every mistake in it.
type walker struct {
	file   string
	values map[string]given
	errs   []error
}

func (w *walker) mapping(n *yaml.Node, prefix string) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		w.entry(prefix+key.Value, value, w.file+":"+strconv.Itoa(key.Line))
	}
}

func (w *walker) entry(name string, value *yaml.Node, source string) {
	if value.Kind == yaml.MappingNode && isGroup(name) {
		w.mapping(value, name+".")
		return
	}
	s, known := byName(name)
	if !known {
		w.errs = append(w.errs, &Error{Setting: name, Source: source, Unknown: true, Meant: Suggest(name)})
		return
	}
	if earlier, twice := w.values[name]; twice {
		w.errs = append(w.errs, &Error{Setting: name, Source: source, Expected: "once; it is set at " + earlier.source + " too"})
		return
	}
	if s.Kind == KindList && value.Kind == yaml.SequenceNode {
		text, err := onOneLine(value)
		if err != nil {
			w.errs = append(w.errs, &Error{Setting: name, Source: source, Expected: s.Expects})
			return
		}
		w.values[name] = given{text, source}
		return
	}
	if value.Kind != yaml.ScalarNode || value.Tag == "!!null" {
		w.errs = append(w.errs, &Error{Setting: name, Source: source, Expected: s.Expects})
		return
	}
	// The text as written: `no`, `0x10` or 1e3 never become something else
	// on the way through a YAML type.
	w.values[name] = given{value.Value, source}
}

// onOneLine is a list as flags have it.
func onOneLine(n *yaml.Node) (string, error) {
	b, err := yaml.Marshal(n)
	return string(b), err
}

// byName is Lookup without Redis's names: flags, variables and keys have one name each.
func byName(name string) (Setting, bool) {
	s, ok := Lookup(name)
	return s, ok && s.Name == name
}
