package enginetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/rondokv/rondo/engine/object"
)

// testExpired: candidates are at least the rows that have expired, each once a round, in rounds of any length, after a
// restart too.
func testExpired(t *testing.T, h *Harness) {
	s := h.Open()
	secret := object.Secret{K0: 3, K1: 4}
	var want []string
	for i := range 200 {
		stamp := object.Stamp{HLC: object.HLCOf(10), Node: 1, Inc: 1}
		row := object.KeyRow{Value: object.Value{Stamp: stamp, Kind: object.ValueBytes, Bytes: []byte("v")}}
		if i%2 == 0 {
			row.Expiry = object.Expiry{Stamp: stamp, At: int64(1000 + i)}
		}
		ref := object.KeyRef{Name: fmt.Appendf(nil, "key%d", i)}
		key := object.AppendRowKey(nil, secret, object.Slot(i%50), ref, nil)
		if i%2 == 0 && 1000+i < 1100 {
			want = append(want, string(key))
		}
		wait(t, apply(t, s, object.Write{Key: key, Row: row.AppendRow(nil)}))
	}
	slices.Sort(want)
	check := func(s Store) {
		t.Helper()
		for _, limit := range []int{1, 7, 1000} {
			if got := expiredRound(t, s, limit); !slices.Equal(got, want) {
				t.Fatalf("limit %d: %d candidates, want %d", limit, len(got), len(want))
			}
		}
	}
	check(s)
	closeStore(t, s)
	check(h.Open())
}

// expiredRound collects the candidates of one round that really expire before 1100.
func expiredRound(t *testing.T, s Store, limit int) []string {
	t.Helper()
	var got []string
	var after []byte
	for {
		keys, next, err := s.ExpiredCandidates(1100, after, limit)
		if err != nil || len(keys) > limit {
			t.Fatalf("%d candidates, %v", len(keys), err)
		}
		for _, k := range keys {
			row, err := s.Get(nil, k)
			if err != nil {
				t.Fatal(err)
			}
			if at, ok := object.PeekExpiry(row); ok && at < 1100 {
				got = append(got, string(k))
			}
		}
		if next == nil {
			slices.Sort(got)
			return got
		}
		after = next
	}
}
