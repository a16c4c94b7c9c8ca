package wire

import "fmt"

// Size returns the length of m's frame in bytes as AppendFrame makes it, uncompressed. The error is ErrTooLarge: m is
// beyond the bounds and cannot be sent. Whoever stores first and sends then asks before it stores.
func Size(m Message) (int, error) {
	s := sizer{n: headLen + crcLen}
	switch m := m.(type) {
	case *Read:
		s.read(m)
	case *ReadReply:
		s.add(1 + bytesLen(m.Same))
		s.rows(m.Rows)
	case *Write:
		s.add(2 + 3 + 8 + 24)
		if m.For != 0 {
			s.add(8)
		}
		s.rows(m.Rows)
	case *WriteReply:
		s.add(2)
		s.rows(m.Rows)
	case *Pass:
		s.add(2 + 4 + len(m.Body))
	case *Ask:
		s.add(1 + len(m.Body))
	case *Answer:
		s.add(1 + len(m.Body))
	case *Ring:
		s.add(1 + len(m.Body))
	case *Compare:
		s.add(1 + len(m.Body))
	case *Compared:
		s.add(1 + len(m.Body))
	case *Fetch:
		s.add(bytesLen(m.From) + bytesLen(m.To) + 4)
	case *Fetched:
		s.fetched(m)
	case *PassReply:
		s.add(2 + len(m.Body))
		if m.Count != (Count{}) {
			s.add(4 + len(m.Count.DC))
			s.bound(len(m.Count.DC), MaxDC)
		}
	}
	if s.over || s.n > MaxFrame {
		return 0, fmt.Errorf("%w: %s of %d bytes", ErrTooLarge, m.Kind(), s.n)
	}
	return s.n, nil
}

type sizer struct {
	n    int
	over bool
}

func (s *sizer) add(n int) { s.n += n }

func (s *sizer) bound(n, most int) {
	if n > most {
		s.over = true
	}
}

func (s *sizer) read(m *Read) {
	s.bound(len(m.Keys), MaxKeys)
	s.add(3 + uvarintLen(len(m.Keys)))
	elements := 0
	for i := range m.Keys {
		k := &m.Keys[i]
		s.add(2 + bytesLen(k.Ref.Name))
		if k.Digest != 0 {
			s.add(8)
		}
		if len(k.Elements) > 0 {
			elements += len(k.Elements)
			s.bound(elements, MaxElements)
			s.add(uvarintLen(len(k.Elements)))
			for _, sub := range k.Elements {
				s.add(bytesLen(sub))
			}
		}
	}
}

func (s *sizer) rows(rows []Row) {
	s.bound(len(rows), MaxRows)
	s.add(uvarintLen(len(rows)))
	for i := range rows {
		s.row(&rows[i])
	}
}

func (s *sizer) row(r *Row) {
	s.add(2 + bytesLen(r.Bytes))
	if !r.Database {
		s.add(bytesLen(r.Ref.Name))
	}
	if len(r.Sub) > 0 {
		s.add(bytesLen(r.Sub))
	}
}

func bytesLen(b []byte) int { return uvarintLen(len(b)) + len(b) }

func uvarintLen(n int) int {
	size := 1
	for n >= 0x80 {
		n >>= 7
		size++
	}
	return size
}
