package engine

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"syscall"
	"testing"

	"github.com/rondokv/rondo/engine/object"
)

func benchRow(n int, r *rand.Rand) []byte {
	b := make([]byte, n)
	b[0], b[1] = object.RowFormat, 1
	for i := 4; i < n/2; i++ {
		b[i] = byte(r.Uint32())
	}
	return binary.BigEndian.AppendUint32(b[:n-4], crc32.Checksum(b[:n-4], castagnoli))
}

func benchKey(r *rand.Rand, n int) []byte {
	k := []byte(fmt.Sprintf("d%08x_key:%012d", 0, r.IntN(n)))
	binary.BigEndian.PutUint64(k[1:], rand.New(rand.NewPCG(binary.BigEndian.Uint64(k[14:22]), 1)).Uint64())
	return k
}

// cpuNanos is the processor time of the process so far: what an operation costs on a machine that does other things too.
func cpuNanos() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// BenchmarkApplyWait is one write a Wait, and sixteen Applies before their sixteen Waits.
func BenchmarkApplyWait(b *testing.B) {
	for _, depth := range []int{1, 16} {
		b.Run(fmt.Sprintf("depth=%d", depth), func(b *testing.B) {
			s, err := Open(b.TempDir(), Options{})
			if err != nil {
				b.Fatal(err)
			}
			r := rand.New(rand.NewPCG(1, 2))
			const n = 1 << 16
			ws := make([]object.Write, n)
			for i := range ws {
				ws[i] = object.Write{Key: benchKey(r, 1_000_000), Row: benchRow(200, r)}
			}
			cs := make([]object.Commit, depth)
			b.ReportAllocs()
			b.ResetTimer()
			cpu := cpuNanos()
			for i := 0; i < b.N; i += depth {
				for j := range cs {
					at := (i + j) % n
					if cs[j], err = s.Apply(ws[at : at+1]); err != nil {
						b.Fatal(err)
					}
				}
				for _, c := range cs {
					if err := c.Wait(); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.StopTimer()
			b.ReportMetric(float64(cpuNanos()-cpu)/float64(b.N), "cpu-ns/op")
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

func BenchmarkGet(b *testing.B) {
	for _, c := range []struct {
		name  string
		cache int64
	}{{"cached", 512 << 20}, {"pebble", -1}} {
		b.Run(c.name, func(b *testing.B) {
			s, err := Open(b.TempDir(), Options{RowCacheBytes: c.cache})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			r := rand.New(rand.NewPCG(1, 2))
			const n = 1 << 18
			keys := make([][]byte, n)
			for i := range keys {
				keys[i] = benchKey(r, 1<<40)
				c, err := s.Apply([]object.Write{{Key: keys[i], Row: benchRow(200, r)}})
				if err != nil {
					b.Fatal(err)
				}
				if err := c.Wait(); err != nil {
					b.Fatal(err)
				}
			}
			if err := s.db.Flush(); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				if row, err := s.Get(nil, keys[r.IntN(n)]); err != nil || row == nil {
					b.Fatal("missing", err)
				}
			}
		})
	}
	b.Run("absent", func(b *testing.B) {
		s, err := Open(b.TempDir(), Options{})
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		r := rand.New(rand.NewPCG(1, 2))
		for range 1 << 17 {
			c, _ := s.Apply([]object.Write{{Key: benchKey(r, 1<<40), Row: benchRow(200, r)}})
			_ = c.Wait()
		}
		if err := s.db.Flush(); err != nil {
			b.Fatal(err)
		}
		keys := make([][]byte, 1<<14)
		for i := range keys {
			keys[i] = benchKey(r, 1<<40)
		}
		b.ReportAllocs()
		b.ResetTimer()
		for i := range b.N {
			if row, err := s.Get(nil, keys[i&(1<<14-1)]); err != nil || row != nil {
				b.Fatal(err)
			}
		}
	})
}
