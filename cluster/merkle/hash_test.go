package merkle

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func TestNoRowHasHashZeroAndNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := NewHasher(Secret{K0: rapid.Uint64().Draw(t, "k0"), K1: rapid.Uint64().Draw(t, "k1")})
		key := rapid.SliceOf(rapid.Byte()).Draw(t, "key")
		content := rapid.SliceOf(rapid.Byte()).Draw(t, "content")
		if got := h.RowHash(key, content); (got == 0) != (len(content) == 0) {
			t.Fatalf("hash of %d bytes is %d", len(content), got)
		}
		if r := h.Row(key); r.Hash(content) != h.RowHash(key, content) {
			t.Fatal("in two steps it is another hash")
		}
	})
}

// Bytes that move from the name to the content are another row.
func TestNamesDoNotRunIntoContents(t *testing.T) {
	h := NewHasher(Secret{K0: 1, K1: 2})
	all := []byte("one name and one content")
	seen := map[uint64]int{}
	for i := range all {
		hash := h.RowHash(all[:i], all[i:])
		if j, ok := seen[hash]; ok {
			t.Errorf("cut at %d and at %d: the same", i, j)
		}
		seen[hash] = i
	}
}

func TestHashesAreGolden(t *testing.T) {
	h := NewHasher(Secret{K0: 0x0706050403020100, K1: 0x0f0e0d0c0b0a0908})
	r := h.Row([]byte("d\x00\x01\x00key"))
	if got, want := r.Hash([]byte("content")), uint64(0x3fb44ecab441139b); got != want {
		t.Errorf("hash %#x, want %#x: trees of nodes of two versions would differ everywhere", got, want)
	}
	if got, want := r.Tail(), uint32(0x3ab09fa3); got != want {
		t.Errorf("tail %#x, want %#x", got, want)
	}
	tree, err := New(16, 1024)
	if err != nil {
		t.Fatal(err)
	}
	tree.Change(5, 0, 1)
	if got, want := tree.Root(), uint64(0xec27f037395853f9); got != want {
		t.Errorf("root %#x, want %#x", got, want)
	}
}

func key(i uint64) []byte { return binary.BigEndian.AppendUint64([]byte("key "), i) }

// cancelling returns keys whose rows' hashes cancel out under h: linear algebra over 64 unknowns does it for whoever can
// compute the hashes.
func cancelling(t *testing.T, h Hasher) []uint64 {
	for first := uint64(0); ; first += 64 {
		var basis, from [64]uint64 // rows by highest bit, and the set of keys that each is the XOR of
		for i := range uint64(64) {
			hash, set := h.RowHash(key(first+i), []byte("v")), uint64(1)<<i
			for hash != 0 && basis[bits.Len64(hash)-1] != 0 {
				top := bits.Len64(hash) - 1
				hash, set = hash^basis[top], set^from[top]
			}
			if hash != 0 {
				basis[bits.Len64(hash)-1], from[bits.Len64(hash)-1] = hash, set
				continue
			}
			var keys []uint64
			for ; set != 0; set &= set - 1 {
				keys = append(keys, first+uint64(bits.TrailingZeros64(set)))
			}
			return keys
		}
		if first > 1000 {
			t.Fatal("no set found")
		}
	}
}

// Whoever picks keys under a secret of his own finds rows that do not show in a leaf. Under another secret they do.
func TestCancellingKeysDoNotCancelUnderAnotherSecret(t *testing.T) {
	mine := NewHasher(Secret{K0: 1, K1: 2})
	keys := cancelling(t, mine)
	for other := range uint64(100) {
		var under, underMine uint64
		h := NewHasher(Secret{K0: 1, K1: 3 + other})
		for _, k := range keys {
			under ^= h.RowHash(key(k), []byte("v"))
			underMine ^= mine.RowHash(key(k), []byte("v"))
		}
		if underMine != 0 || under == 0 {
			t.Fatalf("%d keys sum up to %#x under their secret, to %#x under another", len(keys), underMine, under)
		}
	}
}

// Two secrets give unrelated leaves: of the same rows about half of all bits differ, whichever bit the secrets differ in.
func TestSecretsGiveUnrelatedLeaves(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for bit := range 128 {
		s := Secret{K0: rng.Uint64(), K1: rng.Uint64()}
		other := s
		if bit < 64 {
			other.K0 ^= 1 << bit
		} else {
			other.K1 ^= 1 << (bit - 64)
		}
		a, b := leavesUnder(t, s), leavesUnder(t, other)
		differ := 0
		for l := range Leaf(1024) {
			x, _ := a.Leaf(l)
			y, _ := b.Leaf(l)
			if x == y {
				t.Fatalf("bit %d: leaf %d is the same under both", bit, l)
			}
			differ += bits.OnesCount64(x ^ y)
		}
		if share := float64(differ) / (1024 * 64); share < 0.49 || share > 0.51 {
			t.Errorf("bit %d: %.3f of the bits differ", bit, share)
		}
	}
}

// leavesUnder puts the same two rows into each leaf.
func leavesUnder(t *testing.T, s Secret) *Tree {
	tree, err := New(16, 1024)
	if err != nil {
		t.Fatal(err)
	}
	h := NewHasher(s)
	for i := range uint64(2048) {
		tree.Change(Leaf(i%1024), 0, h.RowHash(key(i), []byte("v")))
	}
	return tree
}

// Tails part the rows of one place evenly.
func TestTailsAreEven(t *testing.T) {
	h := NewHasher(Secret{K0: 1, K1: 2})
	var count [256]int
	for i := range uint64(256 * 256) {
		count[h.Row(key(i)).Tail()>>24]++
	}
	for i, n := range count {
		if n < 256-100 || n > 256+100 {
			t.Errorf("part %d has %d rows, 256 expected", i, n)
		}
	}
}
