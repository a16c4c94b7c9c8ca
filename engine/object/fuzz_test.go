package object

import (
	"bytes"
	"testing"
)

func FuzzDecodeRow(f *testing.F) {
	r := KeyRow{Expiry: Expiry{Stamp: Stamp{1, 2, 3}, At: 77}, Value: Value{Stamp: Stamp{4, 5, 6}, Kind: ValueBytes, Bytes: []byte("xyz")}}
	f.Add(r.AppendRow(nil))
	k := KeyState{}
	for i := range 3 {
		k.Look(HLC(i + 1))
		k.Apply(&Change{Add: true, Int: 5}, Stamp{HLC(i + 1), 1, 1})
	}
	f.Add(k.Row.AppendRow(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		PeekExpiry(b)
		var r KeyRow
		if r.DecodeRow(b) != nil {
			return
		}
		again := r.AppendRow(nil)
		if n := len(again) - rowCRCLen; !bytes.Equal(again[:n], b[:n]) {
			t.Fatalf("decoded and encoded again:\n%x\n%x", b, again)
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
