package rowcache

import (
	"bytes"
	"math"
	"sync"
)

const (
	maxRef     = 3
	windowPart = 10
	// A row that is more than this part of the window, or more than maxRecord bytes with its key, is not kept.
	maxWindowPart = 4
	maxRecord     = 64 << 10
	// maxSweep bounds how far the main clock is turned for one victim.
	maxSweep   = 32
	startSlots = 64
)

type shard struct {
	mu sync.Mutex

	// Guarded by mu.
	index        []uint64
	mask         uint32
	count        int
	window, main ring
	largest      uint32 // units of a record
	warm         bool   // half full once: the sketch is kept
	sketch       sketch
	scratch      []byte

	hits, misses, evictions, rejections int64

	_ [64]byte // keeps neighbours' mutexes off this line
}

func (s *shard) init(mem []byte) {
	units := uint64(len(mem) / unit)
	window := units / windowPart
	s.window = ring{mem: mem[:window*unit], units: window}
	s.main = ring{mem: mem[window*unit:], base: uint32(window), units: units - window}
	s.largest = uint32(min(window/maxWindowPart, maxRecord/unit))
	s.clear()
}

func (s *shard) clear() {
	s.index = make([]uint64, startSlots)
	s.mask = startSlots - 1
	s.count = 0
	s.window.head, s.window.tail, s.main.head, s.main.tail = 0, 0, 0, 0
	s.warm = false
	s.sketch = sketch{}
	s.sketch.grow(startSlots)
}

func (s *shard) close() {
	s.clear()
	s.window, s.main, s.largest = ring{}, ring{}, 0
}

func slotOf(tag, loc uint32) uint64 { return uint64(tag)<<32 | uint64(loc) }

// ringAt returns the ring that holds a location, and the place within it.
func (s *shard) ringAt(loc uint32) (*ring, uint64) {
	if loc-1 >= s.main.base {
		return &s.main, uint64(loc - 1 - s.main.base)
	}
	return &s.window, uint64(loc - 1)
}

func (q *ring) location(place uint64) uint32 { return q.base + uint32(place) + 1 }

func (s *shard) record(loc uint32) record {
	q, place := s.ringAt(loc)
	return q.at(place)
}

// find returns the index slot of key.
func (s *shard) find(tag uint32, key []byte) (i uint32, ok bool) {
	for i = tag & s.mask; ; i = (i + 1) & s.mask {
		slot := s.index[i]
		if slot == 0 {
			return 0, false
		}
		if uint32(slot>>32) == tag && bytes.Equal(s.record(uint32(slot)).key(), key) {
			return i, true
		}
	}
}

func (s *shard) get(dst []byte, tag uint32, key []byte) ([]byte, bool) {
	if s.warm {
		s.sketch.add(tag)
	}
	i, ok := s.find(tag, key)
	if !ok {
		s.misses++
		return dst, false
	}
	s.hits++
	r := s.record(uint32(s.index[i]))
	if n := r.ref(); n < maxRef {
		r.setRef(n + 1)
	}
	return append(dst, r.row()...), true
}

func (s *shard) put(tag uint32, key, row []byte) {
	i, ok := s.find(tag, key)
	if len(key) > math.MaxUint16 || len(key)+len(row) > maxRecord || unitsOf(key, row) > s.largest {
		if ok {
			s.drop(i)
		}
		return
	}
	n := unitsOf(key, row)
	q := &s.window
	if ok {
		loc := uint32(s.index[i])
		r := s.record(loc)
		if r.units() == n {
			r.setRow(row)
			return
		}
		if loc-1 >= s.main.base {
			q = &s.main // it was let in before
		}
		s.drop(i)
	} else if s.warm {
		s.sketch.add(tag)
	}
	for {
		if r, place, ok := q.push(n); ok {
			r.fill(tag, n, key, row)
			s.indexAdd(tag, q.location(place))
			break
		}
		if q == &s.window {
			s.leaveWindow()
		} else {
			s.evict()
		}
	}
	s.warm = s.warm || (s.window.used()+s.main.used())*2 > s.window.units+s.main.units
}

// leaveWindow takes the oldest record out of the window, into the main ring if it has been seen more often than what would
// have to go there. REQUIRES: the window is not empty.
func (s *shard) leaveWindow() {
	r, place := s.window.oldest()
	s.window.pop(r)
	if !r.live() {
		return
	}
	from := s.window.location(place)
	for s.main.used() > 0 {
		if s.moved(r, from) {
			return
		}
		v, ok := s.victim()
		if !ok {
			continue
		}
		if s.sketch.count(r.tag()) <= s.sketch.count(v.tag()) {
			s.rejections++
			s.forget(r, from)
			return
		}
		s.evict()
	}
	if !s.moved(r, from) {
		s.forget(r, from)
	}
}

// moved copies r, which has just left a ring, to the main ring's head if there is room.
func (s *shard) moved(r record, from uint32) bool {
	n := r.units()
	to, place, ok := s.main.push(n)
	if !ok {
		return false
	}
	copy(to, r)
	to.setRef(0)
	s.index[s.slotAt(r.tag(), from)] = slotOf(r.tag(), s.main.location(place))
	return true
}

// victim turns the main clock to the next record that was not hit since it last came by; false when the ring ran empty on
// the way.
func (s *shard) victim() (record, bool) {
	for range maxSweep {
		if s.main.used() == 0 {
			return nil, false
		}
		r, place := s.main.oldest()
		if r.live() && r.ref() == 0 {
			return r, true
		}
		s.main.pop(r)
		if r.live() {
			s.again(r, s.main.location(place))
		}
	}
	if s.main.used() == 0 {
		return nil, false
	}
	r, _ := s.main.oldest()
	return r, true
}

// again puts a record that was hit, and has just left the main ring's tail, back at its head. The two places may overlap.
func (s *shard) again(r record, from uint32) {
	ref, n, tag := r.ref(), r.units(), r.tag()
	s.scratch = append(s.scratch[:0], r...)
	to, place, ok := s.main.push(n)
	if !ok { // padding took the room
		s.forget(s.scratch, from)
		return
	}
	copy(to, s.scratch)
	to.setRef(ref - 1)
	s.index[s.slotAt(tag, from)] = slotOf(tag, s.main.location(place))
}

// evict lets the oldest record of the main ring go.
func (s *shard) evict() {
	if s.main.used() == 0 {
		return
	}
	r, place := s.main.oldest()
	s.main.pop(r)
	if r.live() {
		s.forget(r, s.main.location(place))
	}
}

// forget takes a record that has left its ring out of the index.
func (s *shard) forget(r record, from uint32) {
	s.evictions++
	s.indexDelete(s.slotAt(r.tag(), from))
	s.count--
}

// drop kills the record of an index slot where it stands.
func (s *shard) drop(i uint32) {
	s.record(uint32(s.index[i])).kill()
	s.indexDelete(i)
	s.count--
}

func (s *shard) dropRange(lo, hi []byte) {
	for _, q := range []*ring{&s.window, &s.main} {
		for at := q.tail; at < q.head; {
			place := at % q.units
			r := q.at(place)
			at += uint64(r.units())
			if r.live() && bytes.Compare(r.key(), lo) >= 0 && bytes.Compare(r.key(), hi) < 0 {
				s.drop(s.slotAt(r.tag(), q.location(place)))
			}
		}
	}
}
