package bench

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (-rewrite writes it anew); got:\n%s", path, got)
	}
}

func latencies(n int64, p50 time.Duration) Latency {
	return Latency{Count: n, Mean: p50, P50: p50, P99: 4 * p50, P999: 11 * p50, Max: 300 * p50}
}

func TestReportTable(t *testing.T) {
	var b bytes.Buffer
	r := Report{
		Title: "50 clients, pipeline 1, 80% GET, 1000000 zipfian keys", Elapsed: 10 * time.Second, Throughput: 100_000,
		All: latencies(1_000_000, 260*time.Microsecond), Reads: latencies(800_000, 250*time.Microsecond), Writes: latencies(200_000, 300*time.Microsecond),
		Misses: 12, Errors: map[string]int64{"timeout": 2, "OOM": 31, "ERR": 2},
	}
	reads := Report{
		Title: "reads only", Elapsed: 2 * time.Second, Rate: 2000, All: latencies(3000, time.Millisecond), Reads: latencies(3000, time.Millisecond), Unsent: 1000,
	}
	if err := errors.Join(r.Write(&b), reads.Write(&b)); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.golden", b.Bytes())
}

func TestCompareTable(t *testing.T) {
	for file, c := range map[string]struct {
		servers []string
		against string
	}{
		"compare.golden":               {[]string{"redis", "rondo"}, ""},
		"compare-against.golden":       {[]string{"redis", "old", "rondo"}, "old"},
		"compare-against-first.golden": {[]string{"old", "rondo"}, "old"},
	} {
		var b bytes.Buffer
		if err := comparison(c.servers, c.against).Write(&b); err != nil {
			t.Fatal(err)
		}
		golden(t, file, b.Bytes())
	}
}

// comparison is a report in which the n-th server needs n times the CPU.
func comparison(servers []string, against string) CompareReport {
	o := DefaultCompareOptions()
	o.Cells = []Cell{{Set, 1}, {Get, 16}}
	for _, name := range servers {
		o.Servers = append(o.Servers, Server{Name: name})
	}
	o.Against = against
	r := newCompareReport(o)
	r.Machine = "Test CPU, 2 cores, Linux 6.1"
	r.Setup = setup(CompareOptions{Rounds: 3, Duration: time.Second, Clients: 50, ValueSize: 100, Keys: 1_000_000, ServerCore: 0, ClientCore: 1, Driver: Raw})
	r.Servers[0].Version = "7.0.15"
	for i := range r.Servers {
		for j := range r.Servers[i].Cells {
			c := &r.Servers[i].Cells[j]
			for round := range 3 {
				cpu := float64(10*(i+1)+round) / float64(j*10+1)
				c.Samples = append(c.Samples, Sample{
					Operations: 100_000, Elapsed: time.Second, Throughput: 1e6 / cpu, Latency: latencies(100_000, time.Duration(cpu*1e4)),
					CPUPerOp: cpu, SystemPerOp: cpu / 2, ServerBusy: 1, ClientBusy: 0.4,
				})
			}
			c.RSS = int64(200+i*100) << 20
			c.LaterPerOp = float64(i)
		}
	}
	r.Servers[0].Cells[1].Samples[1].Latency.P999 = 0
	r.finish()
	return r
}

// A report says the same of the second reference as it would of a first.
func TestSecondReference(t *testing.T) {
	r := comparison([]string{"redis", "old", "rondo"}, "old")
	pair := comparison([]string{"redis", "rondo"}, "")
	for j := range r.Servers[0].Cells {
		pair.Servers[0].Cells[j].Samples = r.Servers[1].Cells[j].Samples
		pair.Servers[1].Cells[j].Samples = r.Servers[2].Cells[j].Samples
	}
	pair.finish()
	for j, want := range pair.Servers[1].Cells {
		got := r.Servers[2].Cells[j]
		if got.CPUAgainst != want.CPURatio || got.ThroughputAgainst != want.ThroughputRatio || got.CPUAgainst == got.CPURatio {
			t.Errorf("%s: %+v, %+v; want %+v", got.Cell, got.ThroughputAgainst, got.CPUAgainst, want)
		}
		for i := range 2 {
			if c := r.Servers[i].Cells[j]; c.CPUAgainst != (Ratio{}) || c.ThroughputAgainst != (Ratio{}) {
				t.Errorf("%s has a ratio to what comes after it: %+v", r.Servers[i].Name, c.CPUAgainst)
			}
		}
	}
}

func TestQuantile(t *testing.T) {
	v := []float64{4, 1, 3, 2}
	for q, want := range map[float64]float64{0: 1, 0.25: 1.75, 0.5: 2.5, 1: 4} {
		if got := quantile(v, q); got != want {
			t.Errorf("quantile %v = %v, want %v", q, got, want)
		}
	}
	if quantile(nil, 0.5) != 0 || quantile([]float64{7}, 0.75) != 7 {
		t.Error("quantile of nothing or of one")
	}
	if v[0] != 4 {
		t.Error("the argument was sorted in place")
	}
}

// TestRatioIsWithinRounds has a machine that halves its speed between rounds:
// the ratio does not see it, the quotient of medians would.
func TestRatioIsWithinRounds(t *testing.T) {
	of := []Sample{{CPUPerOp: 15}, {CPUPerOp: 30}, {CPUPerOp: 30}}
	to := []Sample{{CPUPerOp: 10}, {CPUPerOp: 20}, {CPUPerOp: 20}}
	if r := ratio(of, to, cpuPerOp); r != (Ratio{Low: 1.5, Median: 1.5, High: 1.5}) {
		t.Errorf("%+v", r)
	}
}

func TestParseRedisBenchmark(t *testing.T) {
	const out = `"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"
"SET","71428.57","0.351","0.064","0.343","0.463","0.599","1.503"
`
	s, err := parseRedisBenchmark([]byte(out))
	if err != nil || s.Throughput != 71428.57 || s.Latency.P50 != 343*time.Microsecond || s.Latency.P99 != 599*time.Microsecond || s.Latency.Max != 1503*time.Microsecond {
		t.Errorf("%+v, %v", s, err)
	}
	for _, bad := range []string{"", "\"test\",\"rps\"\n", "\"test\",\"rps\"\n\"SET\",\"fast\"\n", "\"test\",\"rps\"\n\"SET\",\"0\"\n", "a,b\n1\n"} {
		if _, err := parseRedisBenchmark([]byte(bad)); err == nil {
			t.Errorf("parseRedisBenchmark(%q): no error", bad)
		}
	}
}
