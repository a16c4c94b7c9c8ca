package rowcache

import (
	"bytes"
	"sync"
)

const (
	segFree uint8 = iota
	segWindow
	segMain
	segCount
)

const (
	chunkBits = 8
	chunkLen  = 1 << chunkBits
	maxRef    = 3
	// A row that is more than this part of its shard is not kept.
	maxEntryPart = 8
	windowPart   = 10
	// maxSweep bounds how far a clock is turned for one victim.
	maxSweep = 32
)

type entry struct {
	key, row   []byte
	tag        uint32
	prev, next uint32
	ref        uint8 // hits since the clock last passed, at most maxRef
	seg        uint8
}

func (e *entry) cost() int64 {
	n := len(e.key) + len(e.row)
	return int64(EntryOverhead + n + n/8) // the allocator rounds up by an eighth at most, half of it on average, twice
}

// queue is a doubly linked list of entries by id: in at the tail, out at the head.
type queue struct{ head, tail uint32 }

type shard struct {
	mu       sync.Mutex
	capacity int64

	// Guarded by mu.
	index  []uint64
	mask   uint32
	chunks []*[chunkLen]entry
	free   uint32 // head of the list of free entries, linked by next
	nextID uint32 // ids from here on were never used; 0 is no id
	count  int
	queues [segCount]queue
	bytes  [segCount]int64
	sketch sketch

	hits, misses, evictions, rejections int64

	_ [64]byte // keeps neighbours' mutexes off this line
}

func (s *shard) init(capacity int64) {
	const startSlots = 64
	s.capacity = capacity
	s.index = make([]uint64, startSlots)
	s.mask = startSlots - 1
	s.nextID = 1
	s.sketch.grow(startSlots)
}

func (s *shard) entry(id uint32) *entry { return &s.chunks[id>>chunkBits][id&(chunkLen-1)] }

func slotOf(tag, id uint32) uint64 { return uint64(tag)<<32 | uint64(id) }

// find returns the id of key's entry, or 0.
func (s *shard) find(tag uint32, key []byte) uint32 {
	for i := tag & s.mask; ; i = (i + 1) & s.mask {
		slot := s.index[i]
		if slot == 0 {
			return 0
		}
		if uint32(slot>>32) == tag {
			if id := uint32(slot); bytes.Equal(s.entry(id).key, key) {
				return id
			}
		}
	}
}

func (s *shard) get(tag uint32, key []byte) ([]byte, bool) {
	s.sketch.add(tag)
	id := s.find(tag, key)
	if id == 0 {
		s.misses++
		return nil, false
	}
	s.hits++
	e := s.entry(id)
	if e.ref < maxRef {
		e.ref++
	}
	return e.row, true
}

func (s *shard) put(tag uint32, key, row []byte) {
	id := s.find(tag, key)
	if id != 0 {
		e := s.entry(id)
		old := e.cost()
		e.row = row
		s.bytes[e.seg] += e.cost() - old
		if e.cost() > s.capacity/maxEntryPart {
			s.remove(id)
			return
		}
	} else {
		e := entry{key: key, row: row, tag: tag, seg: segWindow}
		if e.cost() > s.capacity/maxEntryPart {
			return
		}
		s.sketch.add(tag)
		id = s.alloc()
		*s.entry(id) = e
		s.indexAdd(tag, id)
		s.push(segWindow, id)
		s.count++
	}
	s.makeRoom()
}

// makeRoom evicts until the shard is within its capacity.
func (s *shard) makeRoom() {
	window := s.capacity / windowPart
	for s.bytes[segWindow]+s.bytes[segMain] > s.capacity {
		if s.bytes[segWindow] <= window || s.queues[segWindow].head == 0 {
			s.evict(s.victim())
			continue
		}
		cand := s.queues[segWindow].head
		if s.bytes[segMain]+s.entry(cand).cost() <= s.capacity-window || s.queues[segMain].head == 0 {
			s.move(cand, segMain)
			continue
		}
		// The candidate's bytes must be matched by victims that are all rarer than it.
		if v := s.victim(); s.sketch.count(s.entry(cand).tag) > s.sketch.count(s.entry(v).tag) {
			s.evict(v)
			s.move(cand, segMain)
		} else {
			s.rejections++
			s.evict(cand)
		}
	}
}

// victim turns the main clock to the next entry that was not hit since it last came by. REQUIRES: main is not empty.
func (s *shard) victim() uint32 {
	for range maxSweep {
		id := s.queues[segMain].head
		e := s.entry(id)
		if e.ref == 0 {
			return id
		}
		e.ref--
		s.unlink(id)
		s.push(segMain, id)
	}
	return s.queues[segMain].head
}

func (s *shard) evict(id uint32) {
	s.evictions++
	s.remove(id)
}

func (s *shard) move(id uint32, seg uint8) {
	s.unlink(id)
	e := s.entry(id)
	e.seg, e.ref = seg, 0
	s.push(seg, id)
}

func (s *shard) push(seg uint8, id uint32) {
	q, e := &s.queues[seg], s.entry(id)
	e.seg, e.prev, e.next = seg, q.tail, 0
	if q.tail != 0 {
		s.entry(q.tail).next = id
	} else {
		q.head = id
	}
	q.tail = id
	s.bytes[seg] += e.cost()
}

func (s *shard) unlink(id uint32) {
	e := s.entry(id)
	q := &s.queues[e.seg]
	if e.prev != 0 {
		s.entry(e.prev).next = e.next
	} else {
		q.head = e.next
	}
	if e.next != 0 {
		s.entry(e.next).prev = e.prev
	} else {
		q.tail = e.prev
	}
	s.bytes[e.seg] -= e.cost()
}

func (s *shard) remove(id uint32) {
	s.unlink(id)
	e := s.entry(id)
	s.indexDelete(e.tag, id)
	*e = entry{next: s.free}
	s.free = id
	s.count--
}

func (s *shard) alloc() uint32 {
	if id := s.free; id != 0 {
		s.free = s.entry(id).next
		return id
	}
	id := s.nextID
	if int(id>>chunkBits) == len(s.chunks) {
		s.chunks = append(s.chunks, new([chunkLen]entry))
	}
	s.nextID++
	return id
}

func (s *shard) indexAdd(tag, id uint32) {
	if (s.count+1)*4 > len(s.index)*3 {
		s.growIndex()
	}
	i := tag & s.mask
	for s.index[i] != 0 {
		i = (i + 1) & s.mask
	}
	s.index[i] = slotOf(tag, id)
}

// growIndex doubles the index. Tags are enough to place the slots anew: no entry is touched.
func (s *shard) growIndex() {
	old := s.index
	s.index = make([]uint64, 2*len(old))
	s.mask = uint32(len(s.index) - 1)
	for _, slot := range old {
		if slot == 0 {
			continue
		}
		i := uint32(slot>>32) & s.mask
		for s.index[i] != 0 {
			i = (i + 1) & s.mask
		}
		s.index[i] = slot
	}
	s.sketch.grow(len(s.index))
}

// indexDelete takes the slot out and closes the gap: slots behind it that may not stand behind an empty one move up.
func (s *shard) indexDelete(tag, id uint32) {
	i := tag & s.mask
	for s.index[i] != slotOf(tag, id) {
		i = (i + 1) & s.mask
	}
	for j := i; ; {
		j = (j + 1) & s.mask
		slot := s.index[j]
		if slot == 0 {
			break
		}
		if home := uint32(slot>>32) & s.mask; (j-home)&s.mask >= (j-i)&s.mask {
			s.index[i] = slot
			i = j
		}
	}
	s.index[i] = 0
}
