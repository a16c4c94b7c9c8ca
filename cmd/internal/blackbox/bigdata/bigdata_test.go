//go:build blackbox

package bigdata

import (
	"context"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rondokv/rondo/bench"
	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

// Bounds that a node should keep with a data set larger than its caches.
const (
	boundMemory  = 900 * mb
	boundReady   = 5 * time.Second
	boundP99     = 10 * time.Millisecond
	boundFlush   = 100 * time.Millisecond
	readRate     = 2000 // requests/s
	valueBytes   = 1024
	cacheSetting = "128mb" // of rows, and of blocks
)

func TestBigData(t *testing.T) {
	gigabytes := harness.Float(t, "BIGDATA_GB", 4, 0.03)
	r := &run{t: t, keys: int64(gigabytes * 1e6)}
	r.node = harness.StartRondo(t, harness.Options{Flags: []string{"--cache.rows", cacheSetting, "--cache.blocks", cacheSetting}})
	t.Logf("%d keys with %d random bytes each, %.2f GB; cache.rows and cache.blocks %s each", r.keys, valueBytes, float64(r.keys)*valueBytes/1e9, cacheSetting)
	machine(t, "at the beginning")
	r.load()
	r.read("right after the load")
	r.stopAndStart()
	r.read("after the restart")
	r.killAndStart()
	r.flush()
	machine(t, "at the end")
}

// machine prints how busy it is with other things as well.
func machine(t *testing.T, when string) {
	t.Helper()
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		t.Logf("%-42s %s", "load average "+when, strings.TrimSpace(string(load)))
	}
}

type run struct {
	t    *testing.T
	node *harness.Node
	keys int64
}

func (r *run) options() bench.Options {
	o := bench.DefaultOptions()
	o.Addrs = []string{r.node.Clients}
	o.Clients = 8
	o.Keys = r.keys
	o.ValueMin, o.ValueMax = valueBytes, valueBytes
	o.Timeout = time.Minute
	return o
}

// output passes what package bench prints to the test's log.
type output struct{ t *testing.T }

func (o output) Write(b []byte) (int, error) {
	o.t.Helper()
	for line := range strings.Lines(string(b)) {
		o.t.Log("bench: " + strings.TrimRight(line, "\n"))
	}
	return len(b), nil
}

func (r *run) load() {
	t := r.t
	t.Helper()
	done := profile(t, r.node, "load-cpu.pprof", "profile?seconds=20")
	begin := time.Now()
	report, err := bench.Load(context.Background(), r.options(), output{t})
	if err != nil {
		t.Fatal(err)
	}
	done()
	took := time.Since(begin)
	mbs := float64(r.keys) * valueBytes / 1e6 / took.Seconds()
	t.Logf("%-42s %10.0f/s, %.0f MB/s, %v; a pipeline: p50 %v p99 %v max %v", "load", float64(r.keys)/took.Seconds(), mbs,
		took.Round(time.Millisecond), report.Writes.P50, report.Writes.P99, report.Writes.Max)
	r.memory("after the load")
	t.Logf("%-42s %10d MB", "disk after the load", diskUsage(t, r.node.Dir)/mb)
	t.Logf("%-42s %s", "store after the load", figures(t, r.node, "write_amplification", "l0_sublevels", "compaction_debt_bytes", "tables", "block_cache_bytes", "row_cache_bytes", "memtable_bytes"))
	if n := size(t, r.node); n != r.keys {
		t.Errorf("DBSIZE after the load is %d, want %d", n, r.keys)
	}
}

func (r *run) memory(when string) {
	r.t.Helper()
	now, peak := status(r.t, r.node, "VmRSS"), status(r.t, r.node, "VmHWM")
	r.t.Logf("%-42s %10d MB, peak %d MB   bound %d MB: %s", "memory "+when, now/mb, peak/mb, boundMemory/mb, verdict(peak < boundMemory))
	if peak >= boundMemory {
		r.t.Errorf("memory %s: the peak is %d MB, bound %d MB", when, peak/mb, boundMemory/mb)
		profile(r.t, r.node, "heap-over-"+strings.ReplaceAll(when, " ", "-")+".pprof", "heap")()
	}
}

// read is an open loop of uniform GETs.
func (r *run) read(when string) {
	t := r.t
	t.Helper()
	seconds := harness.Float(t, "BIGDATA_SECONDS", 60, 3)
	o := r.options()
	o.Clients = 50
	o.Rate = readRate
	o.Duration = time.Duration(seconds * float64(time.Second))
	name := strings.ReplaceAll(when, " ", "-")
	done := profile(t, r.node, "read-cpu-"+name+".pprof", "profile?seconds="+strconv.Itoa(max(1, int(seconds)/2)))
	report, err := bench.OpenLoop(context.Background(), o, output{t})
	if err != nil {
		t.Fatal(err)
	}
	done()
	profile(t, r.node, "read-heap-"+name+".pprof", "heap")()
	l := report.Reads
	t.Logf("%-42s p50 %v p99 %v p99.9 %v max %v   bound p99 %v: %s", "GET at 2,000/s "+when, l.P50, l.P99, l.P999, l.Max, boundP99, verdict(l.P99 < boundP99))
	if report.Misses > 0 || report.ErrorCount() > 0 {
		t.Errorf("reads %s: %d keys were missing, %d errors", when, report.Misses, report.ErrorCount())
	}
	r.memory("after reads " + when)
	t.Logf("%-42s %s", "store after reads "+when, figures(t, r.node, "row_cache_hits_total", "row_cache_misses_total", "block_cache_hits_total", "block_cache_misses_total", "read_amplification", "compaction_debt_bytes"))
}

func (r *run) stopAndStart() {
	t := r.t
	t.Helper()
	begin := time.Now()
	r.node.Signal(syscall.SIGTERM)
	<-r.node.Exited()
	t.Logf("%-42s %10v", "stop after SIGTERM", time.Since(begin).Round(time.Millisecond))
	begin = time.Now()
	r.node.Start()
	within(t, "restart to ready after a clean stop", time.Since(begin), boundReady)
	if n := size(t, r.node); n != r.keys {
		t.Errorf("DBSIZE after a clean stop is %d, want %d", n, r.keys)
	}
}

// killAndStart kills under a load that overwrites keys, so that there is a log
// to read again.
func (r *run) killAndStart() {
	t := r.t
	t.Helper()
	o := r.options()
	o.ReadRatio = 0
	o.Pipeline = 16
	o.Duration = time.Duration(harness.Float(t, "BIGDATA_SECONDS", 60, 3) / 6 * float64(time.Second))
	if _, err := bench.Run(context.Background(), o, output{t}); err != nil {
		t.Fatal(err)
	}
	r.node.Kill()
	begin := time.Now()
	r.node.Start()
	within(t, "restart to ready after kill -9", time.Since(begin), boundReady)
	n := size(t, r.node)
	t.Logf("%-42s %10v after the start; DBSIZE %d", "keys counted", time.Since(begin).Round(time.Millisecond), n)
	if n != r.keys {
		t.Errorf("DBSIZE after kill -9 is %d, want %d", n, r.keys)
	}
	r.memory("after kill -9 and counting")
}

func (r *run) flush() {
	t := r.t
	t.Helper()
	t.Logf("%-42s %10d MB", "disk before FLUSHALL", diskUsage(t, r.node.Dir)/mb)
	c := harness.Dial(t, r.node.Clients)
	begin := time.Now()
	if got := c.Do("FLUSHALL"); got != "+OK\r\n" {
		t.Fatalf("FLUSHALL: %q", got)
	}
	within(t, "FLUSHALL", time.Since(begin), boundFlush)
	if got := c.Do("DBSIZE"); got != ":0\r\n" {
		t.Errorf("DBSIZE after FLUSHALL: %q", got)
	}
	if got := c.Do("GET", "key:000000000001"); got != "$-1\r\n" {
		t.Errorf("GET after FLUSHALL: %.60q", got)
	}
	if got := c.Do("RANDOMKEY"); got != "$-1\r\n" {
		t.Errorf("RANDOMKEY after FLUSHALL: %.60q", got)
	}
	begin = time.Now()
	before := diskUsage(t, r.node.Dir)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	end := time.After(60 * time.Second)
	for now := before; ; now = diskUsage(t, r.node.Dir) {
		if now < 300*mb { // a log or two, and what was not reused yet
			t.Logf("%-42s %10d MB, %v after it", "disk after FLUSHALL", now/mb, time.Since(begin).Round(time.Millisecond))
			return
		}
		select {
		case <-tick.C:
		case <-end:
			t.Logf("%-42s %10d MB a minute after it, and at once %d MB: NOT OK", "disk after FLUSHALL", now/mb, before/mb)
			return
		}
	}
}
