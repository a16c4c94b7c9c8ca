package wire

import (
	"encoding/binary"
	"slices"

	"github.com/rondokv/rondo/engine/object"
)

// Flags within bodies.
const (
	readCompare = 1 << 0
	readHints   = 1 << 1

	keyWhole    = 1 << 0
	keyElements = 1 << 1 // single elements follow
	keyDigest   = 1 << 2 // the digest follows; without it the digest is 0

	writeTell = 1 << 0
	writeFor  = 1 << 1 // For follows; without it For is 0
	writeAcks = 1 << 2

	passWrite = 1 << 0
	// sloppyBits are the bits that Pass.Sloppy may have.
	sloppyBits = 3

	replyCount = 1 << 0 // Count follows; without it Count is zero

	rowDatabase = 1 << 0
	rowSub      = 1 << 1 // the sub follows; without it the sub is empty
)

// An Encoder makes frames with bodies compressed where that pays. The zero Encoder is ready. It holds only a buffer: what
// it makes does not depend on what it made before. One goroutine at a time may use it.
type Encoder struct {
	packed []byte
}

// AppendFrame appends m's frame to dst. The error is ErrTooLarge; dst is returned as it was then.
func (e *Encoder) AppendFrame(dst []byte, m Message) ([]byte, error) {
	size, err := Size(m)
	if err != nil {
		return dst, err
	}
	start := len(dst)
	dst = appendPlain(slices.Grow(dst, size), m)
	flags := byte(0)
	if packed, ok := e.pack(dst[start+headLen:]); ok {
		dst = append(dst[:start+headLen], packed...)
		flags = flagPacked
	}
	return seal(dst, start, flags), nil
}

// AppendFrame appends m's frame to dst, never compressed. REQUIRES: Size(m) gives no error; else dst is returned as it was.
func AppendFrame(dst []byte, m Message) []byte {
	size, err := Size(m)
	if err != nil {
		return dst
	}
	start := len(dst)
	return seal(appendPlain(slices.Grow(dst, size), m), start, 0)
}

// appendPlain appends head and body; dst has room for the whole frame.
func appendPlain(dst []byte, m Message) []byte {
	start := len(dst)
	dst = dst[:start+headLen]
	putHead(dst[start:], m.Kind(), m.Head())
	switch m := m.(type) {
	case *Read:
		return appendRead(dst, m)
	case *ReadReply:
		dst = append(dst, byte(m.Status))
		dst = appendBytes(dst, m.Same)
		return appendRows(dst, m.Rows)
	case *Write:
		return appendWrite(dst, m)
	case *WriteReply:
		dst = append(dst, byte(m.Status), m.Attempt)
		return appendRows(dst, m.Rows)
	case *Pass:
		dst = binary.BigEndian.AppendUint16(dst, uint16(m.Slot))
		dst = append(dst, bit(m.Write, passWrite), m.ReadLevel, m.WriteLevel, m.Sloppy)
		return append(dst, m.Body...)
	case *Ask:
		return append(append(dst, m.What), m.Body...)
	case *Answer:
		return append(append(dst, byte(m.Status)), m.Body...)
	case *Ring:
		return append(append(dst, reserved), m.Body...)
	case *Compare:
		return append(append(dst, reserved), m.Body...)
	case *Compared:
		return append(append(dst, byte(m.Status)), m.Body...)
	case *Fetch:
		return appendFetch(dst, m)
	case *Fetched:
		return appendFetched(dst, m)
	case *PassReply:
		dst = append(dst, byte(m.Status), bit(m.Count != Count{}, replyCount))
		if m.Count != (Count{}) {
			dst = append(dst, m.Count.Have, m.Count.Need, m.Count.Of, byte(len(m.Count.DC)))
			dst = append(dst, m.Count.DC...)
		}
		return append(dst, m.Body...)
	}
	return dst
}

func appendRead(dst []byte, m *Read) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(m.Slot))
	dst = append(dst, bit(m.Compare, readCompare)|bit(m.Hints, readHints))
	dst = binary.AppendUvarint(dst, uint64(len(m.Keys)))
	for i := range m.Keys {
		k := &m.Keys[i]
		shape := bit(k.Whole, keyWhole) | bit(len(k.Elements) > 0, keyElements) | bit(k.Digest != 0, keyDigest)
		dst = append(dst, shape, k.Ref.DB)
		dst = appendBytes(dst, k.Ref.Name)
		if k.Digest != 0 {
			dst = binary.BigEndian.AppendUint64(dst, k.Digest)
		}
		if len(k.Elements) > 0 {
			dst = binary.AppendUvarint(dst, uint64(len(k.Elements)))
			for _, sub := range k.Elements {
				dst = appendBytes(dst, sub)
			}
		}
	}
	return dst
}

func appendWrite(dst []byte, m *Write) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(m.Slot))
	dst = append(dst, byte(m.Reason), m.Attempt, bit(m.Tell, writeTell)|bit(m.For != 0, writeFor)|bit(m.Acks, writeAcks))
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.Last))
	dst = appendStamp(dst, m.Stamp)
	if m.For != 0 {
		dst = binary.BigEndian.AppendUint64(dst, uint64(m.For))
	}
	return appendRows(dst, m.Rows)
}

func appendRows(dst []byte, rows []Row) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(rows)))
	for i := range rows {
		dst = appendRow(dst, &rows[i])
	}
	return dst
}

func appendRow(dst []byte, r *Row) []byte {
	dst = append(dst, bit(r.Database, rowDatabase)|bit(len(r.Sub) > 0, rowSub), r.Ref.DB)
	if !r.Database {
		dst = appendBytes(dst, r.Ref.Name)
	}
	if len(r.Sub) > 0 {
		dst = appendBytes(dst, r.Sub)
	}
	return appendBytes(dst, r.Bytes)
}

func appendBytes(dst, b []byte) []byte {
	if len(b) < 0x80 {
		dst = append(dst, byte(len(b)))
	} else {
		dst = binary.AppendUvarint(dst, uint64(len(b)))
	}
	return append(dst, b...)
}

func appendStamp(dst []byte, s object.Stamp) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.HLC))
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.Node))
	return binary.BigEndian.AppendUint64(dst, uint64(s.Inc))
}

func bit(set bool, flag byte) byte {
	if set {
		return flag
	}
	return 0
}
