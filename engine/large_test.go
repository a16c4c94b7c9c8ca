package engine

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rondokv/rondo/engine/object"
)

// rss returns the process's resident memory in MiB, and its peak.
func rss(b *testing.B) (now, peak float64) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip("needs /proc")
	}
	for line := range strings.Lines(string(text)) {
		_, _ = fmt.Sscanf(line, "VmRSS: %f", &now)
		_, _ = fmt.Sscanf(line, "VmHWM: %f", &peak)
	}
	return now / 1024, peak / 1024
}

// BenchmarkDataSet is a data set sixteen times the caches: 4 GiB in rows of 1 KiB against 256 MiB. It reports memory, the
// latency of uniform reads at 2,000 a second, and how long a reopening takes. It runs for some minutes.
func BenchmarkDataSet(b *testing.B) {
	if testing.Short() {
		b.Skip("long")
	}
	debug.SetMemoryLimit(700 << 20)
	defer debug.SetMemoryLimit(-1)
	const rows = 4 << 20
	dir := b.TempDir()
	s := mustOpen(b, dir, Options{})
	key := func(i int) []byte {
		h := uint64(i) * 0x9e3779b97f4a7c15
		return fmt.Appendf(object.AppendSlotKey(nil, uint16(h>>50)), "\x00%x:key:%d", uint32(h), i)
	}
	r := rand.New(rand.NewPCG(1, 2))
	start := time.Now()
	fill(b, s, rows, func(i int) object.Write { return object.Write{Key: key(i), Row: benchRow(1024, r)} })
	b.ReportMetric(rows/1024/time.Since(start).Seconds(), "load-MiB/s")
	_, peak := rss(b)
	b.ReportMetric(peak, "load-peak-MiB")

	reads := func() (p50, p99 time.Duration) {
		const each = 500 * time.Microsecond
		took := make([]time.Duration, 0, 20_000)
		next := time.Now()
		for range cap(took) {
			next = next.Add(each)
			if d := time.Until(next); d > 0 {
				<-time.After(d)
			}
			if row, err := s.Get(nil, key(r.IntN(rows))); err != nil || row == nil {
				b.Fatal("missing", err)
			}
			took = append(took, time.Since(next)) // open loop: counted from when it was due
		}
		slices.Sort(took)
		return took[len(took)/2], took[len(took)*99/100]
	}
	_, p99 := reads()
	b.ReportMetric(float64(p99.Microseconds()), "get-p99-us-compacting")
	for deadline := time.Now().Add(2 * time.Minute); s.db.Metrics().Compact.NumInProgress > 0 && time.Now().Before(deadline); {
		<-time.After(100 * time.Millisecond)
	}
	p50, p99 := reads()
	b.ReportMetric(float64(p50.Microseconds()), "get-p50-us")
	b.ReportMetric(float64(p99.Microseconds()), "get-p99-us")
	now, peak := rss(b)
	b.ReportMetric(now, "rss-MiB")
	b.ReportMetric(peak, "peak-MiB")
	m := s.Metrics()
	b.ReportMetric(float64(m.DiskBytes>>20), "disk-MiB")
	b.ReportMetric(m.WriteAmp, "write-amp")
	reopenAndDrop(b, s, dir)
}

// fill stores rows, 64 at a time.
func fill(b *testing.B, s *Store, rows int, row func(i int) object.Write) {
	cs := make([]object.Commit, 0, 64)
	for i := range rows {
		c, err := s.Apply([]object.Write{row(i)})
		if err != nil {
			b.Fatal(err)
		}
		if cs = append(cs, c); len(cs) == cap(cs) {
			for _, c := range cs {
				if err := c.Wait(); err != nil {
					b.Fatal(err)
				}
			}
			cs = cs[:0]
		}
	}
}

// reopenAndDrop reports how long it takes to close a store, to open it again, and to drop all that it has.
func reopenAndDrop(b *testing.B, s *Store, dir string) {
	start := time.Now()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(time.Since(start).Seconds(), "close-s")
	start = time.Now()
	s = mustOpen(b, dir, Options{})
	b.ReportMetric(time.Since(start).Seconds(), "open-s")
	start = time.Now()
	c, err := s.DropRange([]byte{object.SpaceData}, []byte{object.SpaceData + 1}, nil)
	if err == nil {
		err = c.Wait()
	}
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(time.Since(start).Seconds()*1000, "drop-all-ms")
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}
