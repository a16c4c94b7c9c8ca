// Package rowcache keeps recently used rows in memory, bounded by bytes. It copies rows in and out, and keeps them outside
// of the collected heap: a million rows cost the garbage collector nothing, and the bound is what the process really uses.
//
// The cache is cut into shards, each under its own mutex. A shard is an open-addressing index of 8 bytes a slot over two
// rings of records, the window (a tenth) and the main ring:
//
//	index slot    tag u32 | location u32        0 = empty; home = tag & mask, linear probing; location = unit + 1
//
//	        +---------+------------+------------+--------+----------+-----------+-----+-----+---------+
//	record  | tag u32 | rowLen u32 | keyLen u16 | ref u8 | state u8 | units u32 | key | row | padding |
//	        +---------+------------+------------+--------+----------+-----------+-----+-----+---------+
//
// A unit is 16 bytes. Records never wrap: what is left at a ring's end is one record of padding. A record is let go in the
// order in which it came in; one that was replaced or deleted before is dead and just passed over.
//
// Which rows stay is decided as in W-TinyLFU (Einziger, Friedman, Manes: "TinyLFU: A Highly Efficient Cache Admission
// Policy", 2017): a new row enters the window; when it leaves the window it is let into the main ring only if a 4-bit
// count-min sketch has seen it more often than the row that would have to go. Both rings are clocks (a reference count of
// two bits; a record that was hit goes round once more) where the paper has LRU lists, so a hit moves nothing. Until a shard
// is half full nothing has to go soon, and the sketch is not kept: it would cost every hit a miss of the processor's cache.
//
// There is no goroutine and no buffer: every call leaves the shard in order. The cache is never a source of truth, and it
// does not remember absence.
package rowcache
