package rowcache

import "encoding/binary"

const (
	unit      = 16
	headerLen = unit
)

// States of a record.
const (
	dead uint8 = iota // replaced, deleted, or padding
	live
)

// record is the bytes of one record, header first.
type record []byte

func (r record) tag() uint32    { return binary.LittleEndian.Uint32(r) }
func (r record) rowLen() int    { return int(binary.LittleEndian.Uint32(r[4:])) }
func (r record) keyLen() int    { return int(binary.LittleEndian.Uint16(r[8:])) }
func (r record) ref() uint8     { return r[10] }
func (r record) setRef(n uint8) { r[10] = n }
func (r record) live() bool     { return r[11] == live }
func (r record) kill()          { r[11] = dead }
func (r record) units() uint32  { return binary.LittleEndian.Uint32(r[12:]) }
func (r record) key() []byte    { return r[headerLen : headerLen+r.keyLen()] }

func (r record) row() []byte {
	at := headerLen + r.keyLen()
	return r[at : at+r.rowLen()]
}

// setRow changes the row for one that fits the record's units.
func (r record) setRow(row []byte) {
	binary.LittleEndian.PutUint32(r[4:], uint32(len(row)))
	copy(r[headerLen+r.keyLen():], row)
}

func (r record) fill(tag uint32, units uint32, key, row []byte) {
	binary.LittleEndian.PutUint32(r, tag)
	binary.LittleEndian.PutUint32(r[4:], uint32(len(row)))
	binary.LittleEndian.PutUint16(r[8:], uint16(len(key)))
	r[10], r[11] = 0, live
	binary.LittleEndian.PutUint32(r[12:], units)
	copy(r[headerLen:], key)
	copy(r[headerLen+len(key):], row)
}

func unitsOf(key, row []byte) uint32 {
	return uint32((headerLen + len(key) + len(row) + unit - 1) / unit)
}

// ring is a queue of records: in at the head, out at the tail. Head and tail count units for ever; modulo units they are
// places in mem.
type ring struct {
	mem        []byte
	base       uint32 // of mem's first unit among the shard's
	units      uint64
	head, tail uint64
}

func (q *ring) used() uint64 { return q.head - q.tail }

// at returns the record at a place.
func (q *ring) at(place uint64) record {
	r := record(q.mem[place*unit:])
	return r[:uint64(r.units())*unit]
}

// oldest returns the record at the tail. REQUIRES: used() > 0.
func (q *ring) oldest() (r record, place uint64) {
	place = q.tail % q.units
	return q.at(place), place
}

func (q *ring) pop(r record) { q.tail += uint64(r.units()) }

// push makes room for a record of n units at the head if there is room now, padding the ring's end where it must.
func (q *ring) push(n uint32) (r record, place uint64, ok bool) {
	place = q.head % q.units
	pad := uint64(0)
	if place+uint64(n) > q.units {
		pad = q.units - place
	}
	if q.used()+pad+uint64(n) > q.units {
		return nil, 0, false
	}
	if pad > 0 {
		record(q.mem[place*unit:][:headerLen]).fill(0, uint32(pad), nil, nil)
		record(q.mem[place*unit:]).kill()
		place = 0
	}
	q.head += pad + uint64(n)
	r = record(q.mem[place*unit : (place+uint64(n))*unit])
	return r, place, true
}
