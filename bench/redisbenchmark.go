package bench

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// driveRedisBenchmark runs one cell with redis-benchmark, pinned like us.
func (s *side) driveRedisBenchmark(ctx context.Context, cell Cell) (Sample, error) {
	host, port, err := net.SplitHostPort(s.proc.addr)
	if err != nil {
		return Sample{}, err
	}
	test := string(cell.Command)
	if cell.Command == Ping {
		test = "ping_mbulk"
	}
	n := s.count(cell)
	cmd := exec.Command(s.o.RedisBenchmarkPath, "-h", host, "-p", port, "-c", strconv.Itoa(s.o.Clients),
		"-d", strconv.Itoa(s.o.ValueSize), "-r", strconv.FormatInt(s.o.Keys, 10), "-P", strconv.Itoa(cell.Pipeline),
		"-n", strconv.FormatInt(n, 10), "-t", test, "--threads", "1", "--csv")
	m, err := startMeter(s.proc.pid())
	if err != nil {
		return Sample{}, err
	}
	out, err := runPinned(ctx, cmd, s.o.ClientCore)
	if err != nil {
		return Sample{}, err
	}
	sample, err := parseRedisBenchmark(out)
	if err != nil {
		return sample, err
	}
	sample.Operations = n
	sample.Elapsed = time.Duration(float64(n) / sample.Throughput * float64(time.Second))
	sample.Latency.Count = n
	return sample, m.read(&sample)
}

// runPinned runs cmd to its end and returns what it printed.
func runPinned(ctx context.Context, cmd *exec.Cmd, core int) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := startPinned(cmd, core); err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			return nil, fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, bytes.TrimSpace(stderr.Bytes()))
		}
		return stdout.Bytes(), nil
	case <-ctx.Done():
		_ = cmd.Process.Kill()
		<-done
		return nil, ctx.Err()
	}
}

// parseRedisBenchmark reads the last row of redis-benchmark's --csv output:
// "test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms",
// "p95_latency_ms","p99_latency_ms","max_latency_ms". It has no p99.9.
func parseRedisBenchmark(out []byte) (Sample, error) {
	var s Sample
	rows, err := csv.NewReader(bytes.NewReader(out)).ReadAll()
	if err != nil {
		return s, fmt.Errorf("redis-benchmark: %w", err)
	}
	if len(rows) < 2 {
		return s, errors.New("redis-benchmark: no result row")
	}
	got := map[string]float64{}
	for i, name := range rows[0] {
		v, err := strconv.ParseFloat(rows[len(rows)-1][i], 64)
		if err != nil && name != "test" {
			return s, fmt.Errorf("redis-benchmark: column %s: %w", name, err)
		}
		got[name] = v
	}
	ms := func(name string) time.Duration {
		return time.Duration(got[name+"_latency_ms"] * float64(time.Millisecond))
	}
	s.Throughput = got["rps"]
	if s.Throughput <= 0 {
		return s, fmt.Errorf("redis-benchmark: no throughput in columns %v", rows[0])
	}
	s.Latency = Latency{Mean: ms("avg"), P50: ms("p50"), P99: ms("p99"), Max: ms("max")}
	return s, nil
}
