package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rondokv/rondo/conf"
)

func confFor(listen string) (conf.Config, error) {
	c := conf.Default()
	c.Listen = listen
	return c.Resolve(conf.Machine{MemoryBytes: 1 << 30, DiskBytes: 1 << 30})
}

// patience bounds every wait for the process: it is there to fail, not to pass.
const patience = 30 * time.Second

// child is a rondo server in a process of its own: this test binary, see TestMain.
type child struct {
	cmd     *exec.Cmd
	clients string
	admin   string
	welcome string
	stderr  *bytes.Buffer // whole once wait has returned
	waited  chan error
}

// startChild starts a server on free ports and returns when it is ready.
func startChild(t *testing.T, dir string, args ...string) *child {
	t.Helper()
	c := &child{stderr: new(bytes.Buffer), waited: make(chan error, 1)}
	c.cmd = exec.Command(os.Args[0], append([]string{"server", "--dir", dir, "--listen", "127.0.0.1:0", "--cache.rows", "1mb", "--cache.blocks", "8mb"}, args...)...)
	c.cmd.Env = append(os.Environ(), actAsRondo+"=1")
	c.cmd.Stderr = c.stderr
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{})
	go func() {
		defer close(ready)
		lines := bufio.NewReader(stdout)
		for !strings.HasPrefix(c.welcome[strings.LastIndexByte(strings.TrimSuffix(c.welcome, "\n"), '\n')+1:], "Try next") {
			line, err := lines.ReadString('\n')
			c.welcome += line
			if err != nil {
				return
			}
		}
	}()
	select {
	case <-ready:
	case <-time.After(patience):
		t.Error("the server says nothing")
	}
	go func() { c.waited <- c.cmd.Wait() }()
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill() // most have ended by now
	})
	c.clients = match(c.welcome, `clients +(\S+)`)
	c.admin = match(c.welcome, `admin +http://([^/]+)`)
	if c.clients == "" {
		code := c.wait(t)
		t.Fatalf("the server ended with %d:\n%s", code, c.stderr)
	}
	return c
}

func match(text, pattern string) string {
	if m := regexp.MustCompile(pattern).FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

func (c *child) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := c.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// wait returns the exit status.
func (c *child) wait(t *testing.T) int {
	t.Helper()
	select {
	case err := <-c.waited:
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return c.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		t.Fatal("the server does not end")
		return -1
	}
}

// dial opens a connection for inline commands.
func (c *child) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", c.clients)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func ask(t *testing.T, conn net.Conn, command, want string) {
	t.Helper()
	if _, err := fmt.Fprintf(conn, "%s\r\n", command); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(want))
	if n, err := io.ReadFull(conn, got); err != nil || string(got) != want {
		t.Fatalf("%s answers %q, %v; want %q", command, got[:n], err, want)
	}
}

func TestServerLife(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	c := startChild(t, dir)
	ask(t, c.dial(t), "SET hello world", "+OK\r\n")
	ask(t, c.dial(t), "DBSIZE", ":1\r\n")
	for path, want := range map[string]string{"/healthz": "", "/readyz": "", "/metrics": "rondo_store_applies_total"} {
		res, err := http.Get("http://" + c.admin + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close() // it was read to the end
		if err != nil || res.StatusCode != 200 || !strings.Contains(string(body), want) {
			t.Errorf("%s: %s, %v", path, res.Status, err)
		}
	}
	// A second node on the same directory: one line, and the first goes on.
	code, _, errs := command(t, nil, "server", "--dir", dir, "--listen", "127.0.0.1:0")
	if code != 1 || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, dir+" is open in another process") {
		t.Errorf("locked directory: exit status %d, %q", code, errs)
	}
	c.signal(t, syscall.SIGTERM)
	if code := c.wait(t); code != 0 {
		t.Fatalf("SIGTERM: exit status %d:\n%s", code, c.stderr)
	}

	c = startChild(t, dir, "--log.format", "text")
	ask(t, c.dial(t), "GET hello", "$5\r\nworld\r\n")
	ask(t, c.dial(t), "DBSIZE", ":1\r\n")
	if _, err := fmt.Fprint(c.dial(t), "SHUTDOWN\r\n"); err != nil {
		t.Fatal(err)
	}
	if code := c.wait(t); code != 0 {
		t.Fatalf("SHUTDOWN: exit status %d:\n%s", code, c.stderr)
	}

	c = startChild(t, dir)
	ask(t, c.dial(t), "SET hello again", "+OK\r\n")
	c.signal(t, syscall.SIGKILL)
	c.wait(t)
	c = startChild(t, dir)
	ask(t, c.dial(t), "GET hello", "$5\r\nagain\r\n")
	c.signal(t, os.Interrupt)
	if code := c.wait(t); code != 0 {
		t.Fatalf("SIGINT: exit status %d:\n%s", code, c.stderr)
	}
}

// What is in flight when the stop begins is answered in full; a second signal
// does not wait for it.
func TestStopInFlight(t *testing.T) {
	const gets, size = 64, 1 << 20
	for name, second := range map[string]bool{"one signal": false, "two signals": true} {
		t.Run(name, func(t *testing.T) {
			c := startChild(t, filepath.Join(t.TempDir(), "data"), "--shutdown-timeout", "300", "--write-timeout", "300s")
			conn := c.dial(t)
			ask(t, conn, fmt.Sprintf("*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$%d\r\n%s", size, strings.Repeat("x", size)), "+OK\r\n")
			// More than socket buffers hold: the server cannot be done
			// before somebody reads.
			one := fmt.Sprintf("$%d\r\n%s\r\n", size, strings.Repeat("x", size))
			ask(t, conn, strings.TrimSuffix(strings.Repeat("GET big\r\n", gets), "\r\n"), one[:1])
			c.signal(t, syscall.SIGTERM)
			awaitRefusal(t, c.clients)
			if second {
				c.signal(t, syscall.SIGTERM)
				if code := c.wait(t); code != exitInterrupted {
					t.Errorf("exit status %d; want %d:\n%s", code, exitInterrupted, c.stderr)
				}
				return
			}
			got, err := io.ReadAll(conn)
			if want := strings.Repeat(one, gets)[1:]; err != nil || string(got) != want {
				t.Errorf("%d bytes of replies, %v; want %d", len(got), err, len(want))
			}
			if code := c.wait(t); code != 0 {
				t.Errorf("exit status %d:\n%s", code, c.stderr)
			}
		})
	}
}

// awaitRefusal returns when the address takes no connections any more.
func awaitRefusal(t *testing.T, addr string) {
	t.Helper()
	for begin := time.Now(); time.Since(begin) < patience; {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return
		}
		_ = conn.Close() // try again
	}
	t.Fatal("still accepts")
}

func TestBench(t *testing.T) {
	c := startChild(t, filepath.Join(t.TempDir(), "data"))
	code, out, errs := command(t, nil, "bench", "--addr", c.clients, "--requests", "2000", "--keys", "50", "--clients", "2", "--pipeline", "8", "--load-first")
	if code != 0 || !strings.Contains(out, "loaded 50 keys") || !strings.Contains(out, "p99") {
		t.Errorf("exit status %d\n%s\n%s", code, out, errs)
	}
	ask(t, c.dial(t), "DBSIZE", ":50\r\n")
	if code, _, errs := command(t, nil, "bench", "--addr", c.clients, "--distribution", "normal"); code != 1 || !strings.Contains(errs, "uniform or zipfian") {
		t.Errorf("a bad option: exit status %d, %s", code, errs)
	}
}

func TestBadDirectories(t *testing.T) {
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "thesis.tex"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{foreign: "thesis.tex", file: file} {
		code, out, errs := command(t, nil, "server", "--dir", dir, "--listen", "127.0.0.1:0")
		if code != 1 || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, want) {
			t.Errorf("exit status %d, output %q, errors %q; want 1 and one line with %q", code, out, errs, want)
		}
	}
}

func TestJSONLog(t *testing.T) {
	log := filepath.Join(t.TempDir(), "rondo.log")
	dir := filepath.Join(t.TempDir(), "data")
	c := startChild(t, dir, "--log.file", log)
	c.signal(t, syscall.SIGTERM)
	c.wait(t)
	if c.stderr.Len() > 0 {
		t.Errorf("with log.file, stderr has\n%s", c.stderr)
	}
	b, err := os.ReadFile(log)
	if err != nil || !strings.Contains(string(b), "msg=ready") || !strings.Contains(string(b), "msg=stopped") {
		t.Errorf("the log is\n%s\n%v", b, err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stdout bytes.Buffer
	stderr := &writer{until: `"ready"`, then: cancel}
	if code := run(ctx, []string{"server", "--dir", dir, "--listen", "127.0.0.1:0", "--log.format", "json"}, process{out: &stdout, err: stderr}); code != 0 {
		t.Fatalf("exit status %d:\n%s", code, stderr.text.String())
	}
	if stdout.Len() > 0 {
		t.Errorf("with JSON logs, stdout has\n%s", &stdout)
	}
	for line := range strings.Lines(stderr.text.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil || m["msg"] == "" {
			t.Errorf("no JSON: %s", line)
		}
	}
}

// writer keeps what is written and calls then when it has seen until.
type writer struct {
	mu    sync.Mutex
	text  strings.Builder
	until string
	then  func()
}

func (w *writer) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, err := w.text.Write(b)
	if strings.Contains(w.text.String(), w.until) {
		w.then()
	}
	return n, err
}
