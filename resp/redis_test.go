package resp

import (
	"errors"
	"net"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// realRedis is a connection to a redis-server 7.0.15 that the test started.
type realRedis struct {
	t    testing.TB
	conn net.Conn
	buf  []byte
}

const redisProgram = "/usr/bin/redis-server"

// startRedis starts a server for this test and connects to it; it skips the
// test where none is installed.
func startRedis(t testing.TB, args ...string) *realRedis {
	t.Helper()
	if _, err := exec.LookPath(redisProgram); err != nil {
		t.Skipf("SKIPPED: no %s to compare with", redisProgram)
	}
	dir := t.TempDir()
	sock := filepath.Join(dir, "s")
	args = append([]string{"--port", "0", "--unixsocket", sock, "--save", "", "--dir", dir,
		"--enable-debug-command", "yes"}, args...)
	cmd := exec.Command(redisProgram, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	r := &realRedis{t: t}
	for end := time.Now().Add(10 * time.Second); ; runtime.Gosched() {
		conn, err := net.Dial("unix", sock)
		if err == nil {
			r.conn = conn
			break
		}
		if time.Now().After(end) {
			t.Fatalf("redis-server does not answer: %v", err)
		}
	}
	t.Cleanup(func() { _ = r.conn.Close() })
	if v := r.do("INFO", "server"); !containsLine(v.Str, "redis_version:7.0.15") {
		t.Skip("SKIPPED: the installed redis-server is not 7.0.15")
	}
	return r
}

func containsLine(s, line string) bool {
	for len(s) > 0 {
		i := 0
		for i < len(s) && s[i] != '\n' {
			i++
		}
		if s[:min(i, len(line))] == line {
			return true
		}
		s = s[min(i+1, len(s)):]
	}
	return false
}

// do sends one command and reads its reply.
func (r *realRedis) do(args ...string) Value {
	r.t.Helper()
	return r.pipe([][]string{args})[0]
}

// pipe sends commands together and reads their replies.
func (r *realRedis) pipe(cmds [][]string) []Value {
	r.t.Helper()
	var req []byte
	for _, args := range cmds {
		req = appendHeader(req, '*', int64(len(args)))
		for _, a := range args {
			req = appendBulk(req, a)
		}
	}
	return r.raw(req, len(cmds))
}

// raw sends bytes and reads n replies.
func (r *realRedis) raw(req []byte, n int) []Value {
	r.t.Helper()
	if err := r.conn.SetDeadline(time.Now().Add(60 * time.Second)); err != nil {
		r.t.Fatal(err)
	}
	sent := make(chan error, 1)
	go func() {
		_, err := r.conn.Write(req)
		sent <- err
	}()
	var out []Value
	chunk := make([]byte, 1<<20)
	for len(out) < n {
		v, took, err := Decode(r.buf)
		if err == nil {
			r.buf = r.buf[took:]
			out = append(out, v)
			continue
		}
		if !errors.Is(err, ErrIncomplete) {
			r.t.Fatal(err)
		}
		got, err := r.conn.Read(chunk)
		if err != nil {
			r.t.Fatalf("after %d of %d replies: %v", len(out), n, err)
		}
		r.buf = append(r.buf, chunk[:got]...)
	}
	if err := <-sent; err != nil {
		r.t.Fatal(err)
	}
	return out
}

// wire is v in RESP3, the form in which tests compare replies.
func wire(v Value) string { return string(v.AppendTo(nil, 3)) }
