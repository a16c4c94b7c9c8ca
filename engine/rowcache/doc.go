// Package rowcache keeps recently used rows in memory, bounded by bytes. It holds references to the slices it is given and
// copies nothing: keys and rows are immutable and belong to nobody.
//
// The cache is cut into shards, each under its own mutex. A shard is an open-addressing index of 8 bytes a slot over
// entries of one cache line, in chunks:
//
//	index slot    tag u32 | entry id u32                      0 = empty; home = tag & mask, linear probing
//	entry         key []byte | row []byte | tag, prev, next u32 | ref, segment u8
//
// Which rows stay is decided as in W-TinyLFU (Einziger, Friedman, Manes: "TinyLFU: A Highly Efficient Cache Admission
// Policy", 2017): a new row enters a small window (a tenth of the bytes); when it leaves the window it is let into the main
// part only if a 4-bit count-min sketch has seen it more often than the row that would have to go. Both parts are clocks
// (a reference count of two bits, looked at only when something must go) where the paper has LRU lists, so that a hit
// writes one byte of an entry that it reads anyway and one cache line of the sketch, and moves nothing.
//
// There is no goroutine and no buffer: every call leaves the shard in order. The cache is never a source of truth, and it
// does not remember absence.
package rowcache
