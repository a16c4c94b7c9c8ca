package merkle

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"math/bits"
)

// ErrSnapshot reports bytes that no AppendSnapshot made, or not as it made them.
var ErrSnapshot = errors.New("merkle: corrupt snapshot")

// Mark names the rows that a saved tree is of. Whoever reads it back compares it with what it finds, and builds the tree
// again if anything differs.
type Mark struct {
	Generation uint64 // of the store: a node's incarnation, say
	Sequence   uint64 // of the store's last write when the tree was saved
	Under      uint64 // a hash of all else that the leaves depend on: the secret, the partition, its watermark
}

const (
	snapshotMagic   = "RMKL"
	snapshotVersion = 1
	snapshotHead    = len(snapshotMagic) + 1 + 2 + 3*8
	snapshotCRC     = 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// MaxSnapshot bounds the length of a snapshot of a tree of that shape, in bytes.
func MaxSnapshot(s Shape) int {
	return snapshotHead + s.Leaves()/FanOut*4 + s.Leaves()*(8+binary.MaxVarintLen32) + snapshotCRC
}

// AppendSnapshot appends the bytes of the tree: see the package comment. ErrWrong, and dst as it was, if Check refuses it.
func (t *Tree) AppendSnapshot(dst []byte, m Mark) ([]byte, error) {
	if err := t.Check(); err != nil {
		return dst, fmt.Errorf("snapshot: %w", err)
	}
	start := len(dst)
	dst = appendShape(append(append(dst, snapshotMagic...), snapshotVersion), t.shape)
	for _, v := range [...]uint64{m.Generation, m.Sequence, m.Under} {
		dst = binary.BigEndian.AppendUint64(dst, v)
	}
	for first := 0; first < t.shape.Leaves(); first += FanOut {
		dst = t.appendLeaves(dst, first)
	}
	return binary.BigEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli)), nil
}

// appendLeaves appends FanOut leaves: which have rows, and those.
func (t *Tree) appendLeaves(dst []byte, first int) []byte {
	var set uint32
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	for i := range FanOut {
		hash, rows := t.Leaf(Leaf(first + i))
		if rows == 0 {
			continue
		}
		set |= 1 << i
		dst = binary.AppendUvarint(binary.BigEndian.AppendUint64(dst, hash), uint64(rows))
	}
	binary.BigEndian.PutUint32(dst[at:], set)
	return dst
}

// DecodeSnapshot takes apart what AppendSnapshot makes, and nothing else: ErrSnapshot, ErrVersion. The bytes are not kept.
func DecodeSnapshot(b []byte) (*Tree, Mark, error) {
	if len(b) < snapshotHead+snapshotCRC || string(b[:len(snapshotMagic)]) != snapshotMagic {
		return nil, Mark{}, fmt.Errorf("%w: %d bytes", ErrSnapshot, len(b))
	}
	if v := b[len(snapshotMagic)]; v > snapshotVersion {
		return nil, Mark{}, fmt.Errorf("%w: snapshot %d", ErrVersion, v)
	}
	body := b[:len(b)-snapshotCRC]
	if binary.BigEndian.Uint32(b[len(body):]) != crc32.Checksum(body, castagnoli) {
		return nil, Mark{}, fmt.Errorf("%w: checksum", ErrSnapshot)
	}
	r := reader{b: body[len(snapshotMagic):]}
	r.require(r.byte() == snapshotVersion)
	t := &Tree{shape: r.shape()}
	m := Mark{Generation: r.uint64(), Sequence: r.uint64(), Under: r.uint64()}
	r.require(t.shape.valid() && len(b) <= MaxSnapshot(t.shape))
	for first := 0; r.err == nil && first < t.shape.Leaves(); first += FanOut {
		t.readLeaves(&r, first)
	}
	if r.err != nil || len(r.b) != 0 || t.Check() != nil {
		return nil, Mark{}, fmt.Errorf("%w: %d bytes", ErrSnapshot, len(b))
	}
	return t, m, nil
}

func (t *Tree) readLeaves(r *reader, first int) {
	set := r.uint32()
	for ; set != 0; set &= set - 1 {
		hash, rows := r.uint64(), r.uvarint32()
		if r.require(rows > 0 && rows <= math.MaxInt32); r.err != nil {
			return
		}
		if t.nodes == nil {
			t.grow()
		}
		l := Leaf(first + bits.TrailingZeros32(set))
		t.nodes[len(t.nodes)-1][l] = hash
		t.count[l] = int32(rows)
		t.rows += int64(rows)
		t.mark(l)
	}
}
