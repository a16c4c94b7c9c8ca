package dynamo

import (
	"testing"

	"github.com/rondokv/rondo/engine/object"
)

// The latest reading of a view is that of KeyState.Latest, wherever it is.
func TestLatestReadingOfAView(t *testing.T) {
	at := object.Stamp{HLC: 9, Node: 1, Inc: 1}
	for name, k := range map[string]object.KeyState{
		"nothing":  {},
		"database": {Database: at},
		"cleared":  {Row: object.KeyRow{Cleared: at}},
		"expiry":   {Row: object.KeyRow{Expiry: object.Expiry{Stamp: at}}},
		"value":    {Row: object.KeyRow{Value: object.Value{Stamp: at, Kind: object.ValueBytes}}},
		"total":    {Row: object.KeyRow{Totals: []object.Total{{Name: at, N: 1, Stamp: at}}}},
		"seen":     {Row: object.KeyRow{Seen: []object.Seen{{Name: at, N: 1}}}},
		"siblings": {Row: object.KeyRow{Siblings: &object.SiblingSet{Updated: at}}},
		"element":  {Elements: []object.ElementState{{Row: object.ElementRow{Stamp: at}}}},
	} {
		older := object.KeyState{Row: object.KeyRow{Cleared: object.Stamp{HLC: 3}, Value: object.Value{Stamp: object.Stamp{HLC: 5}}}}
		for _, keys := range [][]object.KeyState{{k}, {k, older}, {older, k}} {
			x := Execution{View: object.View{Keys: keys}}
			want := object.HLC(0)
			for i := range keys {
				want = max(want, keys[i].Latest().HLC)
			}
			if got := x.latest(); got != want || name != "nothing" && got != at.HLC {
				t.Errorf("%s: %d, want %d", name, got, want)
			}
		}
	}
}
