package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func compareOptions(t *testing.T) CompareOptions {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("comparing needs Linux")
	}
	o := DefaultCompareOptions()
	redis := redisPath(t)
	o.Servers = []Server{RedisServer("a", redis), RedisServer("b", redis)}
	o.Rounds = 2
	o.Keys = 1000
	o.Duration = 30 * time.Millisecond
	o.WarmUp = 10 * time.Millisecond
	o.TempDir = t.TempDir()
	return o
}

func TestCompareTwoRedis(t *testing.T) {
	o := compareOptions(t)
	o.JSONPath = filepath.Join(t.TempDir(), "report.json")
	var out bytes.Buffer
	r, err := Compare(t.Context(), o, &out)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range r.Servers {
		if len(s.Cells) != len(DefaultCells()) || s.Version == "" {
			t.Errorf("%s: %d cells, version %q", s.Name, len(s.Cells), s.Version)
		}
		for _, c := range s.Cells {
			m := c.Median
			if len(c.Samples) != 2 || m.Operations == 0 || m.Throughput <= 0 || m.Latency.P50 <= 0 || m.CPUPerOp <= 0 || c.RSS < 1<<20 {
				t.Errorf("%s %s: %+v", s.Name, c.Cell, c)
			}
			if m.ServerBusy > 1.2 {
				t.Errorf("%s %s: server used %.2f cores, is pinned to one", s.Name, c.Cell, m.ServerBusy)
			}
			if c.CPURatio.Low > c.CPURatio.Median || c.CPURatio.Median > c.CPURatio.High || c.CPURatio.Low <= 0 {
				t.Errorf("%s %s: ratio %+v", s.Name, c.Cell, c.CPURatio)
			}
		}
	}
	var again CompareReport
	b, err := os.ReadFile(o.JSONPath)
	if err = errors.Join(err, json.Unmarshal(b, &again)); err != nil || len(again.Servers) != 2 || again.Servers[1].Cells[0].Command != Ping {
		t.Errorf("JSON: %v, %+v", err, again)
	}
	if left, _ := os.ReadDir(o.TempDir); len(left) != 0 {
		t.Errorf("%v left behind", left)
	}
}

func TestCompareWithRedisBenchmark(t *testing.T) {
	o := compareOptions(t)
	o.Driver, o.Requests, o.Rounds, o.Only = RedisBenchmark, 2000, 1, []string{"set/16", "ping/1"}
	r, err := Compare(t.Context(), o, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int64{2000, 8000} {
		if m := r.Servers[1].Cells[i].Median; m.Operations != want || m.Throughput <= 0 || m.CPUPerOp <= 0 {
			t.Errorf("%+v", m)
		}
	}
}

// TestCompareKeepsLogs has the second server refuse its arguments.
func TestCompareKeepsLogs(t *testing.T) {
	o := compareOptions(t)
	o.Servers[1].Args = []string{"--no-such-setting", "1"}
	_, err := Compare(t.Context(), o, &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "no-such-setting") {
		t.Fatalf("err = %v, want the log's words", err)
	}
	logs, _ := filepath.Glob(filepath.Join(o.TempDir, "*", "*", "server.log"))
	data, _ := filepath.Glob(filepath.Join(o.TempDir, "*", "0-a", "data"))
	if len(logs) != 2 || len(data) != 0 {
		t.Errorf("logs kept %v, data left %v", logs, data)
	}
}

// TestCompareRefusesCheapReplies runs against servers that have no memory for
// the keys: fast errors and missing keys are no measurement.
func TestCompareRefusesCheapReplies(t *testing.T) {
	for want, c := range map[string]struct {
		args []string
		cell string
	}{
		"OOM":     {[]string{"--maxmemory", "1"}, "ping/1"},
		"missing": {[]string{"--maxmemory", "3mb", "--maxmemory-policy", "allkeys-random"}, "get/1"},
	} {
		o := compareOptions(t)
		o.Servers = []Server{RedisServer("full", redisPath(t), c.args...)}
		o.Only, o.Keys, o.WarmUp = []string{c.cell}, 20_000, 0
		if _, err := Compare(t.Context(), o, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err = %v, want %s", err, want)
		}
	}
}

func TestCompareStopsServersWhenCancelled(t *testing.T) {
	o := compareOptions(t)
	o.Duration = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, err := Compare(ctx, o, &bytes.Buffer{})
		done <- err
	}()
	waitFor(t, func() bool { return len(serversUnder(t, o.TempDir)) == 2 })
	cancel()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("err = %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("still running")
	}
	if left := serversUnder(t, o.TempDir); len(left) != 0 {
		t.Errorf("processes %v still run", left)
	}
}

// serversUnder lists the processes whose working directory is below dir.
func serversUnder(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	links, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, l := range links {
		if cwd, err := os.Readlink(l); err == nil && strings.HasPrefix(cwd, dir) {
			found = append(found, l)
		}
	}
	return found
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(30 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("waited in vain")
		}
	}
}

func TestProcessFreeze(t *testing.T) {
	p := startRedis(t)
	if err := p.freeze(); err != nil {
		t.Fatal(err)
	}
	if err := p.thaw(); err != nil {
		t.Fatal(err)
	}
	if err := p.freeze(); err != nil { // stop must end a frozen process, too
		t.Fatal(err)
	}
}

// TestCompareByRequests names the server by a path relative to ours.
func TestCompareByRequests(t *testing.T) {
	o := compareOptions(t)
	cwd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	rel, err := filepath.Rel(cwd, redisPath(t))
	if err != nil {
		t.Fatal(err)
	}
	o.Servers = []Server{RedisServer("a", rel)}
	o.Only, o.Requests, o.Duration = []string{"get/16"}, 1001, time.Nanosecond
	r, err := Compare(t.Context(), o, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Servers[0].Cells[0].Median.Operations; got != 4004 {
		t.Errorf("%d operations in a turn, want 4004", got)
	}
}

func TestFreePorts(t *testing.T) {
	port, err := freePorts()
	if err != nil || port < 1024 || port+derived[len(derived)-1] > 65_535 {
		t.Errorf("port %d, %v", port, err)
	}
}
