package merkle

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func TestSnapshotsAreTheTree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawShape(t)
		rows := drawRows(t, s, "rows")
		m := Mark{rapid.Uint64().Draw(t, "g"), rapid.Uint64().Draw(t, "s"), rapid.Uint64().Draw(t, "u")}
		tree := build(s, rows)
		if rapid.Bool().Draw(t, "look") {
			tree.Root()
		}
		b, err := tree.AppendSnapshot([]byte("before"), m)
		if err != nil {
			t.Fatal(err)
		}
		b = b[len("before"):]
		if len(b) > MaxSnapshot(s) {
			t.Fatalf("%d bytes, %d at most", len(b), MaxSnapshot(s))
		}
		back, mark, err := DecodeSnapshot(b)
		if err != nil || mark != m {
			t.Fatalf("mark %v, %v", mark, err)
		}
		same(t, "read back", back, rows)
		for l := range Leaf(s.Leaves()) {
			x, n := tree.Leaf(l)
			if y, k := back.Leaf(l); x != y || n != k {
				t.Fatalf("leaf %d: %#x of %d rows, not %#x of %d", l, y, k, x, n)
			}
		}
		back.Change(0, 0, 5)
		same(t, "changed", back, append(rows, row{0, 5}))
	})
}

// reseal mends the checksum after a test spoilt the body.
func reseal(b []byte) []byte {
	body := b[:len(b)-snapshotCRC]
	return binary.BigEndian.AppendUint32(body, crc32.Checksum(body, castagnoli))
}

func TestSpoiltSnapshots(t *testing.T) {
	s, err := NewShape(1, 32)
	if err != nil {
		t.Fatal(err)
	}
	tree := build(s, []row{{3, 7}, {30, 9}, {30, 10}})
	good, err := tree.AppendSnapshot(nil, Mark{1, 2, 3})
	if err != nil {
		t.Fatal(err)
	}
	for i := range good {
		for bit := range 8 {
			b := append([]byte(nil), good...)
			b[i] ^= 1 << bit
			if _, _, err := DecodeSnapshot(b); err == nil {
				t.Fatalf("byte %d bit %d turned over and taken", i, bit)
			}
		}
	}
	rows := snapshotHead + 4 + 8 // the number of rows of leaf 3
	for name, spoil := range map[string]func([]byte){
		"no rows":           func(b []byte) { b[rows] = 0 },
		"no hash":           func(b []byte) { clear(b[rows-8 : rows]) },
		"a leaf of nothing": func(b []byte) { clear(b[rows-8 : rows+1]) },
		"more leaves":       func(b []byte) { b[snapshotHead] |= 1 },
		"fewer leaves":      func(b []byte) { b[snapshotHead] = 0 },
		"no shape":          func(b []byte) { b[6] = 4 },
		"a larger shape":    func(b []byte) { b[6] = 16 },
		"version 0":         func(b []byte) { b[4] = 0 },
		"slots of a giant":  func(b []byte) { b[5] = 255 },
	} {
		b := append([]byte(nil), good...)
		spoil(b)
		if _, _, err := DecodeSnapshot(reseal(b)); !errors.Is(err, ErrSnapshot) {
			t.Errorf("%s: %v", name, err)
		}
	}
	newer := append([]byte(nil), good...)
	newer[4]++
	if _, _, err := DecodeSnapshot(reseal(newer)); !errors.Is(err, ErrVersion) {
		t.Errorf("a newer one: %v", err)
	}
}

// The checksum is mended, so that the fuzzer gets past it.
func FuzzSnapshot(f *testing.F) {
	s, err := NewShape(4, 64)
	if err != nil {
		f.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(4, 4))
	for _, n := range []int{0, 1, 10, 1000} {
		b, err := build(s, randomRows(rng, s, n)).AppendSnapshot(nil, Mark{1, 2, 3})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < snapshotCRC {
			return
		}
		b = reseal(append([]byte(nil), b...))
		tree, m, err := DecodeSnapshot(b)
		if err != nil {
			return
		}
		again, err := tree.AppendSnapshot(nil, m)
		if err != nil || string(again) != string(b) {
			t.Fatalf("%x became %x, %v", b, again, err)
		}
		tree.Root()
	})
}
