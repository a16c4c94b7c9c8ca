package object

import "encoding/binary"

// reader takes fields off the front of b; once it ran short, or met what no encoder makes, it gives zeros.
type reader struct {
	b     []byte
	short bool
}

func (d *reader) uint64() uint64 {
	if len(d.b) < 8 {
		d.short, d.b = true, nil
		return 0
	}
	v := binary.BigEndian.Uint64(d.b)
	d.b = d.b[8:]
	return v
}

func (d *reader) stamp() Stamp {
	if len(d.b) < stampLen {
		d.short, d.b = true, nil
		return Stamp{}
	}
	s := Stamp{
		HLC:  HLC(binary.BigEndian.Uint64(d.b)),
		Node: NodeID(binary.BigEndian.Uint64(d.b[8:])),
		Inc:  Incarnation(binary.BigEndian.Uint64(d.b[16:])),
	}
	d.b = d.b[stampLen:]
	return s
}

// count reads how many entries of size bytes follow, never more than there are bytes for.
func (d *reader) count(size int) int {
	if len(d.b) < 4 {
		d.short, d.b = true, nil
		return 0
	}
	n := int(binary.BigEndian.Uint32(d.b))
	d.b = d.b[4:]
	if n > len(d.b)/size {
		d.short, d.b = true, nil
		return 0
	}
	return n
}

// require refuses bytes that no encoder makes.
func (d *reader) require(ok bool) {
	if !ok {
		d.short = true
	}
}
