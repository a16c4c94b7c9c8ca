// Package merkle finds where two replicas of a partition differ, by a hash tree that each keeps as its rows change and by
// few and small messages. It is pure and imports nothing of the module: no I/O, no clock, no randomness.
//
// # The tree
//
// A leaf covers some leading bits of the places of one slot, and holds the XOR of a keyed hash of each row there and how
// many rows that are. Of 16 slots and 1024 leaves, 64 leaves are a slot's and 6 bits of the place tell them apart:
//
//	level 0                          root                           a hash of its children; 0 where there are no rows
//	level 1        node 0          node 1     ...     node 31       the same, FanOut children each
//	level 2   leaf 0 ... leaf 31  32 ... 63        992 ... 1023     XOR of Row.Hash of the rows
//	          |<--- slot 0, places by their 6 top bits -->|...
//
// The engine sorts rows by (slot, database, place, name), so a leaf is one contiguous run of keys in each of the databases.
// A partition's database rows have no place; they are in leaf 0. Scan the slot's databases from where Range.Databases says.
//
// Change costs the same whatever the size of the tree: one XOR, one count, one bit that says which inner node is old. Inner
// nodes are computed when somebody asks. So the tree belongs to the partition's lock, for those who only look as well.
//
//	on each row stored, in the same step:   t.Change(shape.Leaf(slot, place), row.Hash(before), row.Hash(after))
//
// where row is hasher.Row(engine key), and before and after are the canonical bytes of the two versions, none for no row.
//
// # Invariants
//
//   - A tree is a function of the set of its rows: any order of the same changes gives the same tree, and changes commute
//     with Absorb. What was added and taken out again leaves no trace.
//   - A row must be counted once. Counted twice it vanishes, as XOR goes; taken out as another version than was put in, it
//     spoils its leaf for good. Check sees some of that, a new scan mends all of it.
//   - So the canonical bytes must be a function of the row as it is stored, and of nothing that can move under it: a hash
//     made anew of a stored row has to be the one that was put in. What a clear elsewhere (the database's, or for an element
//     the key's) has killed is in the tree until the row itself is taken out of the store.
//   - A leaf is 0 with no rows; a row's hash is never 0.
//   - A Walk over trees that stand still finds exactly the leaves whose hashes differ. Beside writes it finds at least those
//     that differ all along. Two different leaves look the same once in 2^64.
//   - No message is longer than MaxMessage, and none makes whoever decodes, answers or takes it panic or hold more than a tree
//     of the largest shape.
//
// # Why hashes are keyed
//
// Without a secret XOR is no hash at all: 65 rows whose hashes anybody can compute contain a set that cancels out, found
// by solving linear equations (Bellare and Micciancio, EUROCRYPT 1997, on XHASH). Whoever picks keys could hide a
// difference from repair. So the hash is SipHash-2-4 (Aumasson and Bernstein, 2012) under a key derived from the cluster's
// secret, in two steps: 128 bits of the row's engine key under that, and those bits are the key for the content. A name
// cannot run into a content, and no copy is made to join them. Inner nodes hash what is secret already, with a constant.
//
// # Finding what differs
//
//	asker                                            answerer (no state)
//	  |-- Question{level 0, root} ------------------------>|
//	  |<------------------------ Reply{same} --------------|    the end, where nothing differs
//	  |<------------------------ Reply{hashes of level 1} -|
//	  |-- Question{level 1, nodes that differ, <= 16} ---->|
//	  |<------------- Reply{hashes and counts of leaves} --|
//	  |   ... for other trees: more levels, more nodes     |
//
//	for w := merkle.Begin(shape, seq); ; {
//		q, ok := w.Next(tree)                    // the same until it is answered: ask again after a loss
//		if !ok { break }
//		send AppendQuestion(nil, &q), receive    // there: r, err := tree.Answer(&q)
//		err := w.Step(tree, &r)                  // ErrUnasked: late or doubled, wait on. Others: give up
//		use w.Take()                             // leaves that differ so far, ascending
//	}
//
// Writes on their way differ for a moment. Let a pause go by and walk Again over what was found.
//
// # Splitting a leaf
//
// A leaf of more than SplitRows rows that differs is worth another look before its rows are sent. Both sides scan its
// range, and a Splitter sums the rows up by more bits of the place: parts, each a contiguous range again.
//
//	q, ok := difference.Split(shape)             // false: exchange all rows of shape.Range(difference.Leaf)
//	there, if shape.Has(q.Range):  s, err := NewSplitter(q); for each row { s.Add(place, row.Tail(), hash) }; s.Reply()
//	here:                          the same;  parts, err := s.Compare(&reply)
//	for each part: part.Split() again, or exchange the rows of part.Range
//
// A collection has all its rows at one place. Where a part is such a place, the split goes on by the rows' tails, a hash
// of each row's name: the scan is that of the whole place, and rows that Range.Holds denies are skipped. One row of a
// hundred thousand of one place is found in three scans.
//
// # Building a tree beside traffic
//
//  1. Under the lock: take a snapshot of the store, and an empty tree, live, that gets all changes from now on.
//  2. Without it: scan the snapshot into a second tree by Change(leaf, 0, hash).
//  3. Under the lock: live.Absorb(second). Now live is the tree; Check it.
//
// Until then live is not to be compared with anybody's. Its counts may be below none.
//
// # Bytes
//
// Messages, all numbers big-endian, rows as uvarints; the peer link frames and checks them:
//
//	question     | version 1 | 'q' | seq u32 | log2 slots u8 | log2 leaves u8 | level 0 | root u64                 |
//	             |           |     |         |               |                | level   | count u8 | node u16 ...  |
//	reply        | version 1 | 'r' | seq u32 | log2 slots u8 | log2 leaves u8 | level   | count u16 | hash u64 ... | rows ... of leaves |
//	split        | version 1 | 's' | seq u32 | slot u16 | bits u8, place's u64 | bits u8, tail's u64 | more bits u8 | by tail u8 |
//	split reply  | version 1 | 't' | seq u32 | count u16 | hash u64, rows ...  |
//
// A reply without hashes says that the roots are the same. A snapshot, saved at a clean stop:
//
//	+--------+-----------+---------------+----------------+----------------+--------------+-----------+
//	| "RMKL" | version 1 | log2 slots u8 | log2 leaves u8 | generation u64 | sequence u64 | under u64 |
//	+--------+-----------+---------------+----------------+----------------+--------------+-----------+
//	| for each FanOut leaves: which have rows, a bit each, u32; of those: hash u64, rows               |
//	+---------------------------------------------------------------------------------+---------------+
//	                                                                                  | crc32c u32    |
//	                                                                                  +---------------+
//
// The Mark in it says of which rows the tree is. A node that finds another one, or none, builds the tree again; and it must
// take the saved tree away, durably, before it stores its first row, for a crash saves none. There is one encoding of
// each: what decodes encodes to the same bytes, and all else is refused.
//
// # Costs
//
// Measured for 1024 leaves on a cloud machine's core: Change 3 ns in cache, 10 ns among a thousand trees; Row and Hash
// 70 ns for 64 bytes of content and 0.6 us for 1 KiB; Root 0.5 us after one change, 10 us after all. A tree takes
// 12.4 KiB, an empty one about 100 bytes; a snapshot 9.2 KiB. To find one leaf takes 2 round trips and 600 bytes in all; to
// find that all differ 3 and 9.6 KB, no message above 4.7 KB; to find nothing 1 and 28 bytes. None of Change, Hash, Root
// allocates.
//
// # Sources
//
// Merkle, A Digital Signature Based on a Conventional Encryption Function, CRYPTO 1987. DeCandia et al., Dynamo, SOSP 2007,
// section 4.7: a tree a key range, compared between those who host it. Cassandra builds its trees by reading all data at
// each repair, 2^15 leaves a range, and sends some thirty rows of a million for one that differs: hence counts and
// splits here. Riak keeps its trees as keys change, as is done here, and lets them expire so that what the tree missed, or
// the disk lost, comes to light: hence Check, and a scan now and then.
//
// # What this package is not
//
// It does not know what a row is: which bytes are canonical, so that replicas that say the same hash the same, is for its
// caller. It does not compare trees read under different deletion watermarks, or let anybody know that they are: the caller
// compares watermarks first, and tells a tree by Change, or builds it again, when its watermark rises. It moves no rows,
// keeps no schedule, and does not authenticate a peer: whoever can answer can say that all is well.
package merkle
