package cluster

import (
	"encoding/binary"
	"time"

	"github.com/rondokv/rondo/engine/object"
)

// askKeyFixed is the length of a question about a key before its name.
const askKeyFixed = 1 + 2

func appendKeyAsk(dst []byte, key object.KeyRef, slot object.Slot) []byte {
	dst = binary.BigEndian.AppendUint16(append(dst, key.DB), uint16(slot))
	return append(dst, key.Name...)
}

func (n *Node) answerKey(body []byte) ([]byte, error) {
	if len(body) < askKeyFixed || body[0] >= object.DBCount {
		return nil, errAsk
	}
	slot := object.Slot(binary.BigEndian.Uint16(body[1:]))
	if slot >= object.SlotCount {
		return nil, errAsk
	}
	var r KeyReport
	if err := n.inspect(&r, object.KeyRef{DB: body[0], Name: body[askKeyFixed:]}, slot); err != nil {
		return nil, err
	}
	return r.append(nil), nil
}

// askForKey asks a node for its report.
func (n *Node) askForKey(r *KeyReport, body []byte) error {
	answer, err := n.askWithin(r.Node, askKey, body, time.Duration(n.timeout))
	if err != nil {
		return err
	}
	return r.parse(answer)
}

// append writes a report as the answer to askKey: see there.
func (r *KeyReport) append(dst []byte) []byte {
	dst = appendStamp(dst, r.Key.Database)
	dst = append(dst, byte(one(r.Found)))
	if r.Found {
		row := r.Key.Row.AppendRow(nil)
		dst = binary.AppendUvarint(dst, uint64(r.Bytes))
		dst = binary.AppendUvarint(dst, uint64(r.Text))
		dst = binary.AppendUvarint(dst, uint64(len(row)))
		dst = append(dst, row...)
	}
	dst = appendStamp(binary.AppendUvarint(dst, uint64(r.Elements)), r.Element)
	for _, h := range r.Hints {
		dst = binary.BigEndian.AppendUint64(dst, uint64(h.For))
		dst = binary.AppendUvarint(dst, uint64(h.Rows))
		dst = binary.AppendUvarint(dst, uint64(h.Bytes))
		dst = appendStamp(dst, h.Latest)
	}
	return dst
}

// parse reads what append wrote.
func (r *KeyReport) parse(body []byte) error {
	in := answerReader{rest: body}
	r.Key.Database = in.stamp()
	if r.Found = in.byte() == 1; r.Found {
		r.Bytes, r.Text = in.number(), in.number()
		row := in.take(in.number())
		if in.bad {
			return errAsk
		}
		if err := r.Key.Row.DecodeRow(row); err != nil {
			return errAsk
		}
	}
	r.Elements, r.Element = in.number(), in.stamp()
	for !in.bad && len(in.rest) > 0 {
		h := KeyHint{For: object.NodeID(in.uint64())}
		h.Rows, h.Bytes, h.Latest = in.number(), in.number(), in.stamp()
		r.Hints = append(r.Hints, h)
	}
	if in.bad {
		return errAsk
	}
	return nil
}

func appendStamp(dst []byte, s object.Stamp) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.HLC))
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.Node))
	return binary.BigEndian.AppendUint64(dst, uint64(s.Inc))
}

// answerReader takes an answer apart; bad says that it was too short or had a number beyond all bounds.
type answerReader struct {
	rest []byte
	bad  bool
}

func (in *answerReader) take(n int) []byte {
	if in.bad || n > len(in.rest) {
		in.bad = true
		return nil
	}
	b := in.rest[:n]
	in.rest = in.rest[n:]
	return b
}

func (in *answerReader) byte() byte {
	if b := in.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (in *answerReader) uint64() uint64 {
	if b := in.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (in *answerReader) stamp() object.Stamp {
	return object.Stamp{HLC: object.HLC(in.uint64()), Node: object.NodeID(in.uint64()), Inc: object.Incarnation(in.uint64())}
}

func (in *answerReader) number() int {
	v, w := binary.Uvarint(in.rest)
	if in.bad || w <= 0 || v > 1<<40 {
		in.bad = true
		return 0
	}
	in.rest = in.rest[w:]
	return int(v)
}
