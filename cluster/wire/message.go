package wire

import "github.com/rondokv/rondo/engine/object"

// Kind says which message a frame holds. Values are for ever: append only.
type Kind uint8

// The kinds of message.
const (
	KindRead       Kind = 1
	KindReadReply  Kind = 2
	KindWrite      Kind = 3
	KindWriteReply Kind = 4
	KindPass       Kind = 5
	KindPassReply  Kind = 6
	KindAsk        Kind = 7
	KindAnswer     Kind = 8
	KindRing       Kind = 9
	KindCompare    Kind = 10
	KindCompared   Kind = 11
	KindFetch      Kind = 12
	KindFetched    Kind = 13
	kindEnd        Kind = 14 // one past the last
)

// Status is how a request went. Values are for ever: append only.
type Status uint8

// The statuses.
const (
	StatusOK Status = iota
	// StatusHidden: stored, but a greater stamp of another writer hides it; the reply carries what does. No ack.
	StatusHidden
	// StatusUnable: a row that the request needs cannot be read. Nothing was stored.
	StatusUnable
	// StatusEpoch: the request's epoch is older than the partition's stage allows, or newer than the replica knows.
	StatusEpoch
	// StatusNotHome: the node is not a home replica of the partition.
	StatusNotHome
	// StatusOverloaded: the node's queues are full. Nothing was stored.
	StatusOverloaded
	// StatusExpired: the request's budget was used up before it was its turn. Nothing was stored.
	StatusExpired
	// StatusDrift: the sender's clock is too far ahead. Nothing was stored.
	StatusDrift
	// StatusFull: the disk has no room, or the node takes no more hints. Nothing was stored.
	StatusFull
	// StatusNoHint: a fallback was asked for what its hints hold and it holds none for the keys.
	StatusNoHint
	// StatusUnavailable: too few home replicas are reachable for the level; nothing was stored. See PassReply.Count.
	StatusUnavailable
	// StatusTimeout: what became of the operation is not known. See PassReply.Count.
	StatusTimeout
	// StatusLevel: the level can never be met on this ring. Body is the text of the error.
	StatusLevel
	// StatusError: the operation was refused; Body is the text of the error.
	StatusError
	// StatusNotCopied: the node is to copy the partition and has not begun: it will have what a majority of the old owners has.
	StatusNotCopied
	statusEnd // one past the last
)

// Header is what every message begins with. A reply repeats the request's Partition, ID and Asker.
type Header struct {
	Partition uint16
	Epoch     uint64             // of the sender's ring
	HLC       object.HLC         // the sender's clock as it sends
	ID        uint64             // names the request at who asks
	Asker     object.Incarnation // of the node that asks, so that replies to an earlier life of it are known
	Budget    uint32             // ms that the asker goes on waiting; 0 in replies
}

// Message is one of *Read, *ReadReply, *Write, *WriteReply, *Pass, *PassReply, *Ask, *Answer, *Ring, *Compare,
// *Compared, *Fetch, *Fetched. A message that was handed over for
// sending never changes any more; several envelopes may share it.
type Message interface {
	Head() *Header
	Kind() Kind
}

// Head returns the header itself.
func (h *Header) Head() *Header { return h }

// Row is one whole row on its way, without local fields.
type Row struct {
	Ref      object.KeyRef
	Sub      []byte // empty for the key row
	Database bool   // the row of database Ref.DB in the partition; Ref.Name and Sub are empty
	Bytes    []byte // as package object encodes it; empty when there is none
}

// KeyRead is one key of a Read.
type KeyRead struct {
	Ref      object.KeyRef
	Digest   uint64   // of what the asker has, when Read.Compare
	Whole    bool     // all elements of the key
	Elements [][]byte // subs of single elements
}

// Read asks a replica for its rows of some keys of one slot.
type Read struct {
	Header
	Slot object.Slot
	// Compare: the digests say what the asker has; keys that digest alike are not sent.
	Compare bool
	// Hints: asks a fallback for what it holds for home replicas.
	Hints bool
	Keys  []KeyRead
}

// ReadReply answers a Read.
type ReadReply struct {
	Header
	Status Status
	// Same has bit i%8 of byte i/8 set when key i digests as the asker's does; nothing is sent of it then.
	Same []byte
	// Rows are those of the other keys: the key row, the elements that were asked for and exist, and the database rows
	// of their databases where there are any.
	Rows []Row
}

// Reason says why rows are written. Values are for ever: append only.
type Reason uint8

// The reasons.
const (
	ReasonClient    Reason = 1 // a client's write, by the node that stamped it
	ReasonWriteBack Reason = 2 // an answer waits until a quorum holds what it shows
	ReasonRepair    Reason = 3 // read repair: nobody waits
	ReasonHint      Reason = 4 // a hint on its way home
	ReasonTransfer  Reason = 5 // rows that a node which does not own them hands over before it deletes its own
	reasonEnd       Reason = 6 // one past the last
)

// Write brings whole rows, which the receiver merges into its own. With For it keeps them as hints instead.
type Write struct {
	Header
	Slot    object.Slot
	Reason  Reason
	Attempt uint8        // which stamping of the operation this is, from 0; the reply repeats it
	Tell    bool         // whether another write hides the rows: StatusHidden is wanted
	Last    object.HLC   // of the last stamp that it took, from Stamp on
	Stamp   object.Stamp // ReasonClient: the operation's own; for other reasons zero
	For     object.NodeID
	Acks    bool // with For: the hint counts toward the level, so it must be kept or refused
	Rows    []Row
}

// WriteReply answers a Write. StatusOK is an ack: the rows, or greater ones, are as durable there as the policy says.
type WriteReply struct {
	Header
	Status  Status
	Attempt uint8
	Rows    []Row // StatusHidden: what hides the write
}

// Pass hands a client's operation to the node that is to run it.
type Pass struct {
	Header
	Slot       object.Slot
	Write      bool
	ReadLevel  uint8 // quorum.Level
	WriteLevel uint8
	Sloppy     uint8  // bit 0: reads, bit 1: writes
	Body       []byte // the operation, as whoever runs it reads it
}

// Count is the figures of an error: "need 2 of 3 home replicas, 1 reachable", "acks 1 of 2".
type Count struct {
	Have, Need, Of uint8
	DC             string
}

// PassReply answers a Pass.
type PassReply struct {
	Header
	Status Status
	Count  Count  // StatusUnavailable, StatusTimeout
	Body   []byte // StatusOK: the reply. StatusLevel, StatusError: the error's text
}

// Ask asks a node about what it stores of many slots: how many keys, which keys. Header.Partition says nothing.
type Ask struct {
	Header
	What uint8  // what the nodes agree on
	Body []byte // its arguments
}

// Answer answers an Ask.
type Answer struct {
	Header
	Status Status
	Body   []byte // StatusOK: the answer. StatusError: the error's text
}

// Kind returns KindAsk.
func (*Ask) Kind() Kind { return KindAsk }

// Kind returns KindAnswer.
func (*Answer) Kind() Kind { return KindAnswer }

// Kind returns KindRead.
func (*Read) Kind() Kind { return KindRead }

// Kind returns KindReadReply.
func (*ReadReply) Kind() Kind { return KindReadReply }

// Kind returns KindWrite.
func (*Write) Kind() Kind { return KindWrite }

// Kind returns KindWriteReply.
func (*WriteReply) Kind() Kind { return KindWriteReply }

// Kind returns KindPass.
func (*Pass) Kind() Kind { return KindPass }

// Kind returns KindPassReply.
func (*PassReply) Kind() Kind { return KindPassReply }
