package paxos

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// The versions of the formats. A new field means a new version; see the package comment for the bytes.
const (
	messageVersion = 1
	stateVersion   = 1
)

const (
	messageHead = 2 + 8 + 32 + 8 + 8 + 16
	stateHead   = 2 + 8 + 32 + 16 + 16
	crcLen      = 4

	// MaxMessage is the length of the longest message, in bytes.
	MaxMessage = messageHead + 16 + MaxValue
	// MaxState is the length of the longest state, in bytes.
	MaxState = stateHead + MaxValue + crcLen

	stateDecided = 1 // a flag
)

// AppendMessage appends the bytes of m. They have no checksum: frames do.
//
// REQUIRES: m is one that Ready, Tell or Refuse made, or that DecodeMessage returned.
func AppendMessage(dst []byte, m Message) []byte {
	dst = append(dst, messageVersion, byte(m.Kind))
	dst = binary.BigEndian.AppendUint64(dst, m.Epoch)
	dst = append(dst, m.Parent[:]...)
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.From))
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.To))
	dst = appendBallot(dst, m.Ballot)
	switch m.Kind {
	case Promise:
		dst = appendBallot(dst, m.AcceptedBallot)
	case Reject:
		dst = appendBallot(dst, m.Promised)
	case Elsewhere:
		dst = binary.BigEndian.AppendUint64(dst, m.Known)
	}
	return append(dst, m.Value...)
}

// DecodeMessage takes bytes of AppendMessage apart and refuses all others. The message's Value points into b, which must
// not change any more.
func DecodeMessage(b []byte) (Message, error) {
	if len(b) > MaxMessage {
		return Message{}, fmt.Errorf("decode message: %w: %d bytes", ErrMalformed, len(b))
	}
	r := reader{b: b}
	if v := r.uint8(); len(b) > 0 && v != messageVersion {
		return Message{}, fmt.Errorf("decode message: %w %d, this node speaks %d", ErrVersion, v, messageVersion)
	}
	m := Message{Kind: Kind(r.uint8()), Epoch: r.uint64(), Parent: r.hash(), From: NodeID(r.uint64()), To: NodeID(r.uint64()), Ballot: r.ballot()}
	switch m.Kind {
	case Promise:
		m.AcceptedBallot = r.ballot()
	case Reject:
		m.Promised = r.ballot()
	case Elsewhere:
		m.Known = r.uint64()
	}
	m.Value = r.rest()
	if r.short {
		return Message{}, fmt.Errorf("decode message: %w: %s of %d bytes", ErrMalformed, m.Kind, len(b))
	}
	if err := m.check(); err != nil {
		return Message{}, fmt.Errorf("decode message: %w", err)
	}
	return m, nil
}

// AppendState appends the bytes of s, with their checksum.
//
// REQUIRES: s is one that Ready made or DecodeState returned.
func AppendState(dst []byte, s State) []byte {
	start := len(dst)
	flags := byte(0)
	if s.Decided {
		flags = stateDecided
	}
	dst = append(dst, stateVersion, flags)
	dst = binary.BigEndian.AppendUint64(dst, s.Epoch)
	dst = append(dst, s.Parent[:]...)
	dst = appendBallot(dst, s.Promised)
	dst = appendBallot(dst, s.Accepted)
	dst = append(dst, s.Value...)
	return appendSum(dst, start)
}

// DecodeState takes bytes of AppendState apart and refuses all others. The state's Value points into b, which must not
// change any more. A node that gets an error here must not vote again under its id.
func DecodeState(b []byte) (State, error) {
	body, err := cutSum(b, MaxState)
	if err != nil {
		return State{}, fmt.Errorf("decode state: %w", err)
	}
	r := reader{b: body}
	if v := r.uint8(); v != stateVersion {
		return State{}, fmt.Errorf("decode state: %w %d, this node knows %d", ErrVersion, v, stateVersion)
	}
	flags := r.uint8()
	s := State{Decided: flags == stateDecided, Epoch: r.uint64(), Parent: r.hash(), Promised: r.ballot(), Accepted: r.ballot()}
	s.Value = r.rest()
	if r.short || flags > stateDecided {
		return State{}, fmt.Errorf("decode state: %w: flags %d, %d bytes", ErrMalformed, flags, len(b))
	}
	if err := s.check(); err != nil {
		return State{}, fmt.Errorf("decode state: %w", err)
	}
	return s, nil
}

func appendBallot(dst []byte, b Ballot) []byte {
	dst = binary.BigEndian.AppendUint64(dst, b.Round)
	return binary.BigEndian.AppendUint64(dst, uint64(b.Node))
}

// appendSum ends what was appended from start on with its crc32c.
func appendSum(dst []byte, start int) []byte {
	return binary.BigEndian.AppendUint32(dst, checksum(dst[start:]))
}

// cutSum takes the checksum off, verified. What is left has at least the byte that says the version.
func cutSum(b []byte, limit int) ([]byte, error) {
	if len(b) <= crcLen || len(b) > limit {
		return nil, fmt.Errorf("%w: %d bytes", ErrMalformed, len(b))
	}
	body := b[: len(b)-crcLen : len(b)-crcLen]
	if binary.BigEndian.Uint32(b[len(body):]) != checksum(body) {
		return nil, ErrCorrupt
	}
	return body, nil
}

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// A reader takes fields off the front of b. When they do not suffice it gives zeros, and short is set.
type reader struct {
	b     []byte
	short bool
}

func (r *reader) take(n int) []byte {
	if n > len(r.b) {
		r.b, r.short = nil, true
		return nil
	}
	taken := r.b[:n]
	r.b = r.b[n:]
	return taken
}

func (r *reader) uint8() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if b := r.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (r *reader) hash() (h Hash) {
	copy(h[:], r.take(len(h)))
	return h
}

func (r *reader) ballot() Ballot { return Ballot{Round: r.uint64(), Node: NodeID(r.uint64())} }

// rest returns what is left, nil for nothing.
func (r *reader) rest() []byte {
	if len(r.b) == 0 {
		return nil
	}
	return r.take(len(r.b))
}
