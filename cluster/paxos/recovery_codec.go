package paxos

import (
	"encoding/binary"
	"fmt"
)

const (
	recoveryHead = 1 + 2*maxCluster + 8 + 32 + 8 + 8 + 1 + 2
	// MaxRecovery is the length of the longest recovery, in bytes.
	MaxRecovery = recoveryHead + 8*(MaxVoters+MaxLost) + MaxReason + crcLen
)

// AppendRecovery appends the bytes of r, with their checksum.
//
// REQUIRES: Check has passed it, or DecodeRecovery returned it.
func AppendRecovery(dst []byte, r Recovery) []byte {
	start := len(dst)
	dst = append(dst, recoveryVersion)
	dst = append(dst, r.Old[:]...)
	dst = append(dst, r.New[:]...)
	dst = binary.BigEndian.AppendUint64(dst, r.Known)
	dst = append(dst, r.Parent[:]...)
	dst = binary.BigEndian.AppendUint64(dst, uint64(r.By))
	dst = binary.BigEndian.AppendUint64(dst, r.AtMillis)
	dst = append(dst, byte(len(r.Voters)))
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(r.Lost)))
	for _, ids := range [][]NodeID{r.Voters, r.Lost} {
		for _, id := range ids {
			dst = binary.BigEndian.AppendUint64(dst, uint64(id))
		}
	}
	dst = append(dst, r.Reason...)
	return appendSum(dst, start)
}

// DecodeRecovery takes bytes of AppendRecovery apart and refuses all others. Check is still to be called.
func DecodeRecovery(b []byte) (Recovery, error) {
	body, err := cutSum(b, MaxRecovery)
	if err != nil {
		return Recovery{}, fmt.Errorf("decode recovery: %w", err)
	}
	in := reader{b: body}
	if v := in.uint8(); v != recoveryVersion {
		return Recovery{}, fmt.Errorf("decode recovery: %w %d, this node knows %d", ErrVersion, v, recoveryVersion)
	}
	var r Recovery
	copy(r.Old[:], in.take(maxCluster))
	copy(r.New[:], in.take(maxCluster))
	r.Known, r.Parent, r.By, r.AtMillis = in.uint64(), in.hash(), NodeID(in.uint64()), in.uint64()
	voters, lost := int(in.uint8()), int(in.uint8())<<8
	lost |= int(in.uint8())
	r.Voters, r.Lost = in.ids(voters), in.ids(lost)
	r.Reason = string(in.rest())
	if in.short {
		return Recovery{}, fmt.Errorf("decode recovery: %w: %d bytes", ErrMalformed, len(b))
	}
	if err := r.check(); err != nil {
		return Recovery{}, fmt.Errorf("decode recovery: %w", err)
	}
	return r, nil
}

// ids takes n node ids, none when there are not as many.
func (r *reader) ids(n int) []NodeID {
	b := r.take(8 * n)
	if len(b) == 0 {
		return nil
	}
	ids := make([]NodeID, n)
	for i := range ids {
		ids[i] = NodeID(binary.BigEndian.Uint64(b[8*i:]))
	}
	return ids
}
