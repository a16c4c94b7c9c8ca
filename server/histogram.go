package server

import (
	"sync/atomic"

	"github.com/rondokv/rondo/resp"
)

// histogram is a moment of latencies, of one command or one level, by powers of two.
type histogram struct {
	counts [latencyBuckets]int64
	total  int64
}

func (c *commandStats) histogram() histogram { return momentOf(&c.latency) }

func (l *levelStats) histogram() histogram { return momentOf(&l.latency) }

func momentOf(latency *[latencyBuckets]atomic.Int64) (h histogram) {
	for i := range latency {
		h.counts[i] = latency[i].Load()
		h.total += h.counts[i]
	}
	return h
}

// bucketMicros is the bound of bucket i in microseconds, as Redis's histogram
// of two digits labels it: 1 2 4 8 16 33 66 132 ...
func bucketMicros(i int) int64 {
	const shortest = 10 // 2^10 ns is the first label
	i = max(i, shortest)
	return (int64(1)<<i + int64(1)<<(i-7) - 1) / 1000
}

// percentile is the upper bound in microseconds of the bucket that p percent of
// the calls do not exceed.
func (h *histogram) percentile(p float64) float64 {
	rank := p / 100 * float64(h.total)
	var seen int64
	for i, n := range h.counts {
		seen += n
		if n > 0 && float64(seen) >= rank {
			return float64(int64(1)<<i) / 1000
		}
	}
	return 0
}

// reply is the histogram as LATENCY HISTOGRAM shows it: bounds and how many
// calls did not exceed them, where that rises.
func (h *histogram) reply() resp.Value {
	var kvs []resp.Value
	var seen, shown int64
	for i, n := range h.counts {
		seen += n
		// Buckets below the first label are shown under it.
		if next := i + 1; next < len(h.counts) && bucketMicros(next) == bucketMicros(i) {
			continue
		}
		if seen > shown {
			kvs = append(kvs, resp.Int(bucketMicros(i)), resp.Int(seen))
			shown = seen
		}
	}
	return resp.Map(resp.BulkString("calls"), resp.Int(h.total), resp.BulkString("histogram_usec"), resp.Map(kvs...))
}
