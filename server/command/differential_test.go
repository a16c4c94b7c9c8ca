package command_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
	"github.com/rondokv/rondo/server/command"
)

// redis is a connection to a real redis-server that the test started.
type redis struct {
	t    *testing.T
	conn net.Conn
	in   []byte // read, not yet taken
}

func startRedis(t *testing.T) *redis {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("no redis-server on this machine")
	}
	dir, err := os.MkdirTemp("", "rondo") // short: a socket's path may have 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	server := exec.Command(path, "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", dir)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Process.Kill(); _ = server.Wait() })
	deadline := time.Now().Add(20 * time.Second)
	for {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			t.Cleanup(func() { _ = conn.Close() })
			return &redis{t: t, conn: conn}
		}
		if time.Now().After(deadline) {
			t.Fatalf("redis-server does not listen: %v", err)
		}
		<-time.After(10 * time.Millisecond) // between attempts
	}
}

func (r *redis) do(args ...string) resp.Value {
	r.t.Helper()
	var b []byte
	b = fmt.Appendf(b, "*%d\r\n", len(args))
	for _, a := range args {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := r.conn.Write(b); err != nil {
		r.t.Fatal(err)
	}
	for {
		v, n, err := resp.Decode(r.in)
		if err == nil {
			r.in = r.in[n:]
			return v
		}
		if !errors.Is(err, resp.ErrIncomplete) {
			r.t.Fatal(err)
		}
		buf := make([]byte, 64<<10)
		n, err = r.conn.Read(buf)
		if err != nil {
			r.t.Fatal(err)
		}
		r.in = append(r.in, buf[:n]...)
	}
}

// clockSlack is how far two clocks read one after the other may be apart, in ms.
const clockSlack = 5000

// agree compares replies; those that tell a time may differ by the time between the two commands.
func agree(args []string, a, b resp.Value) bool {
	slack := int64(0)
	switch strings.ToUpper(args[0]) {
	case "TTL", "EXPIRETIME":
		slack = clockSlack / 1000
	case "PTTL", "PEXPIRETIME":
		slack = clockSlack
	}
	if a.Kind == resp.KindInt && b.Kind == resp.KindInt && a.Int > 0 && b.Int > 0 {
		return max(a.Int-b.Int, b.Int-a.Int) <= slack
	}
	return show(a) == show(b)
}

// Random commands get the same replies as from Redis itself.
func TestDifferential(t *testing.T) {
	r := startRedis(t)
	s := newStore(t)
	rounds := 30_000
	if testing.Short() {
		rounds = 3000
	}
	seed := uint64(time.Now().UnixNano())
	if v := os.Getenv("RONDO_TEST_SEED"); v != "" {
		seed, _ = strconv.ParseUint(v, 10, 64)
	}
	t.Logf("seed %d", seed)
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 1)), now: func() int64 { return time.Now().UnixMilli() }}
	for i := range rounds {
		if i%200 == 0 {
			r.do("FLUSHALL")
			s.rows = map[string][]byte{}
		}
		s.now = max(s.now, object.HLCOf(time.Now().UnixMilli()))
		if g.IntN(10) == 0 {
			compareMulti(t, r, s, g)
			continue
		}
		args := g.line()
		want, got := r.do(args...), s.do(args...)
		if !agree(args, want, got) {
			t.Fatalf("round %d: %q\nredis %s\nrondo %s", i, args, show(want), show(got))
		}
	}
}

// compareMulti runs a transaction on both.
func compareMulti(t *testing.T, r *redis, s *store, g *generator) {
	t.Helper()
	r.do("MULTI")
	lines := make([][]string, 1+g.IntN(6))
	for i := range lines {
		lines[i] = g.line()
		if v := r.do(lines[i]...); show(v) != "+QUEUED" {
			t.Fatalf("%q -> %s", lines[i], show(v))
		}
	}
	want := r.do("EXEC")
	got := s.run(command.NewMulti(s.queue(lines...), nil))
	for i, line := range lines {
		if !agree(line, want.Elems[i], got.Elems[i]) {
			t.Fatalf("%d of %q\nredis %s\nrondo %s", i, lines, show(want), show(got))
		}
	}
}
