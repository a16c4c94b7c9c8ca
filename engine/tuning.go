package engine

import (
	"runtime"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
)

func defaultCompactions() int { return min(4, max(1, runtime.GOMAXPROCS(0)/2)) }

// Tuning: every figure is argued in docs/design/storage.md.
const (
	bloomBitsAKey  = 10
	blockSize      = 8 << 10
	indexBlockSize = 64 << 10
	memTables      = 3 // one filling, one flushing, one ready: above that writes wait
	l0Compaction   = 8
	l0Stop         = 20
	levelBase      = 64 << 20
	tableL0        = 4 << 20
	tableMax       = 64 << 20
	// dropDelay is how long the drop of a range may rest in a memtable. Its room comes back only once it is in a table, and a
	// node that was flushed and is idle would never fill the memtable.
	dropDelay = time.Second
)

// pebbleOptions returns the options of a store. The caller adds FS and cache.
func (s *Store) pebbleOptions() *pebble.Options {
	o := &pebble.Options{
		FS:                          s.fs,
		Comparer:                    pebble.DefaultComparer,
		FormatMajorVersion:          pebble.FormatNewest,
		MemTableSize:                uint64(s.opts.MemTableBytes),
		MemTableStopWritesThreshold: memTables,
		L0CompactionThreshold:       l0Compaction,
		L0StopWritesThreshold:       l0Stop,
		LBaseMaxBytes:               levelBase,
		MaxOpenFiles:                s.opts.MaxOpenFiles,
		BytesPerSync:                1 << 20,
		FlushSplitBytes:             tableL0,
		FlushDelayDeleteRange:       dropDelay,
		CacheSize:                   s.opts.BlockCacheBytes + memTables*s.opts.MemTableBytes, // Pebble takes memtables out of it
		BlockPropertyCollectors:     []func() pebble.BlockPropertyCollector{newPacer},
		CompactionConcurrencyRange:  func() (int, int) { return 1, s.opts.Compactions },
		Logger:                      pebbleLog{latch: s.latch, log: s.opts.Log},
		EventListener: &pebble.EventListener{
			BackgroundError: func(err error) { s.complain.say("pebble: " + err.Error()) },
			DataCorruption:  func(i pebble.DataCorruptionInfo) { s.damagedBlock(i.Path, i.Details) },
		},
	}
	size := int64(tableL0)
	for i := range o.Levels {
		l := &o.Levels[i]
		l.BlockSize = blockSize
		l.IndexBlockSize = indexBlockSize
		l.FilterPolicy = bloom.FilterPolicy(bloomBitsAKey)
		o.TargetFileSizes[i] = size
		size = min(2*size, tableMax)
		l.Compression = levelCompression(i, len(o.Levels))
	}
	return o
}

// levelCompression: rows on the way down are rewritten soon, so the upper levels use what costs least; nine tenths of the
// data rest at the bottom, where zstd pays for itself once.
func levelCompression(level, levels int) func() *sstable.CompressionProfile {
	if level < levels-1 {
		return func() *sstable.CompressionProfile { return sstable.FastestCompression }
	}
	return func() *sstable.CompressionProfile { return sstable.BalancedCompression }
}
