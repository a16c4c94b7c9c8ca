package merkle

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func benchTree(b *testing.B, rows int) *Tree {
	s, err := NewShape(16, DefaultLeaves)
	if err != nil {
		b.Fatal(err)
	}
	return build(s, randomRows(rand.New(rand.NewPCG(5, 5)), s, rows))
}

func BenchmarkChange(b *testing.B) {
	t := benchTree(b, 10_000)
	b.ReportAllocs()
	h := uint64(1)
	for b.Loop() {
		t.Change(Leaf(h)&1023, h, h+1)
		h++
	}
}

// A node's thousand trees, more than its caches hold.
func BenchmarkChangeOfManyTrees(b *testing.B) {
	var trees [1024]*Tree
	for i := range trees {
		trees[i] = benchTree(b, 1024)
	}
	b.ReportAllocs()
	b.ResetTimer()
	h := uint64(1)
	for b.Loop() {
		h = h*6364136223846793005 + 1442695040888963407
		trees[h>>54].Change(Leaf(h>>32)&1023, h, h+1)
	}
}

func BenchmarkRowHash(b *testing.B) {
	h := NewHasher(Secret{K0: 1, K1: 2})
	for _, size := range []int{64, 1024} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			name, content := make([]byte, 30), make([]byte, size)
			b.ReportAllocs()
			for b.Loop() {
				r := h.Row(name)
				h.k0 += r.Hash(content)
			}
		})
	}
}

func BenchmarkRoot(b *testing.B) {
	for _, changed := range []int{1, 32, 1024} {
		b.Run(fmt.Sprintf("after%d", changed), func(b *testing.B) {
			t := benchTree(b, 10_000)
			b.ReportAllocs()
			h := uint64(1)
			for b.Loop() {
				for i := range changed {
					t.Change(Leaf(i*(1024/changed)), h, h+1)
				}
				h++
				t.Root()
			}
		})
	}
}

func BenchmarkNew(b *testing.B) {
	b.Run("empty", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			benchTree(b, 0)
		}
	})
	s, err := NewShape(16, DefaultLeaves)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("oneRow", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.New().Change(0, 0, 1)
		}
	})
}

func BenchmarkWalkOneLeaf(b *testing.B) {
	mine, theirs := benchTree(b, 10_000), benchTree(b, 10_000)
	mine.Change(500, 0, 7)
	b.ReportAllocs()
	for b.Loop() {
		if found, _ := run(b, Begin(mine.shape, 0), mine, theirs); len(found) != 1 {
			b.Fatal(found)
		}
	}
}

func BenchmarkSnapshot(b *testing.B) {
	t := benchTree(b, 10_000)
	bytes, err := t.AppendSnapshot(nil, Mark{})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if bytes, err = t.AppendSnapshot(bytes[:0], Mark{}); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(bytes)), "bytes")
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := DecodeSnapshot(bytes); err != nil {
				b.Fatal(err)
			}
		}
	})
}
