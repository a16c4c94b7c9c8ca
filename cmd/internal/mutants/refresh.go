package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// refresh writes each patch anew as the difference between the sources as they are and what it makes of them. Those that do not
// fit any more stay as they are and are named.
func refresh(ctx context.Context, dir string, t *tree, work string, patches []*patch, out io.Writer) error {
	bad := 0
	for _, p := range patches {
		text, err := p.renew(ctx, t, work)
		if err == nil && !bytes.Equal(text, p.text) {
			fmt.Fprintf(out, "%s: written anew\n", p.name)
			err = os.WriteFile(filepath.Join(dir, p.name+patchSuffix), text, 0o644)
		}
		if err != nil {
			bad++
			fmt.Fprintf(out, "%s: %v\n", p.name, err)
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d patches have to be mended by hand", bad)
	}
	return nil
}

// renew returns the patch against the sources of t.
func (p *patch) renew(ctx context.Context, t *tree, work string) ([]byte, error) {
	// The diff is between a and b, so its names are those of a patch.
	before, after := filepath.Join(work, "a"), filepath.Join(work, "b")
	for _, dir := range []string{before, after} {
		if err := t.copyTo(dir); err != nil {
			return nil, err
		}
	}
	if err := p.apply(ctx, after); err != nil {
		return nil, err
	}
	text := []byte(p.header)
	for _, file := range p.files() {
		diff, err := output(ctx, work, nil, "git", "diff", "--no-index", "--no-color", "--no-ext-diff", "--no-prefix", "-U2",
			filepath.Join("a", file), filepath.Join("b", file))
		var exit *exec.ExitError
		if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) { // 1: they differ
			return nil, err
		}
		for line := range strings.Lines(string(diff)) {
			if !strings.HasPrefix(line, "index ") {
				text = append(text, line...)
			}
		}
	}
	if _, err := parsePatch(p.name, text); err != nil {
		return nil, fmt.Errorf("written anew: %w", err)
	}
	return text, nil
}
