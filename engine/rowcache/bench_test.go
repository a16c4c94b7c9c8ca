package rowcache

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/maypok86/otter/v2"
)

const benchEntries = 1_000_000

var dst [256]byte

func benchKey(i int) []byte {
	k := make([]byte, 0, 32)
	k = append(k, 'd')
	k = binary.BigEndian.AppendUint64(k, uint64(i)*0x9e3779b97f4a7c15)
	return fmt.Appendf(k, "\x10key:%012d", i)
}

type rows interface {
	Get(dst, key []byte) ([]byte, bool)
	Put(key, row []byte)
}

type otterRows struct{ c *otter.Cache[string, []byte] }

func (o otterRows) Get(_, key []byte) ([]byte, bool) { return o.c.GetIfPresent(string(key)) }
func (o otterRows) Put(key, row []byte)              { o.c.Set(string(key), row) }

func implementations(capacity int64) map[string]func() rows {
	return map[string]func() rows{
		"own": func() rows { return New(capacity) },
		"otter": func() rows {
			return otterRows{otter.Must(&otter.Options[string, []byte]{
				MaximumWeight: uint64(capacity),
				Weigher:       func(k string, v []byte) uint32 { return uint32(len(k)+len(v)) + EntryOverhead },
			})}
		},
	}
}

func closeRows(c rows) {
	if own, ok := c.(*Cache); ok {
		own.Close()
	}
}

func filled(b *testing.B, c rows) [][]byte {
	keys := make([][]byte, benchEntries)
	for i := range keys {
		keys[i] = benchKey(i)
		c.Put(keys[i], make([]byte, 150))
	}
	return keys
}

func BenchmarkHit(b *testing.B) {
	for name, make := range implementations(512 << 20) {
		b.Run(name, func(b *testing.B) {
			c := make()
			defer closeRows(c)
			keys := filled(b, c)
			r := rand.New(rand.NewPCG(1, 2))
			time.Sleep(200 * time.Millisecond) // lets a maintenance goroutine settle; nothing depends on it
			b.ReportAllocs()
			b.ResetTimer()
			hits := 0
			for range b.N {
				if _, ok := c.Get(dst[:0], keys[r.IntN(len(keys))]); ok {
					hits++
				}
			}
			b.ReportMetric(float64(hits)/float64(b.N), "hitratio")
		})
	}
}

// BenchmarkHitHot is a working set that the processor's caches hold.
func BenchmarkHitHot(b *testing.B) {
	for name, make := range implementations(512 << 20) {
		b.Run(name, func(b *testing.B) {
			c := make()
			defer closeRows(c)
			keys := filled(b, c)
			b.ResetTimer()
			for i := range b.N {
				c.Get(dst[:0], keys[i&1023])
			}
		})
	}
}

func BenchmarkPutExisting(b *testing.B) {
	for name, make := range implementations(512 << 20) {
		b.Run(name, func(b *testing.B) {
			c := make()
			defer closeRows(c)
			keys := filled(b, c)
			r := rand.New(rand.NewPCG(1, 2))
			row := []byte("a row that replaces another row")
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				c.Put(keys[r.IntN(len(keys))], row)
			}
		})
	}
}

// BenchmarkPutEvicting fills a cache that has room for a tenth of the keys.
func BenchmarkPutEvicting(b *testing.B) {
	for name, impl := range implementations(32 << 20) {
		b.Run(name, func(b *testing.B) {
			c := impl()
			defer closeRows(c)
			keys := filled(b, c)
			row := make([]byte, 150)
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				c.Put(keys[i%len(keys)], row)
			}
		})
	}
}

// BenchmarkMemory reports bytes an entry beyond key and row, and the length of a full collection.
func BenchmarkMemory(b *testing.B) {
	for name, make := range implementations(1 << 30) {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				c := make()
				keys := filled(b, c)
				runtime.GC()
				runtime.ReadMemStats(&after)
				start := time.Now()
				runtime.GC()
				b.ReportMetric(float64(time.Since(start).Microseconds())/1000, "gc-ms")
				b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/benchEntries, "B/entry")
				runtime.KeepAlive(keys)
				runtime.KeepAlive(c)
				if own, ok := c.(*Cache); ok {
					m := own.Metrics()
					b.ReportMetric(float64(m.Bytes)/benchEntries, "off-heap-B/entry")
					own.Close()
				}
			}
		})
	}
}

// BenchmarkZipf reports the share of hits with a tenth of the bytes.
func BenchmarkZipf(b *testing.B) {
	for name, impl := range implementations(28 << 20) {
		b.Run(name, func(b *testing.B) {
			c := impl()
			defer closeRows(c)
			z := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), 1.01, 1, benchEntries-1)
			row := make([]byte, 150)
			hits := 0
			b.ResetTimer()
			for range b.N {
				k := benchKey(int(z.Uint64()))
				if _, ok := c.Get(dst[:0], k); ok {
					hits++
				} else {
					c.Put(k, row)
				}
			}
			b.ReportMetric(float64(hits)/float64(b.N), "hitratio")
		})
	}
}
