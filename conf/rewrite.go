package conf

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ErrNoFile is returned by Rewrite for a node that was started without a
// configuration file.
var ErrNoFile = errors.New("the node was started without a configuration file")

// Rewrite writes the values that the named settings have in c into the file
// that c was read from. The file's other keys, comments and order stay. It is
// replaced whole: a crash leaves the old file or the new one.
func Rewrite(c Config, names []string) error {
	if c.File == "" {
		return ErrNoFile
	}
	root, err := parseFile(c.File)
	if err != nil {
		return err
	}
	if root == nil {
		root = &yaml.Node{Kind: yaml.MappingNode}
	}
	for _, name := range names {
		s, ok := byName(name)
		if !ok {
			return &Error{Setting: name, Unknown: true, Meant: Suggest(name)}
		}
		setNode(root, name, s.Get(c))
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		return fmt.Errorf("rewrite %s: %w", c.File, err)
	}
	if err := enc.Close(); err != nil {
		return fmt.Errorf("rewrite %s: %w", c.File, err)
	}
	return replaceFile(c.File, b.Bytes())
}

// setNode changes the key where it stands, flat or nested, or appends it.
func setNode(m *yaml.Node, name, text string) {
	value := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	for i := 0; i+1 < len(m.Content); i += 2 {
		key, old := m.Content[i].Value, m.Content[i+1]
		if key == name {
			value.LineComment, value.HeadComment, value.FootComment = old.LineComment, old.HeadComment, old.FootComment
			m.Content[i+1] = value
			return
		}
		if rest, under := strings.CutPrefix(name, key+"."); under && old.Kind == yaml.MappingNode {
			setNode(old, rest, text)
			return
		}
	}
	m.Content = append(m.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: name}, value)
}

func replaceFile(file string, content []byte) (err error) {
	mode := fs.FileMode(0o600) // it may hold a password
	if st, err := os.Stat(file); err == nil {
		mode = st.Mode().Perm()
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".rondo-*.yaml")
	if err != nil {
		return fmt.Errorf("rewrite %s: %w", file, err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(tmp.Name()) // the error that is returned matters more
			err = fmt.Errorf("rewrite %s: %w", file, err)
		}
	}()
	_, err = tmp.Write(content)
	err = errors.Join(err, tmp.Chmod(mode), tmp.Sync(), tmp.Close())
	if err != nil {
		return err
	}
	if err = os.Rename(tmp.Name(), file); err != nil {
		return err
	}
	return syncDir(filepath.Dir(file))
}

// syncDir makes the new name as durable as the new content.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
