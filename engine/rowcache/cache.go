package rowcache

import (
	"bytes"
	"hash/maphash"
	"math/bits"
)

// Sizes.
const (
	maxShards     = 64
	minShardBytes = 4 << 20
	// EntryOverhead is what an entry costs beside its key and row: the entry, its share of the index and of the sketch.
	EntryOverhead = 64 + 16 + 8
)

// Cache is a cache of rows by key. Its methods may be called concurrently.
type Cache struct {
	seed   maphash.Seed
	shift  uint
	shards []shard
}

// New returns a cache that holds at most capacity bytes, overhead included.
func New(capacity int64) *Cache {
	n := 1
	for n < maxShards && capacity/int64(2*n) >= minShardBytes {
		n *= 2
	}
	c := &Cache{seed: maphash.MakeSeed(), shards: make([]shard, n), shift: uint(64 - bits.TrailingZeros(uint(n)))}
	for i := range c.shards {
		c.shards[i].init(capacity / int64(n))
	}
	return c
}

// at returns the shard of key, and the part of its hash that the shard uses.
func (c *Cache) at(key []byte) (*shard, uint32) {
	h := maphash.Bytes(c.seed, key)
	return &c.shards[h>>c.shift], uint32(h)
}

// Get returns the row under key.
func (c *Cache) Get(key []byte) ([]byte, bool) {
	s, tag := c.at(key)
	s.mu.Lock()
	row, ok := s.get(tag, key)
	s.mu.Unlock()
	return row, ok
}

// Put makes row the row under key. Both belong to the cache from now on.
func (c *Cache) Put(key, row []byte) {
	s, tag := c.at(key)
	s.mu.Lock()
	s.put(tag, key, row)
	s.mu.Unlock()
}

// Delete forgets the row under key.
func (c *Cache) Delete(key []byte) {
	s, tag := c.at(key)
	s.mu.Lock()
	if id := s.find(tag, key); id != 0 {
		s.remove(id)
	}
	s.mu.Unlock()
}

// DropRange forgets the rows under keys in [lo, hi). It looks at every entry.
func (c *Cache) DropRange(lo, hi []byte) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		for id := uint32(1); id < s.nextID; id++ {
			e := s.entry(id)
			if e.seg != segFree && bytes.Compare(e.key, lo) >= 0 && bytes.Compare(e.key, hi) < 0 {
				s.remove(id)
			}
		}
		s.mu.Unlock()
	}
}

// Metrics are the cache's figures at one moment.
type Metrics struct {
	Hits, Misses, Evictions, Rejections int64
	Entries, Bytes, Capacity            int64
}

// Metrics adds up the shards.
func (c *Cache) Metrics() Metrics {
	var m Metrics
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		m.Hits += s.hits
		m.Misses += s.misses
		m.Evictions += s.evictions
		m.Rejections += s.rejections
		m.Entries += int64(s.count)
		m.Bytes += s.bytes[segWindow] + s.bytes[segMain]
		m.Capacity += s.capacity
		s.mu.Unlock()
	}
	return m
}
