package object

import (
	"bytes"
	"testing"
)

// FuzzDecodeRow: what decodes encodes to the same bytes, and what was encoded decodes to the same row.
func FuzzDecodeRow(f *testing.F) {
	full := fullState()
	f.Add(full.Row.AppendRow(nil))
	full.Row.Own, full.Row.HasElements = Stamp{1, 2, 3}, true
	f.Add(full.Row.AppendRow(nil))
	r := KeyRow{Expiry: Expiry{Stamp: Stamp{1, 2, 3}, At: 77}, Value: Value{Stamp: Stamp{4, 5, 6}, Kind: ValueBytes, Bytes: []byte("xyz")}}
	f.Add(r.AppendRow(nil))
	r = KeyRow{HasElements: true}
	f.Add(r.AppendRow(nil))
	plain := plainState()
	f.Add(plain.Row.AppendRow(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		PeekExpiry(b)
		var r KeyRow
		if r.DecodeRow(b) != nil {
			return
		}
		again := r.AppendRow(nil)
		if n := len(again) - rowCRCLen; len(again) != len(b) || !bytes.Equal(again[:n], b[:n]) || r.EncodedLen() != len(again) {
			t.Fatalf("decoded and encoded again:\n%x\n%x", b, again)
		}
		if CheckRow(again) != nil {
			t.Fatal("the checksum does not hold")
		}
		wire := r.AppendWireRow(nil)
		var w KeyRow
		if err := w.DecodeRow(wire); err != nil || !w.LocalFree() {
			t.Fatalf("as sent: %v", err)
		}
		if (bytes.Equal(wire, again)) != r.LocalFree() {
			t.Fatal("LocalFree is wrong about the bytes")
		}
		if _, err := w.Merge(&r); err != nil {
			t.Fatalf("a row does not merge with itself: %v", err)
		}
	})
}

func FuzzDecodeElement(f *testing.F) {
	for _, e := range []ElementRow{
		{Stamp: Stamp{1, 2, 3}, Value: []byte("v")},
		{Stamp: Stamp{1, 2, 3}, Replaced: Stamp{1, 1, 3}, Tombstone: true},
		{Stamp: Stamp{5, 2, 3}, Replaced: Stamp{1, 2, 3}, Value: []byte("v")},
	} {
		f.Add(e.AppendRow(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var e, m ElementRow
		if e.DecodeRow(b) != nil {
			return
		}
		again := e.AppendRow(nil)
		if n := len(again) - rowCRCLen; len(again) != len(b) || !bytes.Equal(again[:n], b[:n]) || e.EncodedLen() != len(again) {
			t.Fatalf("decoded and encoded again:\n%x\n%x", b, again)
		}
		if lost, err := m.Merge(&e); lost || err != nil || !bytes.Equal(m.AppendRow(nil), again) {
			t.Fatalf("merged into nothing: %v %v", lost, err)
		}
	})
}

func FuzzParseRowKey(f *testing.F) {
	f.Add(AppendRowKey(nil, Secret{1, 2}, 77, KeyRef{3, []byte("key")}, []byte("\x01field")))
	f.Add(AppendDatabaseKey(nil, 77, 3))
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := ParseRowKey(b)
		if err != nil {
			return
		}
		again := AppendDatabaseKey(nil, k.Slot, k.Ref.DB)
		if !k.Database {
			again = AppendScanKey(nil, k.Slot, k.Ref.DB, k.Place)
			again = appendNamed(again, k.Ref.Name, k.Sub)
		}
		if !bytes.Equal(again, b) {
			t.Fatalf("parsed and made again:\n%x\n%x", b, again)
		}
	})
}
