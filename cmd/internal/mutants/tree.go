package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// tree is the sources that the simulator's command is built from: those of this module, as they are now.
type tree struct {
	root  string
	files []string // relative to root
}

// listSources is a template of go list: each file of this module that is compiled, on a line of its own.
const listSources = `{{with .Module}}{{if .Main}}{{range $.GoFiles}}{{$.Dir}}/{{.}}{{"\n"}}{{end}}` +
	`{{range $.EmbedFiles}}{{$.Dir}}/{{.}}{{"\n"}}{{end}}{{end}}{{end}}`

// readTree finds the sources of a command of the module at root, by the go command's own word.
func readTree(ctx context.Context, root, command string) (*tree, error) {
	out, err := output(ctx, root, nil, "go", "list", "-deps", "-f", listSources, command)
	if err != nil {
		return nil, err
	}
	t := &tree{root: root, files: []string{"go.mod", "go.sum"}}
	for line := range strings.Lines(string(out)) {
		name := strings.TrimSpace(line)
		if name == "" {
			continue
		}
		rel, err := filepath.Rel(root, name)
		if err != nil || !filepath.IsLocal(rel) {
			return nil, fmt.Errorf("%s is not below %s", name, root)
		}
		t.files = append(t.files, rel)
	}
	return t, nil
}

// freeze copies the tree and returns the copy: whoever edits the sources meanwhile does not change what is tried.
func (t *tree) freeze(dir string) (*tree, error) {
	if err := t.copyTo(dir); err != nil {
		return nil, err
	}
	return &tree{root: dir, files: t.files}, nil
}

// copyTo makes dir a fresh copy.
func (t *tree) copyTo(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("copy sources: %w", err)
	}
	for _, name := range t.files {
		err := copyFile(filepath.Join(dir, name), filepath.Join(t.root, name))
		if errors.Is(err, os.ErrNotExist) && name == "go.sum" {
			continue // a module that needs no other
		}
		if err != nil {
			return fmt.Errorf("copy sources: %w", err)
		}
	}
	return nil
}

func copyFile(to, from string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o644)
}

// apply changes the copy at dir. Either all of the patch fits or there is an error.
func (p *patch) apply(ctx context.Context, dir string) error {
	if err := p.anchored(dir); err != nil {
		return err
	}
	_, err := output(ctx, dir, p.text, "git", "apply", "--whitespace=nowarn", "-")
	return err
}

// output runs a command in dir and returns what it prints. Its complaints are in the error. What the user has set for git
// does not reach it, nor a repository around dir.
func output(ctx context.Context, dir string, in []byte, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(in)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		return out, fmt.Errorf("%s %s: %w: %s", name, args[0], err, clip(complaints.String()))
	}
	return out, nil
}

// clip keeps the beginning of what a command said, as one line.
func clip(text string) string {
	const most = 300
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > most {
		text = text[:most] + " ..."
	}
	return text
}
