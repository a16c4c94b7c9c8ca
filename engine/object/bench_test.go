package object

import (
	"bytes"
	"testing"
)

// plainState is a key as SET left it over another SET.
func plainState() KeyState {
	k := KeyState{}
	var mu Mutation
	for i := range 2 {
		s := Stamp{HLCOf(1e12) + HLC(i), 7, 9}
		mu.Reset()
		mu.Set(0, bytes.Repeat([]byte("x"), 100), 0)
		k.Look(s.HLC)
		k.Apply(&mu.Changes[0], s)
	}
	return k
}

func BenchmarkDecodeRow(b *testing.B) {
	k := plainState()
	enc := k.Row.AppendRow(nil)
	b.ReportAllocs()
	for b.Loop() {
		var r KeyRow
		if err := r.DecodeRow(enc); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendRow(b *testing.B) {
	k := plainState()
	buf := make([]byte, 0, k.Row.EncodedLen())
	b.ReportAllocs()
	for b.Loop() {
		buf = k.Row.AppendRow(buf[:0])
	}
}

func BenchmarkApplySet(b *testing.B) {
	k := plainState()
	var mu Mutation
	mu.Set(0, []byte("value"), 0)
	s := k.Row.Value.Stamp
	b.ReportAllocs()
	for b.Loop() {
		s = s.Tick(1)
		k.Look(s.HLC)
		k.Apply(&mu.Changes[0], s)
	}
}

func BenchmarkMerge(b *testing.B) {
	k, newer := plainState(), plainState()
	var mu Mutation
	mu.Set(0, []byte("value"), 0)
	newer.Apply(&mu.Changes[0], newer.Row.Value.Stamp.Tick(1))
	b.ReportAllocs()
	for b.Loop() {
		r := k.Row
		if _, err := r.Merge(&newer.Row); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDigest(b *testing.B) {
	k := plainState()
	k.Database = Stamp{HLCOf(1e11), 3, 4}
	secret := Secret{1, 2}
	b.ReportAllocs()
	for b.Loop() {
		k.Digest(secret)
	}
}

// The hot path of a plain string allocates nothing.
func TestPlainRowsAllocateNothing(t *testing.T) {
	k, newer := plainState(), plainState()
	var mu Mutation
	mu.Set(0, []byte("value"), 0)
	newer.Apply(&mu.Changes[0], newer.Row.Value.Stamp.Tick(1))
	enc := k.Row.AppendRow(nil)
	s := k.Row.Value.Stamp
	buf := make([]byte, 0, len(enc))
	for name, f := range map[string]func(){
		"decode": func() { var r KeyRow; _ = r.DecodeRow(enc) },
		"append": func() { buf = newer.Row.AppendRow(buf[:0]) },
		"apply":  func() { s = s.Tick(1); k.Look(s.HLC); k.Apply(&mu.Changes[0], s) },
		"merge":  func() { r := k.Row; _, _ = r.Merge(&newer.Row) },
		"digest": func() { k.Digest(Secret{1, 2}) },
		"hides":  func() { k.Hides(&newer.Row, nil, s, s.HLC) },
		"latest": func() { k.Latest() },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
