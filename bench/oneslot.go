package bench

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"time"
)

// oneSlotSpan is about how long each run of redis-benchmark takes.
const oneSlotSpan = 2 * time.Second

// oneSlot runs redis-benchmark --cluster for each of its cells, at the level of a new connection. The tool makes up one key tag a
// node, so the load is on as many slots as there are nodes: it shows how far a few partitions get, and not what a cluster costs.
func (l *clusterLoad) oneSlot(ctx context.Context) ([]OneSlotReport, error) {
	host, port, err := net.SplitHostPort(l.system.entry)
	if err != nil {
		return nil, err
	}
	var all []OneSlotReport
	for i := range l.cells {
		c := l.cells[i].ClusterCell
		if c.Level != l.o.lastLevel(c.Cell) {
			continue
		}
		n := int64(oneSlotSpan.Seconds()*l.cells[i].Median.Throughput) + 1
		cmd := exec.Command(l.o.RedisBenchmark, "--cluster", "-h", host, "-p", port, "-c", strconv.Itoa(l.o.Clients),
			"-d", strconv.Itoa(l.o.ValueSize), "-r", strconv.FormatInt(l.o.Keys, 10), "-P", strconv.Itoa(c.Pipeline),
			"-n", strconv.FormatInt(n, 10), "-t", string(c.Command), "--csv")
		s, err := l.sample(func() (Sample, error) {
			out, err := runPinned(ctx, cmd, -1)
			if err != nil {
				return Sample{}, err
			}
			s, err := parseRedisBenchmark(csvOf(out))
			s.Operations = n
			return s, err
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Cell, err)
		}
		all = append(all, OneSlotReport{Cell: c.Cell, Sample: s})
	}
	return all, nil
}

// csvOf drops what redis-benchmark says of the cluster before and between its rows.
func csvOf(out []byte) []byte {
	var rows []byte
	for line := range bytes.Lines(out) {
		if bytes.HasPrefix(line, []byte(`"`)) {
			rows = append(rows, line...)
		}
	}
	return rows
}
