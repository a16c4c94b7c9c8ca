package rowcache

import (
	"hash/maphash"
	"math/bits"
	"runtime"
)

// Sizes.
const (
	maxShards      = 64
	shardsPerProc  = 4
	minShardBytes  = 4 << 20
	indexShare     = 16 // the index takes about one part of so many of the capacity
	recordOverhead = headerLen + unit/2
)

// EntryOverhead is about what an entry costs beside its key and row, in bytes: header, padding, its share of the index.
const EntryOverhead = recordOverhead + 20

// Cache is a cache of rows by key. Its methods may be called concurrently.
type Cache struct {
	seed   maphash.Seed
	shift  uint
	shards []shard
	mem    []byte
}

// New returns a cache that uses about capacity bytes at most. Close gives them back.
func New(capacity int64) *Cache {
	n := 1
	for n < min(maxShards, shardsPerProc*runtime.GOMAXPROCS(0)) && capacity/int64(2*n) >= minShardBytes {
		n *= 2
	}
	c := &Cache{seed: maphash.MakeSeed(), shards: make([]shard, n), shift: uint(64 - bits.TrailingZeros(uint(n)))}
	each := (capacity - capacity/indexShare) / int64(n) / unit * unit
	c.mem = allocate(int(each) * n)
	for i := range c.shards {
		lo := int64(i) * each
		c.shards[i].init(c.mem[lo : lo+each : lo+each])
	}
	return c
}

// Close empties the cache for good and gives its memory back.
func (c *Cache) Close() {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		s.close()
		s.mu.Unlock()
	}
	release(c.mem)
	c.mem = nil
}

// at returns the shard of key, and the part of its hash that the shard uses.
func (c *Cache) at(key []byte) (*shard, uint32) {
	h := maphash.Bytes(c.seed, key)
	return &c.shards[h>>c.shift], uint32(h)
}

// Get appends the row under key to dst; false when it is not cached.
func (c *Cache) Get(dst, key []byte) ([]byte, bool) {
	s, tag := c.at(key)
	s.mu.Lock()
	dst, ok := s.get(dst, tag, key)
	s.mu.Unlock()
	return dst, ok
}

// Put makes a copy of row the row under key.
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
	if i, ok := s.find(tag, key); ok {
		s.drop(i)
	}
	s.mu.Unlock()
}

// DropRange forgets the rows under keys in [lo, hi). It looks at every entry.
func (c *Cache) DropRange(lo, hi []byte) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		s.dropRange(lo, hi)
		s.mu.Unlock()
	}
}

// Clear forgets everything, in a time that does not depend on how much there is but for the index.
func (c *Cache) Clear() {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		s.clear()
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
		m.Bytes += int64(s.window.used()+s.main.used())*unit + int64(len(s.index)*8)
		m.Capacity += int64(s.window.units+s.main.units)*unit + int64(len(s.index)*8)
		s.mu.Unlock()
	}
	return m
}
