package object

import "encoding/binary"

const (
	dotLen        = stampLen + 8
	siblingMinLen = dotLen + stampLen + 4
)

func (s *SiblingSet) encodedLen() int {
	n := stampLen + 4 + dotLen*len(s.Context) + 4
	for i := range s.Values {
		n += siblingMinLen + len(s.Values[i].Bytes)
	}
	return n
}

func appendDot(dst []byte, d Dot) []byte {
	return binary.BigEndian.AppendUint64(appendStamp(dst, d.Actor), d.Seq)
}

func (s *SiblingSet) append(dst []byte) []byte {
	dst = appendStamp(dst, s.Updated)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(s.Context)))
	for _, d := range s.Context {
		dst = appendDot(dst, d)
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(s.Values)))
	for i := range s.Values {
		v := &s.Values[i]
		dst = appendStamp(appendDot(dst, v.Dot), v.Stamp)
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(v.Bytes)))
		dst = append(dst, v.Bytes...)
	}
	return dst
}

func (d *reader) dot() Dot {
	dot := Dot{Actor: d.stamp(), Seq: d.uint64()}
	d.require(dot.Seq > 0)
	return dot
}

// siblings reads a set; its values' bytes point into what is read.
func (d *reader) siblings() *SiblingSet {
	s := &SiblingSet{Updated: d.stamp()}
	n := d.count(dotLen)
	d.require(n > 0)
	s.Context = make([]Dot, n)
	for i := range s.Context {
		s.Context[i] = d.dot()
		d.require(i == 0 || s.Context[i-1].Actor.Before(s.Context[i].Actor))
	}
	n = d.count(siblingMinLen)
	if n == 0 {
		return s
	}
	s.Values = make([]Sibling, n)
	for i := range s.Values {
		v := Sibling{Dot: d.dot(), Stamp: d.stamp()}
		v.Bytes = d.bytes()
		s.Values[i] = v
		d.require(i == 0 || s.Values[i-1].Dot.compare(v.Dot) < 0)
		d.require(covers(s.Context, v.Dot))
	}
	return s
}

// bytes reads a u32 length and as many bytes.
func (d *reader) bytes() []byte {
	n := d.count(1)
	b := d.b[:n:n]
	d.b = d.b[n:]
	return b
}
