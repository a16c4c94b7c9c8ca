package object

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// RowFormat is the version that every row begins with.
const RowFormat = 1

// Errors of the codec.
var (
	// ErrCorrupt reports a row whose bytes are not what was written.
	ErrCorrupt = errors.New("object: corrupt row")
	// ErrRowFormat reports a row written by a newer version of Rondo.
	ErrRowFormat = errors.New("object: row has a newer format")
)

type rowKind uint8

const (
	rowKindKey     rowKind = 1
	rowKindElement rowKind = 2
)

// Flags of a key row: which fields follow, and which stamps follow from the value's.
const (
	flagExpiryAt = 1 << iota
	flagExpiryStamp
	flagExpiryWithValue
	flagCleared
	flagClearedBelowValue
	flagValue
	flagReplaced
	flagReplacedSameWriter
	flagBase
	flagTotals
	flagSeen
	flagOwn
	flagBytes
	flagHasElements
	flagSiblings
	flagsKnown = 1<<iota - 1
)

const (
	rowHeaderLen = 4
	stampLen     = 24
	rowCRCLen    = 4
	totalLen     = stampLen + 8 + 8 + stampLen
	seenLen      = stampLen + 8 + 8 + stampLen
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// CheckRow verifies format and checksum of an encoded row: ErrRowFormat or ErrCorrupt.
func CheckRow(row []byte) error {
	if len(row) < rowHeaderLen+rowCRCLen {
		return fmt.Errorf("%w: %d bytes", ErrCorrupt, len(row))
	}
	body := row[:len(row)-rowCRCLen]
	if got, want := crc32.Checksum(body, castagnoli), binary.BigEndian.Uint32(row[len(body):]); got != want {
		return fmt.Errorf("%w: crc32c %08x, want %08x", ErrCorrupt, got, want)
	}
	if row[0] != RowFormat {
		return fmt.Errorf("%w: %d, this version reads %d", ErrRowFormat, row[0], RowFormat)
	}
	return nil
}

// PeekExpiry returns when the row's expiry is, in ms since the Unix epoch, without decoding the row; false when it has
// none or is no key row.
func PeekExpiry(row []byte) (at int64, ok bool) {
	if len(row) < rowHeaderLen+8 || row[0] != RowFormat || rowKind(row[1]) != rowKindKey {
		return 0, false
	}
	if binary.BigEndian.Uint16(row[2:])&flagExpiryAt == 0 {
		return 0, false
	}
	return int64(binary.BigEndian.Uint64(row[rowHeaderLen:])), true
}

func (r *KeyRow) flags() uint16 {
	var f uint16
	v := &r.Value
	if r.Expiry.At != 0 {
		f |= flagExpiryAt
	}
	hasValue := !v.Stamp.IsZero()
	if !r.Expiry.Stamp.IsZero() {
		if hasValue && r.Expiry.Stamp == v.Stamp {
			f |= flagExpiryWithValue
		} else {
			f |= flagExpiryStamp
		}
	}
	if !r.Cleared.IsZero() {
		if hasValue && r.Cleared == v.Stamp.Below() {
			f |= flagClearedBelowValue
		} else {
			f |= flagCleared
		}
	}
	if hasValue {
		f |= flagValue
		if !v.Replaced.IsZero() {
			f |= flagReplaced
			if v.Replaced.Node == v.Stamp.Node && v.Replaced.Inc == v.Stamp.Inc {
				f |= flagReplacedSameWriter
			}
		}
		switch v.Kind {
		case ValueBase:
			f |= flagBase
		case ValueBytes:
			f |= flagBytes
		}
	}
	if len(r.Totals) > 0 {
		f |= flagTotals
	}
	if len(r.Seen) > 0 {
		f |= flagSeen
	}
	if !r.Own.IsZero() {
		f |= flagOwn
	}
	if r.HasElements {
		f |= flagHasElements
	}
	if r.Siblings != nil {
		f |= flagSiblings
	}
	return f
}

// EncodedLen returns the length of what AppendRow appends, in bytes.
func (r *KeyRow) EncodedLen() int {
	f := r.flags()
	n := rowHeaderLen + rowCRCLen
	add := func(flag uint16, size int) {
		if f&flag != 0 {
			n += size
		}
	}
	add(flagExpiryAt, 8)
	add(flagValue, stampLen)
	switch {
	case f&flagReplacedSameWriter != 0:
		n += 8
	case f&flagReplaced != 0:
		n += stampLen
	}
	add(flagExpiryStamp, stampLen)
	add(flagCleared, stampLen)
	add(flagTotals, 4+totalLen*len(r.Totals))
	add(flagSeen, 4+seenLen*len(r.Seen))
	add(flagOwn, stampLen)
	if f&flagSiblings != 0 {
		n += r.Siblings.encodedLen()
	}
	add(flagBase, 8)
	add(flagBytes, len(r.Value.Bytes))
	return n
}

// AppendWireRow appends the encoded row without its local fields.
func (r *KeyRow) AppendWireRow(dst []byte) []byte {
	if r.LocalFree() {
		return r.AppendRow(dst)
	}
	w := r.Wire()
	return w.AppendRow(dst)
}

// AppendRow appends the encoded row: see the package comment for the bytes. Equal rows give equal bytes.
func (r *KeyRow) AppendRow(dst []byte) []byte {
	f := r.flags()
	start := len(dst)
	dst = r.appendFields(dst, f)
	switch {
	case f&flagBase != 0:
		dst = binary.BigEndian.AppendUint64(dst, uint64(r.Value.Int))
	case f&flagBytes != 0:
		dst = append(dst, r.Value.Bytes...)
	}
	return binary.BigEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// appendFields appends all that comes before the value's content.
func (r *KeyRow) appendFields(dst []byte, f uint16) []byte {
	dst = append(dst, RowFormat, byte(rowKindKey), byte(f>>8), byte(f))
	if f&flagExpiryAt != 0 {
		dst = binary.BigEndian.AppendUint64(dst, uint64(r.Expiry.At))
	}
	if f&flagValue != 0 {
		dst = appendStamp(dst, r.Value.Stamp)
	}
	switch {
	case f&flagReplacedSameWriter != 0:
		dst = binary.BigEndian.AppendUint64(dst, uint64(r.Value.Replaced.HLC))
	case f&flagReplaced != 0:
		dst = appendStamp(dst, r.Value.Replaced)
	}
	if f&flagExpiryStamp != 0 {
		dst = appendStamp(dst, r.Expiry.Stamp)
	}
	if f&flagCleared != 0 {
		dst = appendStamp(dst, r.Cleared)
	}
	if f&(flagTotals|flagSeen|flagOwn) != 0 {
		dst = r.appendCounters(dst, f)
	}
	if f&flagSiblings != 0 {
		dst = r.Siblings.append(dst)
	}
	return dst
}

func (r *KeyRow) appendCounters(dst []byte, f uint16) []byte {
	if f&flagTotals != 0 {
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(r.Totals)))
		for i := range r.Totals {
			t := &r.Totals[i]
			dst = appendStamp(dst, t.Name)
			dst = binary.BigEndian.AppendUint64(dst, t.N)
			dst = binary.BigEndian.AppendUint64(dst, uint64(t.Sum))
			dst = appendStamp(dst, t.Stamp)
		}
	}
	if f&flagSeen != 0 {
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(r.Seen)))
		for i := range r.Seen {
			s := &r.Seen[i]
			dst = appendStamp(dst, s.Name)
			dst = binary.BigEndian.AppendUint64(dst, s.N)
			dst = binary.BigEndian.AppendUint64(dst, uint64(s.Sum))
			dst = appendStamp(dst, s.Stamp)
		}
	}
	if f&flagOwn != 0 {
		dst = appendStamp(dst, r.Own)
	}
	return dst
}

func appendStamp(dst []byte, s Stamp) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.HLC))
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.Node))
	return binary.BigEndian.AppendUint64(dst, uint64(s.Inc))
}

// rowFlags returns the flags of a row of that kind and of this format.
func rowFlags(row []byte, kind rowKind, known uint16) (uint16, error) {
	if len(row) < rowHeaderLen+rowCRCLen {
		return 0, fmt.Errorf("%w: %d bytes", ErrCorrupt, len(row))
	}
	if row[0] != RowFormat {
		return 0, fmt.Errorf("%w: %d, this version reads %d", ErrRowFormat, row[0], RowFormat)
	}
	f := binary.BigEndian.Uint16(row[2:])
	if rowKind(row[1]) != kind || f&^known != 0 {
		return 0, fmt.Errorf("%w: kind %d, flags %04x", ErrCorrupt, row[1], f)
	}
	return f, nil
}

// DecodeRow fills r from an encoded row whose checksum was verified before (CheckRow). Value.Bytes points into row.
func (r *KeyRow) DecodeRow(row []byte) error {
	*r = KeyRow{}
	f, err := rowFlags(row, rowKindKey, flagsKnown)
	if err != nil {
		return err
	}
	d := reader{b: row[rowHeaderLen : len(row)-rowCRCLen]}
	if f&flagExpiryAt != 0 {
		r.Expiry.At = int64(d.uint64())
	}
	r.decodeStamps(&d, f)
	if f&(flagTotals|flagSeen|flagOwn) != 0 {
		r.decodeCounters(&d, f)
	}
	if f&flagSiblings != 0 {
		r.Siblings = d.siblings()
	}
	r.HasElements = f&flagHasElements != 0
	switch {
	case f&flagBase != 0:
		r.Value.Kind, r.Value.Int = ValueBase, int64(d.uint64())
	case f&flagBytes != 0:
		r.Value.Kind, r.Value.Bytes = ValueBytes, d.b
		d.b = nil
	}
	if d.short || len(d.b) != 0 {
		return fmt.Errorf("%w: %d bytes do not fit flags %04x", ErrCorrupt, len(row), f)
	}
	if r.flags() != f {
		return fmt.Errorf("%w: flags %04x are not canonical", ErrCorrupt, f)
	}
	return nil
}

func (r *KeyRow) decodeStamps(d *reader, f uint16) {
	if f&flagValue != 0 {
		r.Value.Stamp = d.stamp()
	}
	switch {
	case f&flagReplacedSameWriter != 0:
		r.Value.Replaced = r.Value.Stamp
		r.Value.Replaced.HLC = HLC(d.uint64())
	case f&flagReplaced != 0:
		r.Value.Replaced = d.stamp()
	}
	switch {
	case f&flagExpiryStamp != 0:
		r.Expiry.Stamp = d.stamp()
	case f&flagExpiryWithValue != 0:
		r.Expiry.Stamp = r.Value.Stamp
	}
	switch {
	case f&flagCleared != 0:
		r.Cleared = d.stamp()
	case f&flagClearedBelowValue != 0:
		r.Cleared = r.Value.Stamp.Below()
	}
}

func (r *KeyRow) decodeCounters(d *reader, f uint16) {
	if f&flagTotals != 0 {
		n := d.count(totalLen)
		d.require(n > 0)
		r.Totals = make([]Total, n)
		for i := range r.Totals {
			r.Totals[i] = Total{Name: d.stamp(), N: d.uint64(), Sum: int64(d.uint64()), Stamp: d.stamp()}
			d.require(i == 0 || r.Totals[i-1].Name.Before(r.Totals[i].Name))
		}
	}
	if f&flagSeen != 0 {
		n := d.count(seenLen)
		d.require(n > 0)
		r.Seen = make([]Seen, n)
		for i := range r.Seen {
			r.Seen[i] = Seen{Name: d.stamp(), N: d.uint64(), Sum: int64(d.uint64()), Stamp: d.stamp()}
			d.require(i == 0 || r.Seen[i-1].Name.Before(r.Seen[i].Name))
		}
	}
	if f&flagOwn != 0 {
		r.Own = d.stamp()
	}
}
