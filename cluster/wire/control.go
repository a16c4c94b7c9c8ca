package wire

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// KindTransport is the first of the kinds that the transport keeps for itself: the handshake and what keeps a connection
// alive. Decode refuses them. Values are for ever: append only.
const KindTransport Kind = 0x40

// KindOf returns the kind of a frame that Next split off. Nothing else of the frame has been looked at yet.
func KindOf(frame []byte) Kind { return Kind(frame[atKind]) }

// AppendControl appends a frame of the transport's own: a zero header and the body, never packed.
// REQUIRES: k >= KindTransport, body is not empty.
func AppendControl(dst []byte, k Kind, body []byte) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, headLen)...)
	putHead(dst[start:], k, &Header{})
	return seal(append(dst, body...), start, 0)
}

// Control verifies a frame of the transport's own and returns its kind and body, which points into the frame.
func Control(frame []byte) (Kind, []byte, error) {
	flags, body, err := unseal(frame)
	if err != nil {
		return 0, nil, err
	}
	k := KindOf(frame)
	if k < KindTransport || flags != 0 {
		return 0, nil, fmt.Errorf("%w: %s, flags %02x, in the place of a control frame", ErrUnknown, k, flags)
	}
	return k, body, nil
}

// Spend takes ms off the budget of a frame that AppendFrame made and that was kept for so long before it is sent; false
// when nothing of the budget is left, so that nobody waits any more. A frame without a budget is not touched.
func Spend(frame []byte, ms uint32) bool {
	budget := binary.BigEndian.Uint32(frame[atBudget:])
	if budget == 0 || ms == 0 {
		return true
	}
	if ms >= budget {
		return false
	}
	binary.BigEndian.PutUint32(frame[atBudget:], budget-ms)
	end := len(frame) - crcLen
	binary.BigEndian.PutUint32(frame[end:], crc32.Checksum(frame[:end], castagnoli))
	return true
}
