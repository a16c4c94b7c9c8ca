package object

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// Type bytes that an element's sub begins with.
const (
	SubHashField   = 1
	SubSetMember   = 2
	SubZSetMember  = 3
	SubZSetScore   = 4
	SubListElement = 5
	SubStreamEntry = 6
)

// ElementRow is the row of one element of a collection: its latest write, or a tombstone.
type ElementRow struct {
	Stamp     Stamp
	Replaced  Stamp // up to where the writer knew what was there: the element's stamp or a clear; zero for nothing
	Tombstone bool
	Value     []byte // never changed in place; empty in a tombstone
}

// IsZero reports whether the row holds nothing: the same as no row.
func (e *ElementRow) IsZero() bool { return e.Stamp.IsZero() }

// Alive reports whether the element shows above the clear.
func (e *ElementRow) Alive(clear Stamp) bool { return !e.Tombstone && clear.Before(e.Stamp) }

// Merge takes over in when its stamp is the greater. lost reports that the loser is gone though the winner's writer had
// not seen it. The error is ErrCorrupt: two different writes carry one stamp; e is then unchanged.
func (e *ElementRow) Merge(in *ElementRow) (lost bool, err error) {
	switch e.Stamp.Compare(in.Stamp) {
	case 0:
		if e.Replaced != in.Replaced || e.Tombstone != in.Tombstone || !bytes.Equal(e.Value, in.Value) {
			return false, fmt.Errorf("%w: two elements stamped %v", ErrCorrupt, e.Stamp)
		}
		return false, nil
	case -1:
		lost = in.Replaced.Before(e.Stamp)
		*e = *in
		return lost, nil
	}
	return e.Replaced.Before(in.Stamp), nil
}

// Collect reports whether the row may go at the watermark g: a tombstone not after it, or what clear covers. REQUIRES:
// clear is the key row's CollectClear at g.
func (e *ElementRow) Collect(clear Stamp, g HLC) bool {
	return (e.Tombstone && e.Stamp.HLC <= g) || !clear.Before(e.Stamp)
}

// Flags of an element row.
const (
	elementTombstone = 1 << iota
	elementReplaced
	elementReplacedSameWriter
	elementFlagsKnown = 1<<iota - 1
)

func (e *ElementRow) flags() uint16 {
	var f uint16
	if e.Tombstone {
		f |= elementTombstone
	}
	if !e.Replaced.IsZero() {
		f |= elementReplaced
		if e.Replaced.Node == e.Stamp.Node && e.Replaced.Inc == e.Stamp.Inc {
			f |= elementReplacedSameWriter
		}
	}
	return f
}

func replacedLen(f uint16) int {
	switch {
	case f&elementReplacedSameWriter != 0:
		return 8
	case f&elementReplaced != 0:
		return stampLen
	}
	return 0
}

// EncodedLen returns the length of what AppendRow appends, in bytes.
func (e *ElementRow) EncodedLen() int {
	return rowHeaderLen + stampLen + replacedLen(e.flags()) + len(e.Value) + rowCRCLen
}

// AppendRow appends the encoded row: see the package comment for the bytes. REQUIRES: the row is not zero.
func (e *ElementRow) AppendRow(dst []byte) []byte {
	f, start := e.flags(), len(dst)
	dst = append(dst, RowFormat, byte(rowKindElement), byte(f>>8), byte(f))
	dst = appendStamp(dst, e.Stamp)
	switch {
	case f&elementReplacedSameWriter != 0:
		dst = binary.BigEndian.AppendUint64(dst, uint64(e.Replaced.HLC))
	case f&elementReplaced != 0:
		dst = appendStamp(dst, e.Replaced)
	}
	dst = append(dst, e.Value...)
	return binary.BigEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// DecodeRow fills e from an encoded row whose checksum was verified before (CheckRow). Value points into row.
func (e *ElementRow) DecodeRow(row []byte) error {
	*e = ElementRow{}
	f, err := rowFlags(row, rowKindElement, elementFlagsKnown)
	if err != nil {
		return err
	}
	d := reader{b: row[rowHeaderLen : len(row)-rowCRCLen]}
	e.Stamp, e.Tombstone = d.stamp(), f&elementTombstone != 0
	switch {
	case f&elementReplacedSameWriter != 0:
		e.Replaced = e.Stamp
		e.Replaced.HLC = HLC(d.uint64())
	case f&elementReplaced != 0:
		e.Replaced = d.stamp()
	}
	e.Value = d.b
	if d.short || e.IsZero() || (e.Tombstone && len(e.Value) > 0) || e.flags() != f {
		return fmt.Errorf("%w: %d bytes do not fit element flags %04x", ErrCorrupt, len(row), f)
	}
	return nil
}
