package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rondokv/rondo/bench"
)

// The servers of these comparisons are this test binary, acting as rondo.
func compareArgs(t *testing.T, args ...string) (argv []string, report string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("comparing needs Linux")
	}
	t.Setenv(actAsRondo, "1")
	report = filepath.Join(t.TempDir(), "report.json")
	return append([]string{
		"bench", "compare", "--against", os.Args[0], "--only", "get/1", "--rounds", "3", "--keys", "500", "--duration", "20ms",
		"--rondo-arg=--cache.rows=1mb", "--rondo-arg=--cache.blocks=8mb", "--temp-dir", t.TempDir(), "--json", report,
	}, args...), report
}

func readReport(t *testing.T, path string) (r bench.CompareReport) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCompareAgainstAnotherRondo(t *testing.T) {
	args, path := compareArgs(t, "--redis", "")
	code, out, errs := command(t, nil, args...)
	if code != 0 {
		t.Fatalf("exit status %d: %s", code, errs)
	}
	if !strings.Contains(out, "against: version") || !strings.Contains(out, "the reference") || strings.Contains(out, "CPU to against") {
		t.Errorf("the other rondo is not the only reference:\n%s", out)
	}
	r := readReport(t, path)
	if len(r.Servers) != 2 || r.Servers[0].Name != "against" || r.Servers[1].Name != "rondo" {
		t.Fatalf("servers %+v", r.Servers)
	}
	if c := r.Servers[1].Cells[0]; len(c.Samples) != 3 || c.CPURatio.Median <= 0 || c.Median.CPUPerOp <= 0 {
		t.Errorf("%+v", c)
	}
}

func TestCompareAgainstAnotherRondoAndRedis(t *testing.T) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed")
	}
	args, path := compareArgs(t)
	code, out, errs := command(t, nil, args...)
	if code != 0 {
		t.Fatalf("exit status %d: %s", code, errs)
	}
	if !strings.Contains(out, "CPU to against") {
		t.Errorf("no ratio to the other rondo:\n%s", out)
	}
	r := readReport(t, path)
	if len(r.Servers) != 3 || r.Servers[0].Name != "redis" || r.Servers[1].Name != "against" || r.Servers[2].Name != "rondo" {
		t.Fatalf("servers %+v", r.Servers)
	}
	if c := r.Servers[2].Cells[0]; c.CPUAgainst.Median <= 0 || c.ThroughputAgainst.Median <= 0 || c.CPUAgainst == c.CPURatio {
		t.Errorf("%+v", c)
	}
}

func TestCompareAgainstNothing(t *testing.T) {
	args, _ := compareArgs(t, "--redis", "", "--against", "/nowhere/rondo")
	if code, _, errs := command(t, nil, args...); code != 1 || !strings.Contains(errs, "against: ") || !strings.Contains(errs, "/nowhere/rondo") {
		t.Errorf("exit status %d: %s", code, errs)
	}
}

// The nodes, and the rondo dev that starts them, are this test binary as well.
func TestBenchCluster(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("measuring needs Linux")
	}
	t.Setenv(actAsRondo, "1")
	path, temp := filepath.Join(t.TempDir(), "report.json"), t.TempDir()
	code, out, errs := command(t, nil, "bench", "cluster", "--rounds", "2", "--duration", "30ms", "--warm-up", "0", "--keys", "1000",
		"--clients", "6", "--only", "set/16,one/get/1", "--json", path, "--temp-dir", temp)
	if code != 0 {
		t.Fatalf("exit status %d: %s", code, errs)
	}
	var r bench.ClusterReport
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	rondo := r.Systems[len(r.Systems)-1]
	if rondo.Name != "rondo" || len(rondo.Cells) != 3 {
		t.Fatalf("%+v", rondo)
	}
	for _, c := range rondo.Cells {
		if len(c.Samples) != 2 || c.Median.Operations == 0 || c.CPU.Median <= 0 || c.Median.Latency.P50 <= 0 {
			t.Errorf("%s: %+v", c.ClusterCell, c)
		}
	}
	if !strings.Contains(out, "QUORUM") || !strings.Contains(out, "SET P=16") {
		t.Errorf("no table:\n%s", out)
	}
	if left, _ := os.ReadDir(temp); len(left) != 0 {
		t.Errorf("%v left behind", left)
	}
}
