package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeServer answers each command with what reply says of its number and its
// words. It knows just enough of the protocol for go-redis.
func fakeServer(t *testing.T, reply func(n int, args []string) string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	n := 0
	var wg sync.WaitGroup
	serve := func(c net.Conn) {
		defer func() { _ = c.Close() }()
		in := bufio.NewReader(c)
		for {
			args, err := readCommand(in)
			if err != nil {
				return
			}
			out := "+PONG\r\n"
			switch strings.ToLower(args[0]) {
			case "ping":
			case "get", "set":
				mu.Lock() // one command at a time, like Redis: a stall stalls all
				n++
				out = reply(n, args)
				mu.Unlock()
			default:
				out = "-ERR unknown command\r\n"
			}
			if _, err := io.WriteString(c, out); err != nil {
				return
			}
		}
	}
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { serve(c) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	return l.Addr().String()
}

func readCommand(in *bufio.Reader) ([]string, error) {
	count, err := readLength(in)
	if err != nil {
		return nil, err
	}
	args := make([]string, count)
	for i := range args {
		size, err := readLength(in)
		if err != nil {
			return nil, err
		}
		b := make([]byte, size+2)
		if _, err := io.ReadFull(in, b); err != nil {
			return nil, err
		}
		args[i] = string(b[:size])
	}
	return args, nil
}

func readLength(in *bufio.Reader) (int, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(line[1:]))
}

func testOptions(addr string) Options {
	o := DefaultOptions()
	o.Addrs = []string{addr}
	o.Protocol = 2
	o.Clients = 4
	o.Keys = 100
	o.Timeout = 5 * time.Second
	return o
}

func TestRunCountsRequestsMissesAndErrors(t *testing.T) {
	addr := fakeServer(t, func(n int, args []string) string {
		switch {
		case strings.EqualFold(args[0], "set") && n%2 == 0:
			return "-OOM command not allowed\r\n"
		case strings.EqualFold(args[0], "set"):
			return "+OK\r\n"
		case n%2 == 0:
			return "$-1\r\n"
		default:
			return "$1\r\nx\r\n"
		}
	})
	for _, pipeline := range []int{1, 16} {
		o := testOptions(addr)
		o.Requests, o.Duration, o.Pipeline = 1000, 0, pipeline
		var out bytes.Buffer
		r, err := Run(t.Context(), o, &out)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.All.Count + r.ErrorCount(); got != 1000 {
			t.Errorf("pipeline %d: %d commands, want 1000", pipeline, got)
		}
		if r.Reads.Count < 400 || r.Reads.Count > 600 || r.Misses == 0 || r.Errors["OOM"] == 0 || len(r.Errors) != 1 {
			t.Errorf("pipeline %d: %+v", pipeline, r)
		}
		if !strings.Contains(out.String(), "OOM "+strconv.FormatInt(r.Errors["OOM"], 10)) {
			t.Errorf("table without errors:\n%s", out.String())
		}
	}
}

// TestOpenLoopSeesAStall is the story of coordinated omission: a server stands
// still once for 400 ms. A closed loop of one connection has one slow request;
// the open loop reports every request that was due meanwhile.
func TestOpenLoopSeesAStall(t *testing.T) {
	const stall, slow = 400 * time.Millisecond, 100 * time.Millisecond
	stalling := func(n int, _ []string) string {
		if n == 50 {
			<-time.After(stall)
		}
		return "$1\r\nx\r\n"
	}
	o := testOptions(fakeServer(t, stalling))
	o.Clients, o.Requests, o.Duration, o.ReadRatio = 1, 600, 0, 1
	closed, err := Run(t.Context(), o, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if closed.All.P99 > slow || closed.All.Max < stall {
		t.Errorf("closed loop: %+v, want one slow request", closed.All)
	}

	o.Addrs = []string{fakeServer(t, stalling)}
	o.Rate = 1000
	open, err := OpenLoop(t.Context(), o, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	// Due in the stall: 400 of 600, of which 300 wait for 100 ms and more.
	if open.All.P50 < slow || open.All.Max < stall || open.All.Count != 600 {
		t.Errorf("open loop: %+v, want a p50 of more than %v", open.All, slow)
	}
}

func TestRunReportsAServerThatIsGone(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	o := testOptions(l.Addr().String())
	if _, err := Run(t.Context(), o, io.Discard); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("err = %v", err)
	}
}

func TestRunEndsWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	addr := fakeServer(t, func(n int, _ []string) string {
		if n == 500 {
			cancel()
		}
		return "$1\r\nx\r\n"
	})
	o := testOptions(addr)
	o.Duration, o.ReadRatio = time.Hour, 1
	r, err := Run(ctx, o, io.Discard)
	if err != nil || r.All.Count < 400 || r.ErrorCount() != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestLoadStopsAtTheFirstError(t *testing.T) {
	addr := fakeServer(t, func(n int, _ []string) string {
		if n > 70 {
			return "-OOM command not allowed\r\n"
		}
		return "+OK\r\n"
	})
	if _, err := Load(t.Context(), testOptions(addr), io.Discard); err == nil || !strings.Contains(err.Error(), "OOM") {
		t.Errorf("err = %v", err)
	}
}

// redisPath skips the test where no redis-server is installed.
func redisPath(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed")
	}
	return path
}

func startRedis(t *testing.T) *process {
	t.Helper()
	dir := t.TempDir()
	p, err := startServer(t.Context(), RedisServer("redis", redisPath(t)),
		startOptions{dir: dir, logPath: dir + "/server.log", core: -1, timeout: 20 * time.Second})
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func TestRunAgainstRedis(t *testing.T) {
	p := startRedis(t)
	for _, o := range []Options{
		{Protocol: 3, LoadFirst: true, ReadRatio: 1},
		{Protocol: 2, Pipeline: 16, ReadRatio: 0.5, Distribution: Zipfian, ValueMin: 1, ValueMax: 2000, Compressible: 0.5},
		{Topology: Forward, Addrs: []string{p.addr, p.addr}, ReadRatio: 0.5, Rate: 5000},
	} {
		if len(o.Addrs) == 0 {
			o.Addrs = []string{p.addr}
		}
		o.Clients, o.Keys, o.Requests = 5, 1000, 2000
		var out, progress bytes.Buffer
		o.Progress = &progress
		r, err := Run(t.Context(), o, &out)
		if err != nil {
			t.Fatalf("%+v: %v", o, err)
		}
		if r.All.Count != 2000 || r.Misses != 0 || len(r.Errors) != 0 {
			t.Errorf("%+v", r)
		}
		if r.All.P50 <= 0 || r.All.P50 > r.All.P99 || r.All.P99 > r.All.P999 || r.All.P999 > r.All.Max {
			t.Errorf("latencies out of order: %+v", r.All)
		}
	}
	if reply, err := p.ask("DBSIZE"); err != nil || strings.TrimSpace(reply) != ":1000" {
		t.Errorf("DBSIZE %q, %v: want the 1000 keys loaded", reply, err)
	}
}
