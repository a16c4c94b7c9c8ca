package wire

import (
	"fmt"

	"github.com/klauspost/compress/s2"
)

// When a body is compressed, and what a compressed one may hold.
const (
	// packAbove is how long a body must be for compression to be tried, in bytes.
	packAbove = 4 << 10
	// packSave is the share of the body, one in so many, that compression must save for the packed form to be sent.
	packSave = 8
	// A packed body of n bytes holds at most packSlack + packRatio*n: a short frame cannot make its receiver allocate
	// without end. A body that compresses even better travels as it is.
	packSlack = 256 << 10
	packRatio = 256
	// packKeep is the longest buffer that an Encoder keeps, in bytes.
	packKeep = 1 << 20
)

// mayHold reports whether a packed body of packed bytes may hold raw bytes.
func mayHold(packed, raw int) bool {
	return raw <= MaxFrame-headLen-crcLen && int64(raw) <= packSlack+packRatio*int64(packed)
}

// pack returns the compressed body, false when it does not pay. The result is good until the next call.
func (e *Encoder) pack(body []byte) ([]byte, bool) {
	if len(body) <= packAbove {
		return nil, false
	}
	buf := e.packed
	if need := s2.MaxEncodedLen(len(body)); cap(buf) < need {
		buf = make([]byte, need)
	}
	packed := s2.Encode(buf[:cap(buf)], body)
	if cap(buf) <= packKeep {
		e.packed = buf
	}
	if len(packed) > len(body)-len(body)/packSave || !mayHold(len(packed), len(body)) {
		return nil, false
	}
	return packed, true
}

// unpack returns what a packed body holds, in memory of its own.
func unpack(packed []byte) ([]byte, error) {
	n, err := s2.DecodedLen(packed)
	if err != nil {
		return nil, fmt.Errorf("%w: packed body: %w", ErrMalformed, err)
	}
	if !mayHold(len(packed), n) {
		return nil, fmt.Errorf("%w: %d packed bytes announce %d", ErrMalformed, len(packed), n)
	}
	body, err := s2.Decode(nil, packed)
	if err != nil {
		return nil, fmt.Errorf("%w: packed body: %w", ErrMalformed, err)
	}
	return body, nil
}
