// Package wire is what nodes say to each other: the messages and their bytes. It is pure: no I/O, no clock; compression
// is a function of the bytes.
//
// # Who says what
//
//	asker                                                     whom it asks
//	Read    the coordinator of a read, or of a write that     home replicas of the slot; with Hints, fallbacks
//	        looks, gathers what other replicas have
//	Write   the coordinator sends the whole rows that it      all home replicas at once; with For, a fallback
//	        stored; later write-back, repair, hints            that keeps them as hints for that home replica
//	Pass    a node that is not to run a client's operation    a home replica for reads, the primary for writes
//	Ask     a node that counts or scans keys                  every node, about many slots
//	Compare a new owner that copies a partition, or one       an old owner, a new one: their hash trees of the
//	        that hands it over before it deletes its own      partition
//	Fetch   a new owner that copies                           an old owner: the rows of ranges that differ
//
// ReadReply, WriteReply, PassReply, Answer, Compared and Fetched answer them. Ring, what nodes say about the ring
// itself, is one way. A request is answered at most once, but the network may repeat, delay, reorder and lose both, so a
// reply that does not come says nothing, and a Write must do no harm twice: rows merge.
//
// A reply repeats the request's Partition, ID and Asker. ID names the request at who asked; Asker is that node's
// incarnation. A node that starts again begins its IDs anew and by the incarnation knows replies to its earlier life.
//
//	coordinator (primary)          home replica            home replica that is behind
//	   | Read Compare, digest 7a --->|                            |
//	   | Read Compare, digest 7a -------------------------------->|
//	   |<--- ReadReply Same {1} -----|                            |
//	   |<--- ReadReply Rows {its older row} ----------------------|
//	   | merge, evaluate, stamp, store                            |
//	   | Write client, rows -------->|                            |
//	   | Write client, rows ------------------------------------->|
//	   |<--- WriteReply OK ----------|   the level is met: reply to the client
//	   |<--- WriteReply OK ---------------------------------------|
//
// # What a reply means
//
//	status       to         means
//	OK           Compare    Body is the comparison with what the replica has, as durable as the policy says
//	             Fetch      Rows are all that the replica has in the range, up to Next
//	             Read       Same and Rows are all that the replica has of the keys, as durable as the policy says
//	             Write      an ack: the rows, or greater ones, are as durable there as the policy says
//	             Pass       Body is the reply for the client; what it shows was settled at the level asked for
//	Hidden       Write      stored, and no ack: Rows hold a greater stamp of another writer, stamp anew above it
//	Unable       Read Write a row that it needs cannot be read: this replica has failed for these keys
//	Epoch        all        the request's epoch is older than the partition's stage allows, or newer than the replica
//	                        knows; the reply's Epoch says which. The older of the two fetches the ring and asks again
//	NotHome      all        by its ring the node is no home replica of the partition
//	Overloaded   all        not begun: the queues are full
//	Expired      all        not begun: Budget was used up while it waited
//	Drift        Write Pass HLC is further ahead of the receiver's clock than it accepts; nothing was stored
//	Full         Write      nothing was stored: no room, or no more hints are taken
//	NoHint       Read       the fallback holds no hint of the keys, so its answer counts for nothing
//	NotCopied    Read       a new owner that has not begun to copy the partition: it will have what the old owners have
//	Unavailable  Pass       nothing was stored anywhere; Count says how many replicas there were of how many needed
//	Timeout      Pass       what became of the operation is not known; Count says how many had acknowledged
//	Level Error  Pass       refused, nothing was stored; Body is the text of the error
//
// Anything but OK is a failure of that replica, never an answer about the data. Of the failures only Hidden has stored
// something for certain; Timeout may have.
//
// Every message carries the sender's epoch and clock. The receiver looks at both before anything else: it refuses an epoch
// that its stage of the partition does not allow (but of a Ring: it is how nodes get to another epoch), learns from a newer one that it must fetch the ring, and keeps its own
// clock from being behind HLC unless that is beyond the drift it accepts. Budget counts from the arrival of the
// request: a receiver never does work that nobody waits for.
//
// # Frames
//
// Big-endian. A connection is a sequence of frames; Next splits it.
//
//	 0          4         5      6       7          8
//	+------------+---------+------+-------+----------+
//	| length u32 | version | kind | flags | reserved |   length: of all that follows it
//	|            |    1    |      |       |    0     |   flags: 1 the body is packed
//	+------------+---------+------+-------+----------+
//	 8           16        24       32          40           44              46
//	+-----------+---------+--------+-----------+------------+---------------+--------+-------------+
//	| epoch u64 | hlc u64 | id u64 | asker u64 | budget u32 | partition u16 | body   | crc32c u32  |
//	|           |         |        |           |     ms     |               |        | of all that |
//	+-----------+---------+--------+-----------+------------+---------------+--------+-------------+
//
// Bodies, where n is a uvarint, "bytes" is n and as many bytes, and ? says that a flag tells whether it is there:
//
//	Read        slot u16 | flags u8 | n keys
//	  flags     1 compare, 2 hints
//	  key       shape u8 | db u8 | name bytes | digest u64 ? | n subs, each bytes ?
//	  shape     1 whole, 2 subs follow, 4 digest follows
//	ReadReply   status u8 | same bytes | n rows
//	Write       slot u16 | reason u8 | attempt u8 | flags u8 | last hlc u64 | stamp | for u64 ? | n rows
//	  flags     1 tell when hidden, 2 for follows, 4 the level counts this hint
//	  stamp     hlc u64 | node u64 | incarnation u64
//	WriteReply  status u8 | attempt u8 | n rows
//	Pass        slot u16 | flags u8 | read level u8 | write level u8 | sloppy u8 | body to the end
//	  flags     1 write
//	PassReply   status u8 | flags u8 | count ? | body to the end
//	  flags     1 count follows
//	  count     have u8 | need u8 | of u8 | length of dc u8 | dc
//	Ask         what u8 | body to the end
//	Answer      status u8 | body to the end
//	Ring        reserved u8, 0 | body to the end
//	Compare     reserved u8, 0 | body to the end
//	Compared    status u8 | body to the end
//	Fetch       from bytes | to bytes | limit u32
//	Fetched     status u8 | next bytes | n rows in all, by runs of one slot
//	  run       slot u16 | n rows, not 0. The next run is of another slot
//	row         shape u8 | db u8 | name bytes ? | sub bytes ? | row bytes
//	  shape     1 a database row: no name and no sub, 2 sub follows
//	  row       as package object encodes it, with its own checksum; empty for none
//
// A body longer than 4 KiB is packed, as an S2 block, when that saves at least an eighth of it. The checksum is of the
// packed bytes. A packed body of n bytes may hold 256 KiB + 256 n bytes, and never more than MaxFrame; this is
// checked before memory is taken for it. What packs even better is sent as it is.
//
// Invariant: one message has one unpacked frame. Decode refuses every other: lengths and counts that are not in their
// shortest form, flags that announce something empty, bytes left over.
//
// Invariant: nothing is allocated from a declared length. Every count is compared with the bytes that are left (and with
// MaxRows, MaxKeys or MaxElements), every length of a packed body with the length it came from; FrameLen says how long a
// frame wants to be, and who reads from a connection takes memory as bytes arrive, not before.
//
// # What the receiver may trust
//
// Decode verifies every row, once: format and checksum by object.CheckRow, then that it decodes as the key row or element
// row that it is sent as and carries no local fields. The receiver need not do it again; its own decoding cannot fail.
// It checks what depends on the ring (partition against slot, levels, epochs) and that rows are of keys that it
// asked for. A message that was decoded owns the frame's bytes.
//
// # Errors
//
// ErrVersion, ErrCorrupt and ErrTooLarge mean that the stream is lost: close the connection. ErrUnknown and ErrMalformed
// mean that the peer is not what it claims to be: close it too, and say why. ErrRow means that one row went bad before it
// was sent: the stream is in step, so drop the frame and count it, for else one bad row would take the whole link down.
// The asker sees no answer, which is the truth.
//
// # How the format may change
//
// Kinds, statuses, reasons, flags and versions are for ever: new ones are appended, none changes its meaning or is used
// again. The first five bytes of a frame, length and version, stay what they are in all versions.
//
// Within one version the format does not change at all, also not by an added status: a receiver knows all of its
// version or refuses with ErrVersion or ErrUnknown, and the connection closes with an error that names both versions. So
// whatever is new comes with a new Version. A node that is upgraded goes on writing the version that its peer reads; which
// one that is, peers say when they connect.
//
// Kinds from 0x40 on are reserved for the transport: the handshake that names versions, node and cluster, and what keeps a
// connection alive. They are no Messages, and Decode refuses them; Control takes
// their frames apart, which have a header of zeros. The byte after the flags is reserved and 0.
//
// The files under testdata hold the bytes of every kind, so that no change goes unnoticed.
//
// # What this package is not
//
// It is not the transport (connections, queues, who is reachable), not the meaning of an operation in Pass.Body, and not the
// bytes of rows, which package object knows.
package wire
