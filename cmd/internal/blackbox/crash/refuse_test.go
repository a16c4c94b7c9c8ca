//go:build blackbox

package crash

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

// refused starts a server that is expected not to come up, on ports of the
// kernel's choice, and returns its exit code and what it wrote.
func refused(t *testing.T, dir string, flags ...string) (code int, output string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	args := append([]string{"server", "--dir", dir, "--listen", "127.0.0.1:0"}, flags...)
	cmd := exec.CommandContext(ctx, os.Getenv("RONDO_BIN"), args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		t.Fatalf("the server ran instead of refusing:\n%s", out)
	case err == nil:
		t.Fatalf("exit code 0 without a signal:\n%s", out)
	case !errors.As(err, &exit):
		t.Fatal(err)
	}
	return exit.ExitCode(), string(out)
}

// wantOneLine asserts the way in which a server refuses: exit code 1, and one
// line that says each of these words.
func wantOneLine(t *testing.T, code int, output string, words ...string) {
	t.Helper()
	t.Logf("exit code %d: %s", code, strings.TrimSpace(output))
	if code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	if lines := strings.Count(strings.TrimSpace(output), "\n") + 1; lines != 1 {
		t.Errorf("%d lines, want one:\n%s", lines, output)
	}
	for _, w := range words {
		if !strings.Contains(output, w) {
			t.Errorf("does not say %q: %s", w, output)
		}
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	node := harness.StartRondo(t, harness.Options{})
	c := harness.Dial(t, node.Clients)
	c.Do("SET", "k", "v")
	code, output := refused(t, node.Dir)
	wantOneLine(t, code, output, node.Dir, "in use")
	if got := c.Do("GET", "k"); got != "$1\r\nv\r\n" {
		t.Errorf("the first process answers %q afterwards", got)
	}
	node.Kill()
	node.Start() // a lock does not outlive its process
	if got := harness.Dial(t, node.Clients).Do("GET", "k"); got != "$1\r\nv\r\n" {
		t.Errorf("after the kill GET = %q", got)
	}
}

func TestForeignDirectoryIsRefused(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "dump.rdb")
	if err := os.WriteFile(file, []byte("REDIS0010"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, output := refused(t, dir)
	wantOneLine(t, code, output, dir, "dump.rdb")
	names, err := os.ReadDir(dir)
	if err != nil || len(names) != 1 {
		t.Errorf("the refused directory was changed: %v, %v", names, err)
	}
}

func TestNewerFormatIsRefused(t *testing.T) {
	node := harness.StartRondo(t, harness.Options{})
	harness.Dial(t, node.Clients).Do("SET", "k", "v")
	node.Stop()
	identity := filepath.Join(node.Dir, "RONDO")
	good, err := os.ReadFile(identity)
	if err != nil {
		t.Fatal(err)
	}
	newer := bytes.Clone(good)
	for at := 0; at+16 <= len(newer); at += 4096 { // the version behind the eight letters of each slot
		binary.BigEndian.PutUint32(newer[at+8:], 99)
	}
	if err := os.WriteFile(identity, newer, 0o600); err != nil {
		t.Fatal(err)
	}
	code, output := refused(t, node.Dir)
	wantOneLine(t, code, output, "format 99", "newer version")
	if now, err := os.ReadFile(identity); err != nil || !bytes.Equal(now, newer) {
		t.Errorf("the refused directory was changed: %v", err)
	}
	if err := os.WriteFile(identity, good, 0o600); err != nil {
		t.Fatal(err)
	}
	node.Start()
	if got := harness.Dial(t, node.Clients).Do("GET", "k"); got != "$1\r\nv\r\n" {
		t.Errorf("with the old format again GET = %q", got)
	}
}

// TestSecondSignalEndsAtOnce holds a stop up by replies that are on their way:
// more than the buffers of both sides hold, to a client that does not read.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	node := harness.StartRondo(t, harness.Options{Flags: []string{"--shutdown-timeout", "60"}})
	c := harness.Dial(t, node.Clients)
	c.Do("SET", "k", "v")
	c.Do("SET", "big", strings.Repeat("b", 1<<20))
	slow := harness.Dial(t, node.Clients)
	if err := slow.Send(bytes.Repeat(harness.AppendCommand(nil, "GET", "big"), 200)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(slow, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	node.Signal(syscall.SIGTERM)
	awaitRefusal(t, node.Clients)
	select {
	case <-node.Exited():
		t.Fatalf("the first signal did not wait for what was in flight:\n%s", node.LogTail())
	default:
	}
	begin := time.Now()
	node.Signal(syscall.SIGTERM)
	select {
	case <-node.Exited():
		t.Logf("gone %v after the second signal", time.Since(begin).Round(time.Millisecond))
	case <-time.After(5 * time.Second):
		t.Fatalf("still there 5 s after the second signal:\n%s", node.LogTail())
	}
	node.Start()
	if got := harness.Dial(t, node.Clients).Do("GET", "k"); got != "$1\r\nv\r\n" {
		t.Errorf("after the second signal GET = %q", got)
	}
}

// awaitRefusal waits until nobody listens any more.
func awaitRefusal(t *testing.T, addr string) {
	t.Helper()
	poll(t, "end of listening", func() bool {
		c, err := harness.Connect(addr)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
}

func poll(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(10 * time.Second)
	for !done() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("no %s within 10 s", what)
		}
	}
}
