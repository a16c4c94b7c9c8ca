//go:build blackbox

package clients

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

// line is what a script prints: its version, or how a step went.
type line struct {
	Version, Step, Error string
}

// runScript notes what a script says. A script that ends before its last step
// did not take the others.
func runScript(t *testing.T, p *probe, dir string, argv ...string) (version string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	host, port := harness.HostPort(t, p.addr)
	cmd := exec.CommandContext(ctx, argv[0], append(argv[1:], host, strconv.Itoa(port), p.name)...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		var l line
		if bad := json.Unmarshal(lines.Bytes(), &l); bad != nil {
			t.Errorf("%q: %v", lines.Text(), bad)
			continue
		}
		if l.Version != "" {
			version = l.Version
			continue
		}
		if p.errors[l.Step] = nil; l.Error != "" {
			p.errors[l.Step] = errors.New(l.Error)
		}
	}
	if err != nil {
		t.Errorf("%v: %v\n%s", argv, err, stderr.Bytes())
	}
	return version
}

// modules installs the packages of testdata/node at first use, outside the
// repository, and returns the directory.
type modules func() (string, error)

func newModules(dir string) modules {
	return sync.OnceValues(func() (string, error) {
		if err := os.CopyFS(dir, os.DirFS("testdata/node")); err != nil {
			return "", err
		}
		cmd := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("npm ci: %w\n%s", err, out)
		}
		return dir, nil
	})
}

// script runs a script of testdata/node.
func (m modules) script(name, mode string) func(*testing.T, *probe) string {
	return func(t *testing.T, p *probe) string {
		node := harness.Tool(t, "node")
		harness.Tool(t, "npm")
		dir, err := m()
		if err != nil {
			t.Fatal(err)
		}
		return runScript(t, p, dir, node, name, mode)
	}
}

// pythonScript runs testdata/probe.py.
func pythonScript(mode string) func(*testing.T, *probe) string {
	return func(t *testing.T, p *probe) string {
		return runScript(t, p, "testdata", python(t), "probe.py", mode)
	}
}

// python is a Python that has redis-py.
func python(t *testing.T) string {
	t.Helper()
	path := findPython()
	if path == "" {
		harness.Missing(t, "redis for Python (Debian: python3-redis)")
	}
	return path
}

func hasPython() bool { return findPython() != "" }

// findPython is the first Python that has redis-py, or empty.
func findPython() string {
	for _, path := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(path, "-c", "import redis").Run() == nil {
			return path
		}
	}
	return ""
}
