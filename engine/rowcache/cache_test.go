package rowcache

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
)

func key(i int) []byte { return fmt.Appendf(nil, "key%06d", i) }

// TestModel runs random calls on the cache and on a map: what the cache answers is what the map holds, and it may only
// answer less.
func TestModel(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		c := New(64 << 10)
		model := map[string]string{}
		hits := 0
		for step := range 20_000 {
			k := key(r.IntN(1000))
			switch r.IntN(8) {
			case 0, 1, 2:
				v := fmt.Sprint("row", step, string(make([]byte, r.IntN(200))))
				c.Put(k, []byte(v))
				model[string(k)] = v
			case 3:
				c.Delete(k)
				delete(model, string(k))
			case 4:
				if r.IntN(500) != 0 {
					continue
				}
				lo, hi := key(r.IntN(1000)), key(r.IntN(1000))
				c.DropRange(lo, hi)
				for m := range model {
					if m >= string(lo) && m < string(hi) {
						delete(model, m)
					}
				}
			default:
				v, ok := c.Get(k)
				if ok {
					hits++
				}
				if want, there := model[string(k)]; ok && (!there || want != string(v)) {
					t.Fatalf("seed %d step %d: %s is %q, want %q", seed, step, k, v, want)
				}
			}
			if step%100 == 0 {
				check(t, c)
			}
		}
		if hits < 500 {
			t.Errorf("seed %d: %d hits: it keeps too little", seed, hits)
		}
	}
}

// check verifies the invariants of every shard.
func check(t *testing.T, c *Cache) {
	t.Helper()
	for i := range c.shards {
		s := &c.shards[i]
		if s.bytes[segWindow]+s.bytes[segMain] > s.capacity {
			t.Fatalf("shard holds %d + %d of %d bytes", s.bytes[segWindow], s.bytes[segMain], s.capacity)
		}
		n := 0
		for _, seg := range []uint8{segWindow, segMain} {
			var sum int64
			prev := uint32(0)
			for id := s.queues[seg].head; id != 0; id = s.entry(id).next {
				e := s.entry(id)
				if e.prev != prev || e.seg != seg || s.find(e.tag, e.key) != id {
					t.Fatalf("entry %d: prev %d, seg %d, found as %d", id, e.prev, e.seg, s.find(e.tag, e.key))
				}
				sum += e.cost()
				prev = id
				n++
			}
			if s.queues[seg].tail != prev || sum != s.bytes[seg] {
				t.Fatalf("segment %d: tail %d, %d bytes counted, %d summed", seg, s.queues[seg].tail, s.bytes[seg], sum)
			}
		}
		slots := 0
		for _, slot := range s.index {
			if slot != 0 {
				slots++
			}
		}
		if n != s.count || slots != n {
			t.Fatalf("%d entries, count %d, %d slots", n, s.count, slots)
		}
	}
}

// TestScanResistance: rows that are asked for now and then outlive a scan over twenty times what the cache holds.
func TestScanResistance(t *testing.T) {
	c := New(1 << 20)
	row := make([]byte, 100)
	for range 10 {
		for i := range 1000 {
			if _, ok := c.Get(key(i)); !ok {
				c.Put(key(i), row)
			}
		}
	}
	for i := 10_000; i < 100_000; i++ {
		if _, ok := c.Get(key(i)); !ok {
			c.Put(key(i), row)
		}
		if hot := i / 10 % 1000; i%10 == 0 {
			if _, ok := c.Get(key(hot)); !ok {
				c.Put(key(hot), row)
			}
		}
	}
	kept := 0
	for i := range 1000 {
		if _, ok := c.Get(key(i)); ok {
			kept++
		}
	}
	if kept < 900 {
		t.Errorf("%d of 1000 hot rows outlived the scan", kept)
	}
}

func TestTooBig(t *testing.T) {
	c := New(1 << 20)
	c.Put(key(1), []byte("small"))
	c.Put(key(1), make([]byte, 1<<20))
	if _, ok := c.Get(key(1)); ok {
		t.Error("a row of the cache's size is kept")
	}
	check(t, c)
}

func TestConcurrent(t *testing.T) {
	c := New(1 << 20)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 20_000 {
				k := key(i % 3000 * 8)
				c.Put(k, bytes.Clone(k))
				if v, ok := c.Get(k); ok && !bytes.Equal(v, k) {
					t.Errorf("%s is %s", k, v)
				}
				if i%1000 == w {
					c.DropRange(key(0), key(100))
				}
			}
		})
	}
	wg.Wait()
	check(t, c)
	if m := c.Metrics(); m.Hits == 0 || m.Bytes > m.Capacity {
		t.Errorf("%+v", m)
	}
}
