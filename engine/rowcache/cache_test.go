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
		defer c.Close()
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
				v, ok := c.Get(nil, k)
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
		n := 0
		for _, q := range []*ring{&s.window, &s.main} {
			if q.used() > q.units {
				t.Fatalf("ring holds %d of %d units", q.used(), q.units)
			}
			at := q.tail
			for at < q.head {
				place := at % q.units
				r := q.at(place)
				at += uint64(r.units())
				if !r.live() {
					continue
				}
				n++
				if slot, ok := s.find(r.tag(), r.key()); !ok || uint32(s.index[slot]) != q.location(place) {
					t.Fatalf("record at %d is not what the index finds", place)
				}
			}
			if at != q.head {
				t.Fatalf("records end at %d, head is %d", at, q.head)
			}
		}
		slots := 0
		for _, slot := range s.index {
			if slot != 0 {
				slots++
			}
		}
		if n != s.count || slots != n {
			t.Fatalf("%d records, count %d, %d slots", n, s.count, slots)
		}
	}
}

// TestScanResistance: rows that are asked for now and then outlive a scan over twenty times what the cache holds.
func TestScanResistance(t *testing.T) {
	c := New(1 << 20)
	defer c.Close()
	row := make([]byte, 100)
	for range 10 {
		for i := range 1000 {
			if _, ok := c.Get(nil, key(i)); !ok {
				c.Put(key(i), row)
			}
		}
	}
	for i := 10_000; i < 100_000; i++ {
		if _, ok := c.Get(nil, key(i)); !ok {
			c.Put(key(i), row)
		}
		if hot := i / 10 % 1000; i%10 == 0 {
			if _, ok := c.Get(nil, key(hot)); !ok {
				c.Put(key(hot), row)
			}
		}
	}
	kept := 0
	for i := range 1000 {
		if _, ok := c.Get(nil, key(i)); ok {
			kept++
		}
	}
	if kept < 900 {
		t.Errorf("%d of 1000 hot rows outlived the scan", kept)
	}
}

func TestTooBig(t *testing.T) {
	c := New(1 << 20)
	defer c.Close()
	c.Put(key(1), []byte("small"))
	c.Put(key(1), make([]byte, 1<<20))
	if _, ok := c.Get(nil, key(1)); ok {
		t.Error("a row of the cache's size is kept, or the one before it")
	}
	c.Put(make([]byte, 1<<17), []byte("row"))
	if _, ok := c.Get(nil, make([]byte, 1<<17)); ok {
		t.Error("a key of 128 KB is kept")
	}
	check(t, c)
}

func TestConcurrent(t *testing.T) {
	c := New(1 << 20)
	defer c.Close()
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 20_000 {
				k := key(i % 3000 * 8)
				c.Put(k, bytes.Clone(k))
				if v, ok := c.Get(nil, k); ok && !bytes.Equal(v, k) {
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

// TestRowsAreCopies: what Get gave stays as it was, and what Put took may change.
func TestRowsAreCopies(t *testing.T) {
	c := New(1 << 20)
	defer c.Close()
	row := []byte("first")
	c.Put(key(1), row)
	got, _ := c.Get([]byte("prefix "), key(1))
	copy(row, "XXXXX")
	c.Put(key(1), []byte("other"))
	if string(got) != "prefix first" {
		t.Errorf("got %q", got)
	}
}

func TestClearAndClose(t *testing.T) {
	c := New(1 << 20)
	for i := range 3000 {
		c.Put(key(i), key(i))
	}
	c.Clear()
	check(t, c)
	if m := c.Metrics(); m.Entries != 0 {
		t.Fatalf("%+v", m)
	}
	c.Put(key(1), key(2))
	if row, ok := c.Get(nil, key(1)); !ok || string(row) != string(key(2)) {
		t.Fatal("nothing is kept after Clear")
	}
	c.Close()
	c.Put(key(1), key(1))
	if _, ok := c.Get(nil, key(1)); ok {
		t.Fatal("a closed cache answers")
	}
}
