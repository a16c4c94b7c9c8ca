package rowcache

// slotAt returns the index slot of a record that is in the index, by its location.
func (s *shard) slotAt(tag, loc uint32) uint32 {
	i := tag & s.mask
	for s.index[i] != slotOf(tag, loc) {
		i = (i + 1) & s.mask
	}
	return i
}

func (s *shard) indexAdd(tag, loc uint32) {
	s.count++
	if s.count*4 > len(s.index)*3 {
		s.growIndex()
	}
	i := tag & s.mask
	for s.index[i] != 0 {
		i = (i + 1) & s.mask
	}
	s.index[i] = slotOf(tag, loc)
}

// growIndex doubles the index. Tags are enough to place the slots anew: no record is touched.
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

// indexDelete takes slot i out and closes the gap: slots behind it that may not stand behind an empty one move up.
func (s *shard) indexDelete(i uint32) {
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
