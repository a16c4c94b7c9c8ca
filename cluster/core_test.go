package cluster

import (
	"bytes"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"
	"weak"

	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

func setX(m *object.Mutation, _ *object.Input) { m.Set(0, []byte("x"), 0) }

func TestLevels(t *testing.T) {
	b := start(t, newHeldStore(), nil, 0)
	defer b.node.Close()
	for _, c := range []struct {
		level quorum.Level
		bad   bool
	}{
		{0, false}, {quorum.Any, false}, {quorum.One, false}, {quorum.Quorum, false}, {quorum.All, false},
		{quorum.Two, true}, {quorum.Three, true}, {16, true}, {quorum.LocalOne, true}, {quorum.LocalQuorum, true}, {quorum.EachQuorum, true},
	} {
		for _, write := range []bool{true, false} {
			call, o := b.call("k"+c.level.String(), write, nil)
			if write {
				o.do = setX
				call.WriteLevel.Level = c.level
			} else {
				call.ReadLevel.Level = c.level
			}
			b.node.Start(call)
			b.node.Finish([]*Call{call})
			var level *quorum.LevelError
			if errors.As(call.Err, &level) != c.bad || (call.Err != nil) != c.bad {
				t.Errorf("%v, write %v: %v", c.level, write, call.Err)
			}
			if !write && o.had != !c.bad {
				t.Errorf("%v: the key is there: %v", c.level, o.had)
			}
			if c.level == 0 && (call.WriteLevel.Level != quorum.Quorum || call.ReadLevel.Level != quorum.Quorum || call.Deadline == 0) {
				t.Errorf("defaults: %v %v %v", call.ReadLevel, call.WriteLevel, call.Deadline)
			}
		}
	}
}

// What the store refuses has not happened, and later operations go on as if it had not been asked for.
func TestRefusedByTheStore(t *testing.T) {
	store := newHeldStore()
	b := start(t, store, nil, 0)
	defer b.node.Close()
	b.set(0, "a", "old", 0)
	store.refuse = errBroken
	for _, name := range []string{"a", "ab"} {
		c, _ := b.call(name, true, setX)
		b.node.Start(c)
		b.node.Finish([]*Call{c})
		if !errors.Is(c.Err, errBroken) {
			t.Fatalf("%s: %v", name, c.Err)
		}
	}
	store.refuse = nil
	if v, _ := b.get(0, "a"); v != "old" {
		t.Fatalf("a = %q", v)
	}
	if _, ok := b.get(0, "ab"); ok || b.node.Keyspace()[0].Keys != 1 {
		t.Fatalf("ab is there: %v, %+v", ok, b.node.Keyspace()[0])
	}
	b.set(0, "a", "new", 0)
	if v, _ := b.get(0, "a"); v != "new" {
		t.Fatalf("a = %q", v)
	}
}

// Batches that the node stores by itself are counted with those of operations: a read waits for all that its partition
// stored before it.
func TestOneSequenceOfBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newHeldStore()
		b := start(t, store, nil, 0)
		defer b.node.Close()
		b.set(0, "a", "v", time.Second)
		time.Sleep(2 * time.Second) // the sweeper lets it go: batch 2
		synctest.Wait()
		if err := b.node.Flush(0); err != nil { // batch 3
			t.Fatal(err)
		}
		store.held = true
		var flushed, read atomic.Bool
		go func() {
			if err := b.node.Flush(-1); err != nil { // batch 4
				t.Error(err)
			}
			flushed.Store(true)
		}()
		synctest.Wait()
		r, _ := b.call("a", false, nil)
		b.node.Start(r)
		if r.Seq != 4 {
			t.Fatalf("the read waits for batch %d", r.Seq)
		}
		go func() { b.node.Finish([]*Call{r}); read.Store(true) }()
		synctest.Wait()
		if flushed.Load() || read.Load() {
			t.Fatal("answered before the commit")
		}
		store.Release()
		synctest.Wait()
		if !flushed.Load() || !read.Load() || r.Err != nil {
			t.Fatal("not answered after the commit", r.Err)
		}
	})
}

// What the core holds until a batch is durable leaves it then: also when the batch was durable before the core was asked.
func TestCoreLearnsWhatIsDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newHeldStore()
		b := start(t, store, nil, 0)
		defer b.node.Close()
		store.held = true
		w, o := b.call("a", true, setX)
		b.node.Start(w)
		p := b.node.partitionOf(w.Slot)
		ask := func() bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.core.Receive(0, 9, &wire.Read{
				Header: wire.Header{Partition: uint16(w.Slot >> 4), Epoch: 1, ID: 1, Asker: 1}, Slot: w.Slot, Keys: []wire.KeyRead{{Ref: o.ref}},
			})
			p.readyLocked(0, nil)
			return p.core.Holds()
		}
		if !ask() {
			t.Fatal("the core answers a peer before its rows are durable")
		}
		go b.node.Finish([]*Call{w})
		synctest.Wait()
		store.Release()
		synctest.Wait()
		if p.core.Holds() || p.holds.Load() || w.Err != nil {
			t.Fatal("the core holds what is durable", w.Err)
		}
		store.held = false
		b.run(mustCall(b, "a"))
		if ask() {
			t.Fatal("the core holds what has been durable before")
		}
	})
}

func mustCall(b *bench, name string) *Call {
	c, _ := b.call(name, true, setX)
	return c
}

// Both faces of a step's clock, what is issued and what is read, are the present.
func TestStepsFollowTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, newHeldStore(), nil, 0)
		defer b.node.Close()
		for range 3 {
			time.Sleep(5 * time.Second)
			r, o := b.call("a", false, nil)
			b.run(r)
			if s := b.set(0, "a", "v", 0); s.HLC.Millis() != time.Now().UnixMilli() || o.now.HLC.Millis() != time.Now().UnixMilli() {
				t.Fatalf("read at %v, stamped %v, at %d", o.now.HLC, s, time.Now().UnixMilli())
			}
		}
	})
}

// A row from ahead of the clock pushes it as a peer's would, or keeps the key from being written; nothing loops.
func TestRowAheadOfTheClock(t *testing.T) {
	for _, ahead := range []time.Duration{3 * time.Second, time.Hour} {
		store := newHeldStore()
		b := start(t, store, nil, 0)
		slot := slotOf("a")
		at := object.HLCOf(time.Now().Add(ahead).UnixMilli())
		row := object.KeyRow{Value: object.Value{Stamp: object.Stamp{HLC: at, Node: 7, Inc: 7}, Kind: object.ValueBytes, Bytes: []byte("v")}}
		key := object.AppendRowKey(nil, object.Secret{K0: 1, K1: 2}, slot, object.KeyRef{Name: []byte("a")}, nil)
		if _, err := store.Apply([]object.Write{{Key: key, Row: row.AppendRow(nil)}}); err != nil {
			t.Fatal(err)
		}
		c, o := b.call("a", true, setX)
		b.node.Start(c)
		b.node.Finish([]*Call{c})
		if refused := ahead > time.Minute; refused != errors.Is(c.Err, dynamo.ErrClockCeiling) || !refused && (c.Err != nil || o.now.HLC <= at) {
			t.Errorf("%v ahead: stamped %v, %v", ahead, o.now, c.Err)
		}
		b.node.Close()
	}
}

// A flush of one database drops the whole data space only where it knows what else is there.
func TestFlushKeepsWhatItCannotRead(t *testing.T) {
	store := newHeldStore()
	key := object.AppendDatabaseKey(nil, 0, 5)
	if _, err := store.Apply([]object.Write{{Key: key, Row: []byte("garbage")}}); err != nil {
		t.Fatal(err)
	}
	b := start(t, store, nil, 0)
	defer b.node.Close()
	b.counted()
	for _, db := range []int{0, -1} {
		if err := b.node.Flush(db); err != nil {
			t.Fatal(err)
		}
		if row, _ := store.Get(nil, key); bytes.Equal(row, []byte("garbage")) != (db == 0) {
			t.Errorf("after the flush of %d: %q", db, row)
		}
	}
}

// A thousand partitions are mostly idle: they must be small, and must not hold on to the operation that each ran last.
func TestIdlePartitionsHoldLittle(t *testing.T) {
	core, whole := unsafe.Sizeof(dynamo.Partition{}), unsafe.Sizeof(partition{})
	t.Logf("a partition: %d bytes of core, %d around it", core, whole)
	if core+whole > 2<<10 {
		t.Error("more than 2 KiB a partition")
	}
	b := start(t, newHeldStore(), nil, 0)
	defer b.node.Close()
	last := func() weak.Pointer[Call] {
		c := mustCall(b, "a")
		b.run(c)
		return weak.Make(c)
	}()
	runtime.GC()
	if last.Value() != nil {
		t.Error("the last operation is kept")
	}
}
