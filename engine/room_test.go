package engine

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/rondokv/rondo/engine/object"
)

// TestDroppedRangeGivesRoomBack: nothing is written after the drop that would fill the memtable it rests in.
func TestDroppedRangeGivesRoomBack(t *testing.T) {
	s, err := Open(t.TempDir(), Options{MemTableBytes: 1 << 20, DiskReserve: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	value := make([]byte, 1000)
	random := rand.NewChaCha8([32]byte{})
	for i := range 5000 {
		_, _ = random.Read(value) // never fails
		c, err := s.Apply([]object.Write{{Key: fmt.Appendf(nil, "x%06d", i), Row: value}})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.db.Compact(t.Context(), []byte("x"), []byte("y"), false); err != nil { // to the bottom, where most data rest
		t.Fatal(err)
	}
	awaitTableBytes(t, s, func(n int64) bool { return n > 2<<20 })
	c, err := s.DropRange([]byte("x"), []byte("y"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Fatal(err)
	}
	awaitTableBytes(t, s, func(n int64) bool { return n < 1<<20 })
}

func awaitTableBytes(t *testing.T, s *Store, ok func(int64) bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	end := time.After(20 * time.Second)
	for !ok(s.Metrics().TableBytes) {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("tables have %d bytes", s.Metrics().TableBytes)
		}
	}
}
