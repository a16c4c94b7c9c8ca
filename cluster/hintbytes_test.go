package cluster

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/engine/object"
)

// storedHints adds up the hints of a store by looking at all.
func storedHints(t *testing.T, s Store) map[object.NodeID]int64 {
	t.Helper()
	sum := map[object.NodeID]int64{}
	err := s.Scan([]byte{object.SpaceHint}, []byte{object.SpaceHint + 1}, func(key, row []byte) bool {
		target, ok := object.ParseHintPrefix(key)
		if !ok {
			t.Errorf("no hint: %x", key)
		}
		sum[target] += int64(len(key) + len(row))
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// TestHintBytes: what a node says of its hints is what is in its store, also after they were written over, and after they were
// counted anew while more were stored.
func TestHintBytes(t *testing.T) {
	c := newTown(t, 3, 3)
	c.down[2].Store(true)
	set := func(key, value string) { c.must(0, "SET "+key+" "+value, quorum.Quorum, "OK") }
	for i := range 300 {
		set(fmt.Sprint("key:", i%200), strings.Repeat("v", 1+i))
	}
	n := c.nodes[0] // the primary of all these
	if want, got := storedHints(t, n.store), n.HintBytes(); len(want) == 0 || !maps.Equal(got, want) {
		t.Fatalf("hints of %v bytes, the store has %v", got, want)
	}
	// As after a start.
	n.hints.mu.Lock()
	n.hints.of = nil
	n.hints.mu.Unlock()
	n.hints.sum.Store(0)
	n.hints.counted.Store(0)
	for i := range n.partitions {
		for more := true; more; {
			set(fmt.Sprint("key:", i), "short")
			set(fmt.Sprint("another:", i), "new")
			var err error
			if more, err = n.countSomeHints(i); err != nil {
				t.Fatal(err)
			}
		}
	}
	if want, got := storedHints(t, n.store), n.HintBytes(); !maps.Equal(got, want) || n.hints.sum.Load() != want[3] {
		t.Fatalf("counted again %v bytes, %d in all; the store has %v", got, n.hints.sum.Load(), want)
	}
}

// TestHintBound: past the bound of bytes a node keeps no more hints, and says so.
func TestHintBound(t *testing.T) {
	c := newTown(t, 3, 3)
	for _, n := range c.nodes {
		n.hints.bound = 500
	}
	c.down[2].Store(true)
	for i := range 100 {
		c.must(0, fmt.Sprintf("SET key:%d %s", i, strings.Repeat("v", 100)), quorum.Quorum, "OK")
	}
	if got := c.nodes[0].HintBytes()[3]; got < 500 || got > 1000 {
		t.Errorf("%d bytes of hints are kept", got)
	}
	if s := c.nodes[0].Stats(); s.HintsDropped < 90 || s.Apart == 0 {
		t.Errorf("%d hints were dropped, %d partitions are known to be apart", s.HintsDropped, s.Apart)
	}
}
