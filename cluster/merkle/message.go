package merkle

import (
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	messageVersion = 1

	kindQuestion      = 'q'
	kindReply         = 'r'
	kindSplitQuestion = 's'
	kindSplitReply    = 't'

	// MaxMessage bounds the encoded length of every message, in bytes.
	MaxMessage = 2 + 2 + 4 + 1 + 1 + 2 + MaxNodes*FanOut*(8+binary.MaxVarintLen32)
)

// ErrVersion reports bytes that a newer version of Rondo wrote.
var ErrVersion = errors.New("merkle: newer format")

func appendHead(dst []byte, kind byte, seq uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, messageVersion, kind), seq)
}

func appendShape(dst []byte, s Shape) []byte { return append(dst, s.slotBits, s.leafBits) }

// AppendQuestion appends the bytes of a question that Walk.Next made.
func AppendQuestion(dst []byte, q *Question) []byte {
	dst = append(appendShape(appendHead(dst, kindQuestion, q.Seq), q.Shape), q.Level)
	if q.Level == 0 {
		return binary.BigEndian.AppendUint64(dst, q.Root)
	}
	dst = append(dst, byte(len(q.Nodes)))
	for _, n := range q.Nodes {
		dst = binary.BigEndian.AppendUint16(dst, n)
	}
	return dst
}

// DecodeQuestion takes apart what AppendQuestion makes, and nothing else: ErrMessage, ErrVersion.
func DecodeQuestion(b []byte) (Question, error) {
	r := reader{b: b}
	q := Question{Seq: r.head(kindQuestion), Shape: r.shape(), Level: r.byte()}
	if q.Level == 0 {
		q.Root = r.uint64()
	} else {
		n := int(r.byte())
		r.require(n <= MaxNodes && len(r.b) == 2*n)
		for range len(r.b) / 2 {
			q.Nodes = append(q.Nodes, r.uint16())
		}
	}
	r.require(r.err != nil || q.valid())
	return q, r.end("question")
}

// AppendReply appends the bytes of an answer that Tree.Answer made.
func AppendReply(dst []byte, a *Reply) []byte {
	dst = append(appendShape(appendHead(dst, kindReply, a.Seq), a.Shape), a.Level)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(a.Hashes)))
	for _, h := range a.Hashes {
		dst = binary.BigEndian.AppendUint64(dst, h)
	}
	for _, n := range a.Rows {
		dst = binary.AppendUvarint(dst, uint64(n))
	}
	return dst
}

// DecodeReply takes apart what AppendReply makes, and nothing else: ErrMessage, ErrVersion.
func DecodeReply(b []byte) (Reply, error) {
	r := reader{b: b}
	a := Reply{Seq: r.head(kindReply), Shape: r.shape(), Level: r.byte()}
	n := int(r.uint16())
	a.Same = n == 0
	r.require(r.err != nil || a.fits(n) && len(r.b) >= 8*n)
	if r.err != nil {
		return Reply{}, r.end("answer")
	}
	for range n {
		a.Hashes = append(a.Hashes, r.uint64())
	}
	if !a.Same && int(a.Level) == a.Shape.depth()-1 {
		for range n {
			a.Rows = append(a.Rows, r.uvarint32())
		}
	}
	return a, r.end("answer")
}

// fits reports whether some question is answered by n hashes.
func (a *Reply) fits(n int) bool {
	if !a.Shape.valid() || int(a.Level) >= a.Shape.depth() {
		return false
	}
	fan := a.Shape.fan(int(a.Level))
	if a.Level == 0 {
		return n == 0 || n == fan
	}
	return n > 0 && n%fan == 0 && n/fan <= MaxNodes
}

// AppendSplitQuestion appends the bytes of a question that a Split made.
func AppendSplitQuestion(dst []byte, q *SplitQuestion) []byte {
	dst = binary.BigEndian.AppendUint16(appendHead(dst, kindSplitQuestion, q.Seq), q.Range.Slot)
	dst = binary.BigEndian.AppendUint64(append(dst, q.Range.Place.Bits), q.Range.Place.Value)
	dst = binary.BigEndian.AppendUint64(append(dst, q.Range.Tail.Bits), q.Range.Tail.Value)
	byTail := byte(0)
	if q.ByTail {
		byTail = 1
	}
	return append(dst, q.Bits, byTail)
}

// DecodeSplitQuestion takes apart what AppendSplitQuestion makes, and nothing else: ErrMessage, ErrVersion.
func DecodeSplitQuestion(b []byte) (SplitQuestion, error) {
	r := reader{b: b}
	q := SplitQuestion{Seq: r.head(kindSplitQuestion)}
	q.Range.Slot = r.uint16()
	q.Range.Place = Prefix{Bits: r.byte(), Value: r.uint64()}
	q.Range.Tail = Prefix{Bits: r.byte(), Value: r.uint64()}
	q.Bits = r.byte()
	byTail := r.byte()
	q.ByTail = byTail == 1
	r.require(byTail <= 1 && q.valid())
	return q, r.end("split")
}

// AppendSplitReply appends the bytes of an answer that a Splitter made.
func AppendSplitReply(dst []byte, a *SplitReply) []byte {
	dst = appendHead(dst, kindSplitReply, a.Seq)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(a.Sums)))
	for _, s := range a.Sums {
		dst = binary.AppendUvarint(binary.BigEndian.AppendUint64(dst, s.Hash), uint64(s.Rows))
	}
	return dst
}

// DecodeSplitReply takes apart what AppendSplitReply makes, and nothing else: ErrMessage, ErrVersion.
func DecodeSplitReply(b []byte) (SplitReply, error) {
	r := reader{b: b}
	a := SplitReply{Seq: r.head(kindSplitReply)}
	n := int(r.uint16())
	r.require(n >= 2 && n <= 1<<MaxSplitBits && n&(n-1) == 0 && len(r.b) >= 9*n)
	if r.err != nil {
		return SplitReply{}, r.end("split answer")
	}
	for range n {
		a.Sums = append(a.Sums, Sum{Hash: r.uint64(), Rows: r.uvarint32()})
	}
	return a, r.end("split answer")
}

// A reader takes fields off the front of b. After the first fault it gives zeros and b stays empty.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.b = nil
}

func (r *reader) require(ok bool) {
	if !ok {
		r.fail(ErrMessage)
	}
}

func (r *reader) take(n int) []byte {
	if len(r.b) < n {
		r.fail(ErrMessage)
		return make([]byte, n)
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) byte() byte     { return r.take(1)[0] }
func (r *reader) uint16() uint16 { return binary.BigEndian.Uint16(r.take(2)) }
func (r *reader) uint32() uint32 { return binary.BigEndian.Uint32(r.take(4)) }
func (r *reader) uint64() uint64 { return binary.BigEndian.Uint64(r.take(8)) }

// uvarint32 refuses what is longer than it needs to be.
func (r *reader) uvarint32() uint32 {
	v, w := binary.Uvarint(r.b)
	if w <= 0 || v>>32 != 0 || w > 1 && r.b[w-1] == 0 {
		r.fail(ErrMessage)
		return 0
	}
	r.b = r.b[w:]
	return uint32(v)
}

func (r *reader) shape() Shape { return Shape{slotBits: r.byte(), leafBits: r.byte()} }

func (r *reader) head(kind byte) (seq uint32) {
	if v := r.byte(); v > messageVersion {
		r.fail(ErrVersion)
	} else if v != messageVersion {
		r.fail(ErrMessage)
	}
	r.require(r.err != nil || r.byte() == kind)
	return r.uint32()
}

// end returns the first fault; bytes left over are one.
func (r *reader) end(what string) error {
	if r.err == nil && len(r.b) > 0 {
		r.err = ErrMessage
	}
	if r.err != nil {
		return fmt.Errorf("%w: %s", r.err, what)
	}
	return nil
}
