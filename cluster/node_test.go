package cluster

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/engine/object"
)

// op does one thing to one key and remembers what it saw.
type op struct {
	ref   object.KeyRef
	ticks int
	do    func(m *object.Mutation, in *object.Input)
	saw   string
	had   bool
	now   object.Stamp
}

func (o *op) Reads() object.ReadSet {
	return object.ReadSet{Keys: []object.KeyRef{o.ref}, Ticks: o.ticks}
}

func (o *op) Eval(in *object.Input, v *object.View, m *object.Mutation) {
	t, ok := v.Keys[0].Text()
	o.saw, o.had, o.now = string(t.AppendTo(nil)), ok, in.Stamp
	if o.do != nil {
		o.do(m, in)
	}
}

var _ dynamo.Op = (*op)(nil)

func slotOf(name string) object.Slot {
	return object.Slot(len(name)*131+int(name[len(name)-1])) % object.SlotCount
}

type bench struct {
	t     testing.TB
	store *heldStore
	node  *Node
	raise atomic.Int64
}

func start(t testing.TB, store *heldStore, counts []byte, ceiling object.HLC) *bench {
	b := &bench{t: t, store: store}
	n, err := NewNode(Options{
		Store: store, ID: 1, Inc: 2, Secret: object.Secret{K0: 1, K1: 2}, SlotsPerPartition: 16, Counts: counts, Ceiling: ceiling,
		RaiseCeiling: func(h object.HLC) error { b.raise.Store(int64(h)); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	b.node = n
	return b
}

func (b *bench) call(name string, write bool, do func(*object.Mutation, *object.Input)) (*Call, *op) {
	o := &op{ref: object.KeyRef{Name: []byte(name)}, do: do}
	return &Call{Request: dynamo.Request{Op: o, Slot: slotOf(name), Write: write}}, o
}

func (b *bench) run(c *Call) {
	b.t.Helper()
	b.node.Start(c)
	b.node.Finish([]*Call{c})
	if c.Err != nil {
		b.t.Fatal(c.Err)
	}
}

func (b *bench) set(db uint8, name, value string, ttl time.Duration) object.Stamp {
	b.t.Helper()
	c, o := b.call(name, true, func(m *object.Mutation, in *object.Input) {
		at := int64(0)
		if ttl > 0 {
			at = in.Now() + ttl.Milliseconds()
		}
		m.Set(0, []byte(value), at)
	})
	o.ref.DB = db
	b.run(c)
	return o.now
}

func (b *bench) del(name string) {
	b.t.Helper()
	c, _ := b.call(name, true, func(m *object.Mutation, _ *object.Input) { m.Delete(0) })
	b.run(c)
}

func (b *bench) get(db uint8, name string) (string, bool) {
	b.t.Helper()
	c, o := b.call(name, false, nil)
	o.ref.DB = db
	b.run(c)
	return o.saw, o.had
}

func TestStepsSeeEachOther(t *testing.T) {
	b := start(t, newHeldStore(), nil, 0)
	defer b.node.Close()
	b.set(0, "a", "1", 0)
	for range 3 {
		c, _ := b.call("a", true, func(m *object.Mutation, _ *object.Input) { m.Add(0, 2) })
		b.run(c)
	}
	if v, _ := b.get(0, "a"); v != "7" {
		t.Fatalf("a = %q", v)
	}
	if v, ok := b.get(1, "a"); ok {
		t.Fatalf("database 1 has a = %q", v)
	}
	b.del("a")
	if b.store.len() != 0 {
		t.Fatal("a deleted key left a row on a ring of one")
	}
}

func TestStampsRiseAndStayBelowTheCeiling(t *testing.T) {
	b := start(t, newHeldStore(), nil, object.HLCOf(time.Now().Add(time.Hour).UnixMilli()))
	defer b.node.Close()
	var last object.Stamp
	for i := range 200 {
		s := b.set(0, fmt.Sprint("k", i%7), "v", 0)
		if !last.Before(s) || int64(s.HLC) >= b.raise.Load() {
			t.Fatalf("stamp %v after %v, ceiling %v", s, last, b.raise.Load())
		}
		last = s
	}
	if last.HLC.Millis() < time.Now().Add(time.Hour).UnixMilli()-1000 {
		t.Fatal("the clock fell behind its ceiling")
	}
}

func TestTicksAreReserved(t *testing.T) {
	b := start(t, newHeldStore(), nil, 0)
	defer b.node.Close()
	var mu sync.Mutex
	seen := map[object.HLC]bool{}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 200 {
				c, o := b.call(fmt.Sprint("k", g, i), true, nil)
				o.ticks = i%3 + 1
				b.node.Start(c)
				mu.Lock()
				for tick := range o.ticks {
					h := o.now.HLC + object.HLC(tick)
					if seen[h] {
						t.Errorf("%v issued twice", h)
					}
					seen[h] = true
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// A read that saw a write is not answered before the write may be.
func TestReadWaitsForTheWriteItSaw(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newHeldStore()
		b := start(t, store, nil, 0)
		defer b.node.Close()
		store.held = true
		w, _ := b.call("a", true, func(m *object.Mutation, _ *object.Input) { m.Set(0, []byte("x"), 0) })
		b.node.Start(w)
		r, o := b.call("a", false, nil)
		b.node.Start(r)
		if o.saw != "x" {
			t.Fatalf("read %q", o.saw)
		}
		var answered, acked atomic.Bool
		go func() { b.node.Finish([]*Call{r}); answered.Store(true) }()
		go func() { b.node.Finish([]*Call{w}); acked.Store(true) }()
		synctest.Wait()
		if answered.Load() || acked.Load() {
			t.Fatal("answered before the commit")
		}
		store.Release()
		synctest.Wait()
		if !answered.Load() || !acked.Load() || r.Err != nil || w.Err != nil {
			t.Fatalf("not answered after the commit: %v %v", r.Err, w.Err)
		}
	})
}

// Two pipelines that read what the other writes do not wait for each other.
func TestCrossedPipelinesFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newHeldStore()
		b := start(t, store, nil, 0)
		defer b.node.Close()
		store.held = true
		set := func(m *object.Mutation, _ *object.Input) { m.Set(0, []byte("v"), 0) }
		wx, _ := b.call("x", true, set)
		wy, _ := b.call("y", true, set)
		rx, _ := b.call("x", false, nil)
		ry, _ := b.call("y", false, nil)
		for _, c := range []*Call{wx, wy, rx, ry} {
			b.node.Start(c)
		}
		var done atomic.Int32
		go func() { b.node.Finish([]*Call{ry, wx}); done.Add(1) }()
		go func() { b.node.Finish([]*Call{rx, wy}); done.Add(1) }()
		synctest.Wait()
		store.Release()
		synctest.Wait()
		if done.Load() != 2 {
			t.Fatal("pipelines wait for each other")
		}
	})
}

func TestFailedCommitFailsItsReaders(t *testing.T) {
	store := newHeldStore()
	b := start(t, store, nil, 0)
	defer b.node.Close()
	store.fail = errBroken
	w, _ := b.call("a", true, func(m *object.Mutation, _ *object.Input) { m.Set(0, []byte("x"), 0) })
	r, _ := b.call("a", false, nil)
	b.node.Start(w)
	b.node.Start(r)
	b.node.Finish([]*Call{r, w})
	if !errors.Is(w.Err, errBroken) || !errors.Is(r.Err, ErrNotDurable) {
		t.Fatalf("write %v, read %v", w.Err, r.Err)
	}
}

func TestExpiredKeysAreSweptAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, newHeldStore(), nil, 0)
		defer b.node.Close()
		for i := range 10 {
			b.set(0, fmt.Sprint("k", i), "v", time.Duration(i%2)*5*time.Second)
		}
		synctest.Wait()
		if info := b.node.Keyspace()[0]; info != (DatabaseInfo{Keys: 10, Expires: 5}) {
			t.Fatalf("%+v", info)
		}
		time.Sleep(5*time.Second + 2*sweepInterval)
		synctest.Wait()
		if info := b.node.Keyspace()[0]; info != (DatabaseInfo{Keys: 5}) || b.store.len() != 5 || b.node.ExpiredKeys() != 5 {
			t.Fatalf("%+v, %d rows, %d expired", info, b.store.len(), b.node.ExpiredKeys())
		}
	})
}

func TestCountsSurviveCleanAndUncleanStops(t *testing.T) {
	store := newHeldStore()
	b := start(t, store, nil, 0)
	if n, err := b.node.Size(0); n != 0 || err != nil {
		t.Fatalf("an empty store: %d keys, %v", n, err)
	}
	for i := range 2000 {
		b.set(uint8(i%3), fmt.Sprint("key", i), "v", time.Duration(i%2)*time.Hour)
	}
	b.counted()
	b.node.Close()
	want := b.node.Keyspace()
	saved := b.node.SaveCounts()
	if saved == nil {
		t.Fatal("nothing saved")
	}
	for name, counts := range map[string][]byte{"clean": saved, "unclean": nil, "garbage": {1, 2, 3}} {
		b := start(t, store, counts, b.node.Latest())
		if name == "clean" {
			if _, err := b.node.Size(0); err != nil {
				t.Fatal(err)
			}
		}
		// Writes go on while keys are counted.
		for i := range 300 {
			b.set(0, fmt.Sprint("key", i*3), "w", time.Duration(i*3%2)*time.Hour)
		}
		b.counted()
		b.node.Close()
		if got := b.node.Keyspace(); got != want {
			t.Fatalf("%s: %+v, want %+v", name, got, want)
		}
		total := int64(0)
		for s := range object.SlotCount {
			n, _ := b.node.SlotSize(object.Slot(s))
			total += n
		}
		if total != want[0].Keys {
			t.Fatalf("%s: slots hold %d keys", name, total)
		}
	}
}

// counted returns once all keys are counted.
func (b *bench) counted() {
	for {
		if _, err := b.node.Size(0); !errors.Is(err, ErrCounting) {
			return
		}
		runtime.Gosched()
	}
}
