package bench

import (
	"bytes"
	"compress/flate"
	"testing"
)

func TestValueSizes(t *testing.T) {
	o := Options{ValueMin: 10, ValueMax: 14, Seed: 1}
	v := newValues(o, newPool(o), testRNG())
	seen := map[int]int{}
	for range 5000 {
		seen[len(v.next())]++
	}
	for size := 10; size <= 14; size++ {
		if seen[size] < 800 {
			t.Errorf("size %d drawn %d times, want about 1000", size, seen[size])
		}
	}
	if len(seen) != 5 {
		t.Errorf("sizes %v, want 10 to 14 only", seen)
	}
}

// TestCompressible measures what a compressor makes of a megabyte of values.
func TestCompressible(t *testing.T) {
	for _, c := range []struct{ share, low, high float64 }{{0, 0.99, 1.02}, {0.5, 0.45, 0.65}, {1, 0, 0.05}} {
		o := Options{ValueMin: 1000, ValueMax: 1000, Compressible: c.share, Seed: 1}
		v := newValues(o, newPool(o), testRNG())
		var out bytes.Buffer
		w, err := flate.NewWriter(&out, flate.DefaultCompression)
		if err != nil {
			t.Fatal(err)
		}
		for range 1000 {
			if _, err := w.Write(v.next()); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if got := float64(out.Len()) / 1e6; got < c.low || got > c.high {
			t.Errorf("compressible %.1f: compressed to %.2f, want %.2f to %.2f", c.share, got, c.low, c.high)
		}
	}
}
