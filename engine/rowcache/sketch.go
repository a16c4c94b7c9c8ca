package rowcache

// sketch counts how often tags were seen of late: a count-min sketch of 4-bit counters. The four counters of a tag are in
// one block of 64 bytes, so that a look costs one cache line.
type sketch struct {
	blocks [][8]uint64
	mask   uint32
	seen   int // since the counters were last halved
}

const (
	countersABlock = 128
	maxCount       = 15
	// After this many sightings a counter-row the counts are halved, so that old fame fades.
	samplePart = 10
)

// grow makes room for about n tags. Counts are kept: a block's tags stay in it or in its new twin.
func (k *sketch) grow(n int) {
	want := max(1, n*4/countersABlock)
	blocks := make([][8]uint64, want)
	for i := range blocks {
		if len(k.blocks) > 0 {
			blocks[i] = k.blocks[i&(len(k.blocks)-1)]
		}
	}
	k.blocks = blocks
	k.mask = uint32(want - 1)
}

// place returns the tag's block and a hash that chooses its counters: bits 0-3 of each byte pick the counter in a word.
func (k *sketch) place(tag uint32) (*[8]uint64, uint32) {
	h := tag * 0x9e3779b1
	h ^= h >> 15
	return &k.blocks[h&k.mask], h * 0x85ebca77
}

func (k *sketch) add(tag uint32) {
	b, h := k.place(tag)
	for row := range 4 {
		word := &b[row*2+int(h>>31)]
		shift := (h >> 24 & 15) * 4
		if *word>>shift&maxCount < maxCount {
			*word += 1 << shift
		}
		h = h<<8 | h>>24
	}
	k.seen++
	if k.seen >= samplePart*len(k.blocks)*countersABlock/4 {
		k.halve()
	}
}

func (k *sketch) count(tag uint32) uint64 {
	b, h := k.place(tag)
	least := uint64(maxCount)
	for row := range 4 {
		least = min(least, b[row*2+int(h>>31)]>>((h>>24&15)*4)&maxCount)
		h = h<<8 | h>>24
	}
	return least
}

func (k *sketch) halve() {
	for i := range k.blocks {
		for j := range k.blocks[i] {
			k.blocks[i][j] = k.blocks[i][j] >> 1 & 0x7777777777777777
		}
	}
	k.seen = 0
}
