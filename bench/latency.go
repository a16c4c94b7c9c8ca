package bench

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Histograms span 1 us to 2 min at three significant digits; unit 1 ns, with
// steps of 512 ns at the low end. What lies outside counts at the border.
const (
	lowestLatency  = int64(time.Microsecond)
	highestLatency = int64(2 * time.Minute)
)

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(lowestLatency, highestLatency, 3)
}

// record counts n operations of latency d.
func record(h *hdrhistogram.Histogram, d time.Duration, n int64) {
	v := min(max(int64(d), lowestLatency), highestLatency)
	_ = h.RecordValues(v, n) // fails only outside the bounds
}

// Latency sums up a histogram.
type Latency struct {
	Count int64         `json:"count"`
	Mean  time.Duration `json:"mean_ns"`
	P50   time.Duration `json:"p50_ns"`
	P99   time.Duration `json:"p99_ns"`
	P999  time.Duration `json:"p999_ns"`
	Max   time.Duration `json:"max_ns"`
}

func summarize(h *hdrhistogram.Histogram) Latency {
	if h.TotalCount() == 0 {
		return Latency{}
	}
	q := h.ValueAtPercentilesSlice([]float64{50, 99, 99.9})
	return Latency{
		Count: h.TotalCount(),
		Mean:  time.Duration(h.Mean()),
		P50:   time.Duration(q[0]),
		P99:   time.Duration(q[1]),
		P999:  time.Duration(q[2]),
		Max:   time.Duration(h.Max()),
	}
}
