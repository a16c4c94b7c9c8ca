// Package engine stores rows: an ordered map of bytes to bytes on Pebble, with durability by policy, a cache of rows, and
// the directory's identity.
//
// Invariants:
//
//   - What Apply returned for is visible; what Wait returned for is as durable as the policy says, and under every policy in
//     the kernel's hands, so that it survives the death of the process.
//   - After one failed write or fsync nothing is acknowledged any more, and no fsync is tried twice.
//   - A row that cannot be read is ErrQuarantined, never absent. A log, manifest or table with a damaged byte is reported,
//     never read as if it were shorter.
//   - The row cache holds only rows that Get would read; callers serialize Get, Apply and DropRange of one key.
//
// The directory:
//
//	RONDO   identity, two slots          LOCK   held while open
//	rows/   Pebble's files               torn/  the end of a log that was cut off at the last unclean start, if any
//
// A slot of RONDO, at byte 0 and at 4096, written in turn, each write synced; the readable one with the greater seq counts:
//
//	 0  magic "RONDODIR"           40  secret K1 u64               88  boot id hash u64, 0 unknown
//	 8  format u32                 48  incarnation u64             96  durability of the last run u8
//	12  length u32                 56  clock ceiling u64           97  flags u8: 1 clean, 2 store made
//	16  seq u64                    64  high-water mark u64         98  0 0
//	24  node id u64                72  synced: log number u64     100  crc32c of bytes 0-99
//	32  secret K0 u64              80  synced: offset in it u64          (all big-endian)
//
// Keys are package object's; of the state space 'm', keys with a second byte below 0x20 are the engine's own:
//
//	'm' 01          the marker row: number u64 | crc32c u32
//	'm' 02 name     SaveState: bytes | crc32c u32
//
// Opening, in this order, nothing being changed before it is verified: lock; identity; manifest record by record; logs
// record by record, judged by identity and boot id; marker row through a read-only open; Pebble; the new incarnation.
//
// The goroutines of a Store are runSync (the log's background sync, the disk gauge) and runMark (the high-water mark); both
// end in Close. docs/design/storage.md tells why things are as they are, with figures.
//
// This package is not a cluster's replica: it knows nothing of stamps, merging, slots' owners or levels.
package engine
