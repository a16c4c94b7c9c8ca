package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/rondokv/rondo/engine/object"
)

// Version is the version of the format that this package writes and reads.
const Version = 1

// Bounds of a message. What is beyond them is neither sent nor taken.
const (
	// MaxFrame bounds a frame and what a packed one holds, in bytes: room for the longest key and the longest value.
	MaxFrame = 1 << 30
	// MaxRows bounds the rows of one message.
	MaxRows = 1 << 20
	// MaxKeys bounds the keys of a Read.
	MaxKeys = 1 << 20
	// MaxElements bounds the single elements that a Read asks for, of all its keys together.
	MaxElements = 1 << 20
	// MaxDC bounds the name of a datacenter, in bytes.
	MaxDC = 255
)

// Errors of the codec. After ErrVersion, ErrCorrupt and ErrTooLarge from Next or Decode the stream is lost and the
// connection must close; after the others the frame was whole and the stream is still in step.
var (
	// ErrMore says that the frame goes on beyond the bytes at hand.
	ErrMore = errors.New("wire: more bytes are needed")
	// ErrVersion reports a frame of another version of the format.
	ErrVersion = errors.New("wire: unknown version")
	// ErrCorrupt reports bytes that are not what was sent.
	ErrCorrupt = errors.New("wire: corrupt frame")
	// ErrTooLarge reports a message beyond the bounds.
	ErrTooLarge = errors.New("wire: message too large")
	// ErrUnknown reports a kind, flag, status or reason that this version does not have.
	ErrUnknown = errors.New("wire: unknown value")
	// ErrMalformed reports a body that is not what its kind says, or not how this package writes it.
	ErrMalformed = errors.New("wire: malformed message")
	// ErrRow reports a row that is corrupt, of a newer format, or carries local fields.
	ErrRow = errors.New("wire: bad row")
)

// Places in a frame.
const (
	atVersion   = 4
	atKind      = 5
	atFlags     = 6
	atReserved  = 7
	atEpoch     = 8
	atHLC       = 16
	atID        = 24
	atAsker     = 32
	atBudget    = 40
	atPartition = 44
	headLen     = 46
	crcLen      = 4
	minFrame    = headLen + crcLen + 1
)

// flagPacked says that the body is compressed.
const flagPacked = 1

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// FrameLen returns the length in bytes of the frame that buf begins with, ErrMore when fewer than four bytes are there.
// It refuses a wrong version or length as soon as it can be seen, so nobody waits for the rest of what is no frame.
func FrameLen(buf []byte) (int, error) {
	if len(buf) > atVersion && buf[atVersion] != Version {
		return 0, fmt.Errorf("%w %d, this node speaks %d", ErrVersion, buf[atVersion], Version)
	}
	if len(buf) < atVersion {
		return 0, ErrMore
	}
	n := uint64(binary.BigEndian.Uint32(buf)) + atVersion
	if n > MaxFrame {
		return 0, fmt.Errorf("%w: a frame of %d bytes, at most %d", ErrTooLarge, n, MaxFrame)
	}
	if n < minFrame {
		return 0, fmt.Errorf("%w: length %d", ErrCorrupt, n)
	}
	return int(n), nil
}

// Next splits the first frame off buf, a piece of a stream; both results point into buf. While the frame is not whole
// the error is ErrMore and rest is buf: call again with more bytes. Any other error means that the stream is lost.
func Next(buf []byte) (frame, rest []byte, err error) {
	n, err := FrameLen(buf)
	if err != nil {
		return nil, buf, err
	}
	if len(buf) < n {
		return nil, buf, ErrMore
	}
	return buf[:n:n], buf[n:], nil
}

// putHead fills the first headLen bytes of f but the length and the flags, which seal knows.
func putHead(f []byte, k Kind, h *Header) {
	_ = f[headLen-1]
	f[atVersion] = Version
	f[atKind] = byte(k)
	f[atReserved] = 0
	binary.BigEndian.PutUint64(f[atEpoch:], h.Epoch)
	binary.BigEndian.PutUint64(f[atHLC:], uint64(h.HLC))
	binary.BigEndian.PutUint64(f[atID:], h.ID)
	binary.BigEndian.PutUint64(f[atAsker:], uint64(h.Asker))
	binary.BigEndian.PutUint32(f[atBudget:], h.Budget)
	binary.BigEndian.PutUint16(f[atPartition:], h.Partition)
}

func readHead(f []byte) Header {
	_ = f[headLen-1]
	return Header{
		Partition: binary.BigEndian.Uint16(f[atPartition:]),
		Epoch:     binary.BigEndian.Uint64(f[atEpoch:]),
		HLC:       object.HLC(binary.BigEndian.Uint64(f[atHLC:])),
		ID:        binary.BigEndian.Uint64(f[atID:]),
		Asker:     object.Incarnation(binary.BigEndian.Uint64(f[atAsker:])),
		Budget:    binary.BigEndian.Uint32(f[atBudget:]),
	}
}

// seal ends the frame that begins at start: it fills in flags, length and checksum.
func seal(dst []byte, start int, flags byte) []byte {
	f := dst[start:]
	f[atFlags] = flags
	binary.BigEndian.PutUint32(f, uint32(len(f)+crcLen-atVersion))
	return binary.BigEndian.AppendUint32(dst, crc32.Checksum(f, castagnoli))
}

// unseal verifies the frame as a whole and returns its flags and body.
func unseal(frame []byte) (flags byte, body []byte, err error) {
	n, err := FrameLen(frame)
	if err != nil {
		if errors.Is(err, ErrMore) {
			err = fmt.Errorf("%w: %d bytes", ErrCorrupt, len(frame))
		}
		return 0, nil, err
	}
	if n != len(frame) {
		return 0, nil, fmt.Errorf("%w: %d bytes, length says %d", ErrCorrupt, len(frame), n)
	}
	end := n - crcLen
	if got, want := crc32.Checksum(frame[:end], castagnoli), binary.BigEndian.Uint32(frame[end:]); got != want {
		return 0, nil, fmt.Errorf("%w: crc32c %08x, want %08x", ErrCorrupt, got, want)
	}
	flags = frame[atFlags]
	if flags&^flagPacked != 0 || frame[atReserved] != 0 {
		return 0, nil, fmt.Errorf("%w: flags %02x, reserved %02x", ErrUnknown, flags, frame[atReserved])
	}
	return flags, frame[headLen:end:end], nil
}
