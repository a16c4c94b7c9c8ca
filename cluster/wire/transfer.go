package wire

import (
	"encoding/binary"

	"github.com/rondokv/rondo/engine/object"
)

// Ring carries what the nodes say to each other about the ring itself: agreement on the next document, documents, reports.
// One way: it is not answered. Not fenced: the receiver takes it in every epoch. Header.Partition says nothing.
type Ring struct {
	Header
	Body []byte
}

// Compare asks a replica to compare its hash tree of the partition with the asker's.
type Compare struct {
	Header
	Body []byte // as package merkle encodes it
}

// Compared answers a Compare.
type Compared struct {
	Header
	Status Status
	Body   []byte // StatusOK: as package merkle encodes it
}

// Fetch asks for rows of the partition: those with engine keys in [From, To), in order, about Limit bytes of them. The keys
// are object.AppendRowKey's, which are equal on all nodes.
type Fetch struct {
	Header
	From, To []byte
	Limit    uint32 // bytes of rows; at least one row comes
}

// KeyedRow is a row and the slot of its key; of a database row the first slot of the partition.
type KeyedRow struct {
	Slot object.Slot
	Row
}

// Fetched answers a Fetch.
type Fetched struct {
	Header
	Status Status
	Rows   []KeyedRow // in order of their engine keys
	Next   []byte     // where to go on; empty: that was all
}

// Kind returns KindRing.
func (*Ring) Kind() Kind { return KindRing }

// Kind returns KindCompare.
func (*Compare) Kind() Kind { return KindCompare }

// Kind returns KindCompared.
func (*Compared) Kind() Kind { return KindCompared }

// Kind returns KindFetch.
func (*Fetch) Kind() Kind { return KindFetch }

// Kind returns KindFetched.
func (*Fetched) Kind() Kind { return KindFetched }

// reserved is the first byte of bodies that are another package's: no frame is without a body.
const reserved = 0

func appendFetch(dst []byte, m *Fetch) []byte {
	dst = appendBytes(appendBytes(dst, m.From), m.To)
	return binary.BigEndian.AppendUint32(dst, m.Limit)
}

func (r *reader) fetch(h Header) *Fetch {
	return &Fetch{Header: h, From: r.bytes(), To: r.bytes(), Limit: r.uint32()}
}

// run returns how many rows from the first on are of one slot.
func run(rows []KeyedRow) int {
	n := 1
	for n < len(rows) && rows[n].Slot == rows[0].Slot {
		n++
	}
	return n
}

func appendFetched(dst []byte, m *Fetched) []byte {
	dst = appendBytes(append(dst, byte(m.Status)), m.Next)
	dst = binary.AppendUvarint(dst, uint64(len(m.Rows)))
	for rows := m.Rows; len(rows) > 0; {
		n := run(rows)
		dst = binary.BigEndian.AppendUint16(dst, uint16(rows[0].Slot))
		dst = binary.AppendUvarint(dst, uint64(n))
		for i := range rows[:n] {
			dst = appendRow(dst, &rows[i].Row)
		}
		rows = rows[n:]
	}
	return dst
}

func (s *sizer) fetched(m *Fetched) {
	s.bound(len(m.Rows), MaxRows)
	s.add(1 + bytesLen(m.Next) + uvarintLen(len(m.Rows)))
	for rows := m.Rows; len(rows) > 0; {
		n := run(rows)
		s.add(2 + uvarintLen(n))
		for i := range rows[:n] {
			s.row(&rows[i].Row)
		}
		rows = rows[n:]
	}
}

func (r *reader) fetched(h Header) *Fetched {
	m := &Fetched{Header: h, Status: r.status(), Next: r.bytes()}
	n := r.count(minRow, MaxRows)
	if n == 0 {
		return m
	}
	m.Rows = make([]KeyedRow, n)
	for rest := m.Rows; len(rest) > 0 && r.err == nil; {
		slot := r.slot()
		n := r.count(minRow, len(rest))
		if n == 0 || len(rest) < len(m.Rows) && slot == m.Rows[len(m.Rows)-len(rest)-1].Slot {
			r.fail(ErrMalformed)
			break
		}
		for i := range rest[:n] {
			rest[i].Slot = slot
			if r.row(&rest[i].Row); r.err != nil {
				break
			}
		}
		rest = rest[n:]
	}
	return m
}
