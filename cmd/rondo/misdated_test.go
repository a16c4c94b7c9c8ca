package main

import (
	"maps"
	"testing"

	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/engine/object"
)

// Clients are not sent to the few whose clocks are refused. Where it is many this node's own clock is the wrong one, and if it took all
// others for failed it would draw all clients to itself.
func TestMisdated(t *testing.T) {
	d := &ring.Document{}
	for id := range 5 {
		d.Members = append(d.Members, ring.Member{Node: ring.Node{ID: ring.NodeID(id + 1), Weight: 1}})
	}
	set := func(ids ...object.NodeID) map[object.NodeID]bool {
		s := map[object.NodeID]bool{}
		for _, id := range ids {
			s[id] = true
		}
		return s
	}
	for _, tc := range []struct {
		name                 string
		alive, doubted, want map[object.NodeID]bool
	}{
		{"nobody", set(2, 3, 4, 5), set(), set()},
		{"one of five", set(2, 3, 4, 5), set(3), set(3)},
		{"two of five", set(2, 3, 4, 5), set(3, 4), set(3, 4)},
		{"three of five", set(2, 3, 4, 5), set(3, 4, 5), set()},
		{"all others", set(2, 3, 4, 5), set(2, 3, 4, 5), set()},
		{"a dead one counts for neither", set(2, 3), set(3, 4), set(3)},
		{"one of two", set(2), set(2), set()},
	} {
		got := misdated(d, 1, func(id object.NodeID) bool { return tc.alive[id] }, func(id object.NodeID) bool { return tc.doubted[id] })
		if !maps.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}
