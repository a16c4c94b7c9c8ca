package wire

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/rondokv/rondo/engine/object"
)

// Decode takes a frame apart. The frame is given away: slices of the message point into it (or, when it was compressed,
// into memory of the message's own), so it must not change as long as the message is in use.
//
// What it returns is as the sender's AppendFrame was given it, and safe: counts are within the bounds, slots and databases
// exist, and every row passed its own checksum and has no local fields. There are no two frames of one message but by
// compression.
func Decode(frame []byte) (Message, error) {
	flags, body, err := unseal(frame)
	if err != nil {
		return nil, err
	}
	kind := Kind(frame[atKind])
	if kind < KindRead || kind >= kindEnd {
		return nil, fmt.Errorf("%w: %s", ErrUnknown, kind)
	}
	if flags&flagPacked != 0 {
		if body, err = unpack(body); err != nil {
			return nil, err
		}
	}
	r := reader{b: body}
	m := r.message(kind, readHead(frame))
	if len(r.b) != 0 {
		r.fail(ErrMalformed)
	}
	if r.err != nil {
		return nil, fmt.Errorf("%w: %s of %d bytes", r.err, kind, len(frame))
	}
	return m, nil
}

// A reader takes fields off the front of b. After the first fault it gives zeros and b stays empty.
type reader struct {
	b        []byte
	err      error
	elements int // of a Read so far
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.b = nil
}

func (r *reader) message(k Kind, h Header) Message {
	switch k {
	case KindRead:
		return r.read(h)
	case KindReadReply:
		return r.readReply(h)
	case KindWrite:
		return r.write(h)
	case KindWriteReply:
		m := &WriteReply{Header: h, Status: r.status(), Attempt: r.uint8()}
		m.Rows = r.rows(nil)
		return m
	case KindPass:
		m := &Pass{Header: h, Slot: r.slot(), Write: r.flags(passWrite) != 0, ReadLevel: r.uint8(), WriteLevel: r.uint8(), Sloppy: r.flags(sloppyBits)}
		m.Body = r.rest()
		return m
	case KindAsk:
		return &Ask{Header: h, What: r.uint8(), Body: r.rest()}
	case KindAnswer:
		return &Answer{Header: h, Status: r.status(), Body: r.rest()}
	case KindRing:
		return &Ring{Header: h, Body: r.foreign()}
	case KindCompare:
		return &Compare{Header: h, Body: r.foreign()}
	case KindCompared:
		return &Compared{Header: h, Status: r.status(), Body: r.rest()}
	case KindFetch:
		return r.fetch(h)
	case KindFetched:
		return r.fetched(h)
	}
	m := &PassReply{Header: h, Status: r.status()}
	if r.flags(replyCount) != 0 {
		m.Count = Count{Have: r.uint8(), Need: r.uint8(), Of: r.uint8()}
		m.Count.DC = string(r.take(int(r.uint8())))
		if m.Count == (Count{}) {
			r.fail(ErrMalformed)
		}
	}
	m.Body = r.rest()
	return m
}

func (r *reader) read(h Header) *Read {
	// The usual Read has one key: message and key are one piece of memory.
	one := &struct {
		Read
		keys [1]KeyRead
	}{}
	m := &one.Read
	m.Header = h
	m.Slot = r.slot()
	f := r.flags(readCompare | readHints)
	m.Compare, m.Hints = f&readCompare != 0, f&readHints != 0
	const minKey = 3 // shape, database, length of the name
	n := r.count(minKey, MaxKeys)
	switch {
	case n == 1:
		m.Keys = one.keys[:]
	case n > 1:
		m.Keys = make([]KeyRead, n)
	}
	for i := range m.Keys {
		r.key(&m.Keys[i])
	}
	return m
}

func (r *reader) key(k *KeyRead) {
	f := r.flags(keyWhole | keyElements | keyDigest)
	k.Whole = f&keyWhole != 0
	k.Ref.DB = r.database()
	k.Ref.Name = r.bytes()
	if f&keyDigest != 0 {
		if k.Digest = r.uint64(); k.Digest == 0 {
			r.fail(ErrMalformed)
		}
	}
	if f&keyElements == 0 {
		return
	}
	n := r.count(1, MaxElements-r.elements)
	if n == 0 {
		r.fail(ErrMalformed)
		return
	}
	r.elements += n
	k.Elements = make([][]byte, n)
	for i := range k.Elements {
		k.Elements[i] = r.bytes()
	}
}

func (r *reader) readReply(h Header) *ReadReply {
	one := &struct {
		ReadReply
		rows [1]Row
	}{}
	m := &one.ReadReply
	m.Header = h
	m.Status = r.status()
	m.Same = r.bytes()
	m.Rows = r.rows(&one.rows)
	return m
}

func (r *reader) write(h Header) *Write {
	one := &struct {
		Write
		rows [1]Row
	}{}
	m := &one.Write
	m.Header = h
	m.Slot = r.slot()
	if m.Reason = Reason(r.uint8()); m.Reason == 0 || m.Reason >= reasonEnd {
		r.fail(ErrUnknown)
	}
	m.Attempt = r.uint8()
	f := r.flags(writeTell | writeFor | writeAcks)
	m.Tell, m.Acks = f&writeTell != 0, f&writeAcks != 0
	m.Last = object.HLC(r.uint64())
	m.Stamp = object.Stamp{HLC: object.HLC(r.uint64()), Node: object.NodeID(r.uint64()), Inc: object.Incarnation(r.uint64())}
	if f&writeFor != 0 {
		if m.For = object.NodeID(r.uint64()); m.For == 0 {
			r.fail(ErrMalformed)
		}
	}
	m.Rows = r.rows(&one.rows)
	return m
}

const minRow = 3 // shape, database, length of the row

// rows reads the rows, into one if that is given and there is one row.
func (r *reader) rows(one *[1]Row) []Row {
	n := r.count(minRow, MaxRows)
	var rows []Row
	switch {
	case n == 0:
		return nil
	case n == 1 && one != nil:
		rows = one[:]
	default:
		rows = make([]Row, n)
	}
	for i := range rows {
		r.row(&rows[i])
		if r.err != nil {
			return nil
		}
	}
	return rows
}

func (r *reader) row(row *Row) {
	f := r.flags(rowDatabase | rowSub)
	row.Database = f&rowDatabase != 0
	row.Ref.DB = r.database()
	if !row.Database {
		row.Ref.Name = r.bytes()
	}
	if f&rowSub != 0 {
		if row.Sub = r.bytes(); len(row.Sub) == 0 || row.Database {
			r.fail(ErrMalformed)
		}
	}
	if row.Bytes = r.bytes(); len(row.Bytes) == 0 {
		return
	}
	if err := checkRow(row); err != nil {
		r.fail(fmt.Errorf("%w: %w", ErrRow, err))
	}
}

var errLocal = errors.New("local fields")

// checkRow verifies that the row's bytes are whole, of the kind that its key says, and such as may be sent.
func checkRow(row *Row) error {
	if err := object.CheckRow(row.Bytes); err != nil {
		return err
	}
	if len(row.Sub) > 0 {
		var e object.ElementRow
		return e.DecodeRow(row.Bytes)
	}
	var k object.KeyRow
	if err := k.DecodeRow(row.Bytes); err != nil {
		return err
	}
	if !k.LocalFree() {
		return errLocal
	}
	return nil
}

func (r *reader) status() Status {
	s := Status(r.uint8())
	if s >= statusEnd {
		r.fail(ErrUnknown)
	}
	return s
}

func (r *reader) slot() object.Slot {
	s := object.Slot(r.uint16())
	if s >= object.SlotCount {
		r.fail(ErrMalformed)
	}
	return s
}

func (r *reader) database() uint8 {
	db := r.uint8()
	if db >= object.DBCount {
		r.fail(ErrMalformed)
	}
	return db
}

func (r *reader) flags(known byte) byte {
	f := r.uint8()
	if f&^known != 0 {
		r.fail(ErrUnknown)
	}
	return f
}

func (r *reader) uint8() uint8 {
	if len(r.b) < 1 {
		r.fail(ErrMalformed)
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *reader) uint16() uint16 {
	if len(r.b) < 2 {
		r.fail(ErrMalformed)
		return 0
	}
	v := binary.BigEndian.Uint16(r.b)
	r.b = r.b[2:]
	return v
}

func (r *reader) uint32() uint32 {
	if len(r.b) < 4 {
		r.fail(ErrMalformed)
		return 0
	}
	v := binary.BigEndian.Uint32(r.b)
	r.b = r.b[4:]
	return v
}

func (r *reader) uint64() uint64 {
	if len(r.b) < 8 {
		r.fail(ErrMalformed)
		return 0
	}
	v := binary.BigEndian.Uint64(r.b)
	r.b = r.b[8:]
	return v
}

// uvarint reads a length or count in its shortest form, at most most.
func (r *reader) uvarint(most int) int {
	if len(r.b) > 0 && r.b[0] < 0x80 && int(r.b[0]) <= most {
		v := int(r.b[0])
		r.b = r.b[1:]
		return v
	}
	v, w := binary.Uvarint(r.b)
	if w <= 0 || v > uint64(most) || (w > 1 && r.b[w-1] == 0) {
		r.fail(ErrMalformed)
		return 0
	}
	r.b = r.b[w:]
	return int(v)
}

// count reads how many entries of at least size bytes follow: never more than there are bytes for, nor than most.
func (r *reader) count(size, most int) int { return r.uvarint(min(most, len(r.b)/size)) }

// bytes reads a length and as many bytes; nil for none.
func (r *reader) bytes() []byte { return r.take(r.uvarint(len(r.b))) }

func (r *reader) take(n int) []byte {
	if n == 0 {
		return nil
	}
	if n > len(r.b) {
		r.fail(ErrMalformed)
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

// foreign takes the reserved byte and all that is left.
func (r *reader) foreign() []byte {
	r.flags(reserved)
	return r.rest()
}

// rest takes all that is left; nil for nothing.
func (r *reader) rest() []byte { return r.take(len(r.b)) }
