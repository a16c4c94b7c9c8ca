package engine

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"testing"

	"github.com/rondokv/rondo/engine/enginetest"
	"github.com/rondokv/rondo/engine/object"
)

// expiring returns a key row that holds nothing but an expiry.
func expiring(at int64) []byte {
	b := []byte{object.RowFormat, 1, 0, 1}
	b = binary.BigEndian.AppendUint64(b, uint64(at))
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func TestExpiredCandidates(t *testing.T) {
	if at, ok := object.PeekExpiry(expiring(77)); !ok || at != 77 {
		t.Fatalf("the test's row has no expiry: %d, %v", at, ok)
	}
	s := mustOpen(t, t.TempDir(), small(Options{}))
	defer s.Close()
	const n = 5000
	var want []string
	for i := range n {
		row := enginetest.Row(fmt.Sprint("lasts", i))
		switch {
		case i%1000 == 0:
			row = expiring(int64(100 + i))
			want = append(want, string(slotKey(i)))
		case i%3 == 0:
			row = expiring(1 << 40)
		}
		c, err := s.Apply([]object.Write{{Key: slotKey(i), Row: row}})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	all := func(before int64) []string {
		var got []string
		var after []byte
		for {
			keys, next, err := s.ExpiredCandidates(before, after, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range keys {
				got = append(got, string(k))
			}
			if after = next; after == nil {
				return got
			}
		}
	}
	for _, where := range []string{"memtable", "table"} {
		if got := all(50_000); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", where, got, want)
		}
		if got := all(1101); len(got) != 2 {
			t.Errorf("%s: before 1101: %q, want two", where, got)
		}
		if got := all(100); len(got) != 0 {
			t.Errorf("%s: before 100: %q, want none", where, got)
		}
		if err := s.db.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	// What was seen is known: a slot without anything due is not read again, until a row says otherwise.
	if hint := s.expiry[1].Load(); hint != 1<<40 {
		t.Errorf("slot 1 is known from %d on, want %d", hint, int64(1)<<40)
	}
	c, err := s.Apply([]object.Write{{Key: slotKey(11), Row: expiring(60)}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Fatal(err)
	}
	if got := all(61); len(got) != 1 || got[0] != string(slotKey(11)) {
		t.Errorf("a row that expires sooner: %q", got)
	}
}

// slotKey spreads keys over ten slots, in the order of i within each.
func slotKey(i int) []byte {
	return fmt.Appendf(object.AppendSlotKey(nil, uint16(i*10/5000)), "%08d", i)
}
