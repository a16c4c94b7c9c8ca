// Package object holds Rondo's rows: what a key is made of, how writes are ordered, how two versions of a row become
// one, and the bytes of rows and of their keys. It is pure: no I/O, no clock, no randomness; time comes in as stamps.
//
// One principle: the outcome is that of running all operations in the order of their stamps. A Stamp is
// (hlc, node, incarnation), totally ordered. A key row is a set of fields that merge one by one, the greater stamp
// winning each; a clear is a stamp up to which everything of a key, or of a database, is dead. An element of a
// collection has a row of its own: its latest write, or a tombstone.
//
// An operation sees a View of its keys and answers with a Mutation: changes without stamps, so that the same mutation can
// be stamped again. Apply puts a stamped change on the rows. Merge brings two versions together. Digest is a keyed hash that
// is equal where rows say the same. Hides tells whether another's write covers a blind one. Collect lets go what is dead for
// good.
//
// # Keys of rows
//
// Big-endian, so that a partition, a slot and a leaf of a hash tree are each one contiguous range:
//
//	+-----+----------+-------+-----------+------------------+------+-----+
//	| 'd' | slot u16 | db u8 | place u40 | uvarint len(key) | key  | sub |   a row of a key
//	+-----+----------+-------+-----------+------------------+------+-----+
//	| 'd' | slot u16 | db u8 |                                            the database row of the partition that
//	+-----+----------+-------+                                            begins at slot: its cleared
//
// place is the top 38 bits of SipHash-2-4 of the key under the cluster's secret, so slot<<38|place is a SCAN cursor that
// any node can go on from, exact in a double. An empty sub is the key row. A sub that is not empty begins with a type byte;
// the bytes 1 hash field, 2 set member, 3 zset member, 4 zset score, 5 list element and 6 stream entry are reserved.
//
// # Rows
//
// The row of a key:
//
//	+-----------+---------+-----------+----------+-------+----------+--------+---------+--------+------+-----+----------+-------+-------------+
//	| format u8 | kind 1  | flags u16 | at u64 ? | value | replaced | expiry | cleared | totals | seen | own | siblings | value | crc32c u32  |
//	|     1     |   u8    |           |    ms    | stamp |  stamp   | stamp  |  stamp  |        |      |     |          |       | of all that |
//	+-----------+---------+-----------+----------+-------+----------+--------+---------+--------+------+-----+----------+-------+-------------+
//
// Flags say which fields follow and which stamps follow from the value's: a plain SET writes its expiry at the value's
// stamp and its cleared just below, so neither takes room. A stamp is hlc u64, node u64, incarnation u64; totals and seen
// are a u32 count and their entries sorted by name, stamps last; the value is a base as int64 or the string's bytes. Siblings are
//
//	+---------+-----------+-------------------------+-----------+-----------------------------------------------+
//	| updated | count u32 | actor stamp, seq u64 .. | count u32 | actor stamp, seq u64, stamp, length u32, bytes |
//	|  stamp  |           | the context, by actor   |           | the values, by dot                 ..         |
//	+---------+-----------+-------------------------+-----------+-----------------------------------------------+
//
// own, and the flag that element rows may be stored, are local: the wire form of a row has neither.
//
// The row of an element; the 8 bytes are replaced's hlc where its node and incarnation are the stamp's:
//
//	+-----------+---------+-----------+-------+--------------------+-------------+------------+
//	| format u8 | kind 2  | flags u16 | stamp | replaced ?         | value       | crc32c u32 |
//	|     1     |   u8    |           |  24   | 8 bytes or 24      | no tombstone |            |
//	+-----------+---------+-----------+-------+--------------------+-------------+------------+
//
// There is one encoding of a row: what decodes encodes to the same bytes, and all else is refused.
package object
