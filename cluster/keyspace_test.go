package cluster

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rondokv/rondo/engine/object"
)

// A partition whose database row cannot be read is not served; the others are.
func TestUnreadableDatabaseRow(t *testing.T) {
	store := newHeldStore()
	if _, err := store.Apply([]object.Write{{Key: object.AppendDatabaseKey(nil, 0, 0), Row: []byte("garbage")}}); err != nil {
		t.Fatal(err)
	}
	b := start(t, store, nil, 0)
	defer b.node.Close()
	for slot, bad := range map[object.Slot]bool{0: true, 15: true, 16: false} {
		c, _ := b.call("k", true, func(m *object.Mutation, _ *object.Input) { m.Set(0, []byte("v"), 0) })
		c.Slot = slot
		b.node.Start(c)
		b.node.Finish([]*Call{c})
		if errors.Is(c.Err, object.ErrCorrupt) != bad || (c.Err != nil) != bad {
			t.Errorf("slot %d: %v", slot, c.Err)
		}
	}
}

func (b *bench) scanAll(db uint8, count int) []string {
	b.t.Helper()
	var names []string
	cursor := uint64(0)
	for {
		next, err := b.node.Scan(db, cursor, count, func(name []byte, _ object.Type) { names = append(names, string(name)) })
		if err != nil {
			b.t.Fatal(err)
		}
		if next == 0 {
			slices.Sort(names)
			return names
		}
		if next <= cursor {
			b.t.Fatalf("cursor %d after %d", next, cursor)
		}
		cursor = next
	}
}

func TestScanSeesEveryKeyOnce(t *testing.T) {
	b := start(t, newHeldStore(), nil, 0)
	defer b.node.Close()
	var want []string
	for i := range 500 {
		want = append(want, "key"+strconv.Itoa(i))
		b.set(0, want[i], "v", 0)
		b.set(3, "other"+strconv.Itoa(i), "v", 0)
	}
	slices.Sort(want)
	for _, count := range []int{1, 7, 1000} {
		if got := b.scanAll(0, count); !slices.Equal(got, want) {
			t.Fatalf("count %d: %d keys", count, len(got))
		}
	}
	name, ok, err := b.node.RandomKey(3)
	if err != nil || !ok || string(name[:5]) != "other" {
		t.Fatalf("random key %q %v %v", name, ok, err)
	}
	if _, ok, _ := b.node.RandomKey(9); ok {
		t.Fatal("a random key of an empty database")
	}
}

func TestFlush(t *testing.T) {
	for _, db := range []int{-1, 0} {
		for _, others := range []bool{false, true} {
			for _, restart := range []bool{false, true} {
				if !restart && (db != 0 || !others) {
					continue // nothing is left over
				}
				t.Run(fmt.Sprintf("db %d, others %v, restart %v", db, others, restart), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { testFlush(t, db, others, restart) })
				})
			}
		}
	}
}

func testFlush(t *testing.T, db int, others, restart bool) {
	store := newHeldStore()
	b := start(t, store, nil, 0)
	for i := range 50 {
		b.set(0, "key"+strconv.Itoa(i), "v", 0)
		if others {
			b.set(1, "key"+strconv.Itoa(i), "v", 0)
		}
	}
	synctest.Wait()
	if err := b.node.Flush(db); err != nil {
		t.Fatal(err)
	}
	if _, ok := b.get(0, "key7"); ok {
		t.Fatal("key7 survived")
	}
	if _, ok := b.get(1, "key7"); ok != (others && db == 0) {
		t.Fatal("the other database: key7 is", ok)
	}
	b.set(0, "after", "v", 0)
	if n, err := b.node.Size(0); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if restart {
		b.node.Close()
		b = start(t, store, nil, b.node.Latest())
	}
	defer b.node.Close()
	time.Sleep(2 * time.Minute) // the background task finishes
	synctest.Wait()
	for i := range b.node.partitions {
		if b.node.partitions[i].core.Leftover(0) {
			t.Fatalf("partition %d is not clean", i)
		}
	}
	if n, err := b.node.Size(0); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	rows := 0
	if err := store.Scan(object.AppendSlotKey(nil, 0), object.AppendSlotKey(nil, object.SlotCount), func(key, _ []byte) bool {
		if rk, err := object.ParseRowKey(key); err != nil || !rk.Database {
			rows++
		}
		return true
	}); err != nil {
		t.Fatal(err)
	}
	want := 1
	if others && db == 0 {
		want = 51
	}
	if rows != want {
		t.Fatalf("%d rows left, want %d", rows, want)
	}
}
