package bench

import (
	"math"
	"math/rand/v2"
	"testing"
)

func testRNG() *rand.Rand { return rand.New(rand.NewPCG(7, 11)) }

func TestAppendKey(t *testing.T) {
	for n, want := range map[int64]string{0: "key:000000000000", 42: "key:000000000042", maxKeys - 1: "key:999999999999"} {
		if got := string(appendKey(nil, "key:", n)); got != want {
			t.Errorf("appendKey(%d) = %q, want %q", n, got, want)
		}
	}
}

// TestZipfDistribution compares draws with the exact probabilities, rank by
// rank, by a chi-square test.
func TestZipfDistribution(t *testing.T) {
	const n, draws = 50, 500_000
	for _, s := range []float64{0.2, 0.99, 1, 1.2, 3} {
		z := newZipf(n, s, testRNG())
		var got [n]float64
		for range draws {
			k := z.next()
			if k < 0 || k >= n {
				t.Fatalf("s=%v: rank %d outside [0,%d)", s, k, n)
			}
			got[k]++
		}
		norm := 0.0
		for k := range n {
			norm += math.Pow(float64(k+1), -s)
		}
		chi := 0.0
		for k := range n {
			want := draws * math.Pow(float64(k+1), -s) / norm
			chi += (got[k] - want) * (got[k] - want) / want
		}
		// 49 degrees of freedom: 1 in 10,000 lies above 94. The seed is fixed.
		if chi > 94 {
			t.Errorf("s=%v: chi-square %.1f over %d ranks", s, chi, n)
		}
	}
}

func TestZipfLargeRange(t *testing.T) {
	const n = maxKeys
	z := newZipf(n, 0.99, testRNG())
	top := 0
	for range 100_000 {
		k := z.next()
		if k < 0 || k >= n {
			t.Fatalf("rank %d outside [0,%d)", k, int64(n))
		}
		if k < 1000 {
			top++
		}
	}
	// The sum of k^-0.99 is 7.73 to 1000 and 32.4 to 1e12.
	if got := float64(top) / 100_000; got < 0.22 || got > 0.26 {
		t.Errorf("the first 1000 ranks got %.3f of the draws, want about 0.24", got)
	}
}

func TestPermutationIsBijection(t *testing.T) {
	for _, n := range []int64{1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 100, 255, 256, 257, 1000, 65_537} {
		for _, seed := range []uint64{0, 1, 99} {
			p := newPermutation(n, seed)
			seen := make([]bool, n)
			fixed := int64(0)
			for v := range n {
				w := p.apply(v)
				if w < 0 || w >= n {
					t.Fatalf("n=%d seed=%d: %d -> %d, outside", n, seed, v, w)
				}
				if seen[w] {
					t.Fatalf("n=%d seed=%d: %d has two origins", n, seed, w)
				}
				seen[w] = true
				if v == w {
					fixed++
				}
			}
			if n >= 1000 && fixed > 20 {
				t.Errorf("n=%d seed=%d: %d keys stay where they are", n, seed, fixed)
			}
		}
	}
}

// TestZipfianKeysSpread checks that the popular keys are not neighbours: the
// ten most popular lie in several tenths of the key space.
func TestZipfianKeysSpread(t *testing.T) {
	p := newPermutation(1_000_000, 1)
	tenths := map[int64]bool{}
	for rank := range int64(10) {
		tenths[p.apply(rank)/100_000] = true
	}
	if len(tenths) < 5 {
		t.Errorf("the ten most popular keys lie in %d tenths of the key space", len(tenths))
	}
}

func TestUniformCoversAll(t *testing.T) {
	c := newChooser(Options{Distribution: Uniform, Keys: 100}, testRNG())
	seen := map[int64]int{}
	for range 100_000 {
		seen[c.next()]++
	}
	for k := range int64(100) {
		if seen[k] < 800 || seen[k] > 1200 {
			t.Errorf("key %d drawn %d times, want about 1000", k, seen[k])
		}
	}
}

func BenchmarkZipfian(b *testing.B) {
	c := newChooser(Options{Distribution: Zipfian, Keys: 1_000_000, ZipfExponent: 0.99, Seed: 1}, testRNG())
	b.ReportAllocs()
	for b.Loop() {
		c.next()
	}
}
