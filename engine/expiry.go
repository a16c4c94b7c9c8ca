package engine

import (
	"encoding/binary"
	"math"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"github.com/rondokv/rondo/engine/object"
)

// expiryHints keeps, for every slot, a time that no expiry in it is before: 128 KiB in memory, some nanoseconds a write,
// nothing on the disk. 0 = not known, as all are after a start; noExpiry = none.
//
// (Block properties would do this for tables and blocks, but Pebble does not show values to their collectors.)
type expiryHints [object.SlotCount]atomic.Int64

const noExpiry = math.MaxInt64

// lower makes the slot's hint at most at.
func (h *expiryHints) lower(slot int, at int64) {
	for {
		old := h[slot].Load()
		if old <= at || h[slot].CompareAndSwap(old, at) {
			return
		}
	}
}

// note sees a write. REQUIRES: it is visible already, so that a look at the slot that misses the note sees the row.
func (h *expiryHints) note(key, row []byte) {
	if len(key) < 3 || key[0] != object.SpaceData {
		return
	}
	if at, ok := object.PeekExpiry(row); ok {
		if slot := int(binary.BigEndian.Uint16(key[1:])); slot < len(h) {
			h.lower(slot, at)
		}
	}
}

// expiredLook bounds how many rows one call of ExpiredCandidates looks at, so that a call is a matter of milliseconds.
const expiredLook = 10_000

// ExpiredCandidates returns keys of data rows whose expiry is before `before` (ms since the Unix epoch), at most limit of
// them, behind the key `after` (nil = from the beginning). next is the `after` of the next call, nil at the end; with an
// error it is behind the slot that could not be read. Slots without such a row are not read (after a start, all are once).
//
// A row may change between its look and the caller's: the caller reads it again under its lock before it does anything. A
// candidate that stays is a candidate again in the next round.
func (s *Store) ExpiredCandidates(before int64, after []byte, limit int) (keys [][]byte, next []byte, err error) {
	if before <= 0 || limit <= 0 {
		return nil, nil, nil
	}
	look := expiredLook
	first := 0
	if len(after) >= 3 {
		first = int(binary.BigEndian.Uint16(after[1:]))
	}
	for slot := first; slot < object.SlotCount; slot++ {
		if s.expiry[slot].Load() >= before {
			continue
		}
		lo := object.AppendSlotKey(nil, uint16(slot))
		if slot == first && after != nil {
			lo = append(append([]byte(nil), after...), 0)
		}
		last, err := s.expiredIn(slot, lo, before, &keys, limit, &look)
		if err != nil && slot+1 < object.SlotCount {
			last = object.AppendSlotKey(nil, uint16(slot)+1) // the others can still be looked at
		}
		if err != nil || last != nil {
			return keys, last, err
		}
	}
	return keys, nil, nil
}

// expiredIn looks at the slot's rows from lo on. last is where it had to stop, nil when it saw the slot's end.
func (s *Store) expiredIn(slot int, lo []byte, before int64, keys *[][]byte, limit int, look *int) (last []byte, err error) {
	if s.closed.Load() {
		return nil, ErrClosed
	}
	hint := &s.expiry[slot]
	old := hint.Swap(noExpiry) // writes from here on note themselves
	least := int64(noExpiry)
	whole := len(lo) == 3 // from the slot's beginning
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: object.AppendSlotKey(nil, uint16(slot)+1)})
	if err != nil {
		s.expiry.lower(slot, old)
		return nil, s.readError(lo, err)
	}
	for ok := it.First(); ok && last == nil; ok = it.Next() {
		row, err := it.ValueAndErr()
		if err != nil {
			break // Close reports it
		}
		at, ok := object.PeekExpiry(row)
		if ok {
			least = min(least, at)
		}
		if ok && at < before {
			*keys = append(*keys, append([]byte(nil), it.Key()...))
		}
		if *look--; *look <= 0 || len(*keys) >= limit {
			last = append([]byte(nil), it.Key()...)
		}
	}
	err = it.Close()
	if err != nil || last != nil || !whole {
		least = min(least, old) // the rest was not seen
	}
	s.expiry.lower(slot, least)
	if err != nil {
		return nil, s.readError(nil, err)
	}
	return last, nil
}
