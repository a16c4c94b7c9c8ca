package dynamo

import (
	"bytes"
	"fmt"

	"github.com/rondokv/rondo/cluster/merkle"
	"github.com/rondokv/rondo/engine/object"
)

// The bounds of one step of a transfer.
const (
	stepRows  = 512
	stepBytes = 256 << 10
)

// treeScan builds the hash tree of the rows of the partition as they are now, a bounded piece at a time. Rows that change
// meanwhile are in it as they were or as they are.
type treeScan struct {
	tree *merkle.Tree
	next []byte // where to go on; nil: at the first row
	done bool
}

// shape is how the partition is cut into leaves: the same on all nodes.
func (p *Partition) shape() merkle.Shape {
	slots := p.ring.SlotsPerPartition()
	s, err := merkle.NewShape(slots, max(slots, merkle.DefaultLeaves))
	if err != nil {
		panic("dynamo: no tree for a partition: " + err.Error())
	}
	return s
}

// bounds returns between which engine keys the rows of the partition lie.
func (p *Partition) bounds() (lo, hi []byte) {
	first := uint16(p.firstSlot)
	return object.AppendSlotKey(nil, first), object.AppendSlotKey(nil, first+uint16(p.ring.SlotsPerPartition()))
}

// scanSome goes on with a tree.
func (p *Partition) scanSome(s *treeScan) error {
	lo, hi := p.bounds()
	if s.tree == nil {
		s.tree = p.shape().New()
	}
	if s.next != nil {
		lo = s.next
	}
	hasher := merkle.NewHasher(merkle.Secret(p.secret))
	rows, size := 0, 0
	var bad error
	var room []byte
	s.done = true
	err := p.host.Scan(lo, hi, func(key, row []byte) bool {
		if rows == stepRows || size >= stepBytes {
			s.next, s.done = bytes.Clone(key), false
			return false
		}
		rows++
		size += len(key) + len(row)
		k, err := object.ParseRowKey(key)
		if err == nil {
			room, err = appendCanonical(room[:0], &k, row)
		}
		if bad = err; bad != nil {
			return false
		}
		leaf := p.shape().Leaf(uint16(k.Slot), k.Place)
		s.tree.Change(leaf, 0, hasher.RowHash(key, room))
		return true
	})
	if err == nil {
		err = bad
	}
	if err != nil {
		s.done = false
		return fmt.Errorf("scan rows: %w", err)
	}
	return nil
}

// appendCanonical appends what is hashed of a stored row.
func appendCanonical(dst []byte, k *object.RowKey, row []byte) ([]byte, error) {
	if len(k.Sub) > 0 {
		var e object.ElementRow
		if err := e.DecodeRow(row); err != nil {
			return dst, err
		}
		return e.AppendCanonical(dst), nil
	}
	var r object.KeyRow
	if err := r.DecodeRow(row); err != nil {
		return dst, err
	}
	return r.AppendCanonical(dst), nil
}
