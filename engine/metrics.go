package engine

import (
	"time"

	"github.com/rondokv/rondo/engine/rowcache"
)

// Metrics are the store's figures at one moment. Counters count since Open.
type Metrics struct {
	RowCache rowcache.Metrics

	BlockCacheHits, BlockCacheMisses, BlockCacheBytes int64

	Applies, BytesIn int64 // batches and their bytes
	DiskReads        int64 // Gets that the row cache could not answer

	MemTableBytes, MemTables int64
	L0Tables, L0Sublevels    int64
	Tables, TableBytes       int64 // live tables
	Compactions, Flushes     int64
	CompactionDebtBytes      int64
	WriteAmp                 float64
	ReadAmp                  int64
	WALFiles, WALBytes       int64 // live logs
	WALBytesWritten          int64
	DiskBytes                int64 // all files of the store
	TableCacheTables         int64

	Syncs             int64 // fsyncs of the log
	SyncTime, MaxSync time.Duration

	QuarantinedRows, DamagedBlocks int64

	DiskFull      bool
	DiskFreeBytes int64
	DiskReserve   int64
	Refused       int64 // writes refused for want of room

	Failed bool // a write or fsync failed: the store takes nothing more
}

// Metrics reads the figures. It takes Pebble's lock for some microseconds: once a second is fine, once a command is not.
func (s *Store) Metrics() Metrics {
	if s.closed.Load() {
		return Metrics{}
	}
	if s.latch.err() != nil { // Pebble may stand with its lock held
		return Metrics{Failed: true, QuarantinedRows: s.stats.quarantined.Load(), DamagedBlocks: s.damaged.Load()}
	}
	p := s.db.Metrics()
	m := Metrics{
		BlockCacheHits: p.BlockCache.Hits, BlockCacheMisses: p.BlockCache.Misses, BlockCacheBytes: p.BlockCache.Size,
		Applies: s.stats.applies.Load(), BytesIn: s.stats.bytesIn.Load(), DiskReads: s.stats.diskReads.Load(),
		MemTableBytes: int64(p.MemTable.Size), MemTables: p.MemTable.Count,
		L0Tables: p.Levels[0].TablesCount, L0Sublevels: int64(p.Levels[0].Sublevels),
		Compactions: p.Compact.Count, Flushes: p.Flush.Count, CompactionDebtBytes: int64(p.Compact.EstimatedDebt),
		ReadAmp:  int64(p.ReadAmp()),
		WALFiles: p.WAL.Files, WALBytes: int64(p.WAL.Size), WALBytesWritten: s.fs.stats.walBytes.Load(),
		DiskBytes: int64(p.DiskSpaceUsage()), TableCacheTables: p.FileCache.TableCount,
		Syncs: s.fs.stats.syncs.Load(), SyncTime: time.Duration(s.fs.stats.nanos.Load()),
		MaxSync:         time.Duration(s.fs.stats.maxNanos.Load()),
		QuarantinedRows: s.stats.quarantined.Load(), DamagedBlocks: s.damaged.Load(),
		DiskFull: s.disk.full.Load(), DiskFreeBytes: s.disk.free.Load(), DiskReserve: s.disk.reserve,
		Refused: s.stats.refused.Load(),
	}
	total := p.Total()
	m.Tables, m.TableBytes, m.WriteAmp = total.TablesCount, total.TablesSize, total.WriteAmp()
	if s.cache != nil {
		m.RowCache = s.cache.Metrics()
	}
	return m
}
