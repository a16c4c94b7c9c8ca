package main

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rondokv/rondo/engine"
	"github.com/rondokv/rondo/server"
)

// figure is one of the store's numbers, for /metrics and for INFO.
type figure struct {
	name    string // in INFO; in /metrics with rondo_store_ before it
	help    string
	counter bool // else a gauge
	value   func(m engine.Metrics) float64
}

func storeTable() []figure {
	count := func(name, help string, f func(m engine.Metrics) int64) figure {
		return figure{name, help, true, func(m engine.Metrics) float64 { return float64(f(m)) }}
	}
	gauge := func(name, help string, f func(m engine.Metrics) int64) figure {
		return figure{name, help, false, func(m engine.Metrics) float64 { return float64(f(m)) }}
	}
	return []figure{
		count("row_cache_hits_total", "Reads that the row cache answered.", func(m engine.Metrics) int64 { return m.RowCache.Hits }),
		count("row_cache_misses_total", "Reads that the row cache could not answer.", func(m engine.Metrics) int64 { return m.RowCache.Misses }),
		gauge("row_cache_bytes", "Bytes of rows in the row cache.", func(m engine.Metrics) int64 { return m.RowCache.Bytes }),
		gauge("row_cache_entries", "Rows in the row cache.", func(m engine.Metrics) int64 { return m.RowCache.Entries }),
		count("block_cache_hits_total", "Blocks found in the block cache.", func(m engine.Metrics) int64 { return m.BlockCacheHits }),
		count("block_cache_misses_total", "Blocks read from files.", func(m engine.Metrics) int64 { return m.BlockCacheMisses }),
		gauge("block_cache_bytes", "Bytes in the block cache.", func(m engine.Metrics) int64 { return m.BlockCacheBytes }),
		count("applies_total", "Batches of rows stored.", func(m engine.Metrics) int64 { return m.Applies }),
		count("applied_bytes_total", "Bytes of the batches stored.", func(m engine.Metrics) int64 { return m.BytesIn }),
		gauge("memtable_bytes", "Bytes in memory tables.", func(m engine.Metrics) int64 { return m.MemTableBytes }),
		gauge("l0_sublevels", "Sublevels of level 0: how far compactions are behind.", func(m engine.Metrics) int64 { return m.L0Sublevels }),
		gauge("tables", "Table files.", func(m engine.Metrics) int64 { return m.Tables }),
		gauge("table_bytes", "Bytes of table files.", func(m engine.Metrics) int64 { return m.TableBytes }),
		count("compactions_total", "Compactions done.", func(m engine.Metrics) int64 { return m.Compactions }),
		count("flushes_total", "Memory tables written out.", func(m engine.Metrics) int64 { return m.Flushes }),
		gauge("compaction_debt_bytes", "Bytes that compactions still have to rewrite.", func(m engine.Metrics) int64 { return m.CompactionDebtBytes }),
		{"write_amplification", "Bytes written to files for each byte stored.", false, func(m engine.Metrics) float64 { return m.WriteAmp }},
		gauge("read_amplification", "Files that a read may have to look into.", func(m engine.Metrics) int64 { return m.ReadAmp }),
		gauge("wal_bytes", "Bytes of live logs.", func(m engine.Metrics) int64 { return m.WALBytes }),
		count("wal_written_bytes_total", "Bytes written to logs.", func(m engine.Metrics) int64 { return m.WALBytesWritten }),
		count("syncs_total", "Syncs of the log.", func(m engine.Metrics) int64 { return m.Syncs }),
		{"sync_seconds_total", "Time spent in syncs of the log.", true, func(m engine.Metrics) float64 { return m.SyncTime.Seconds() }},
		{"sync_longest_seconds", "Longest sync of the log.", false, func(m engine.Metrics) float64 { return m.MaxSync.Seconds() }},
		gauge("disk_bytes", "Bytes of all files of the store.", func(m engine.Metrics) int64 { return m.DiskBytes }),
		gauge("disk_free_bytes", "Bytes free on the file system.", func(m engine.Metrics) int64 { return m.DiskFreeBytes }),
		gauge("disk_reserve_bytes", "Free bytes below which writes are refused.", func(m engine.Metrics) int64 { return m.DiskReserve }),
		gauge("disk_full", "1 while writes are refused for want of room.", func(m engine.Metrics) int64 { return bit(m.DiskFull) }),
		count("refused_writes_total", "Writes refused for want of room.", func(m engine.Metrics) int64 { return m.Refused }),
		count("quarantined_rows_total", "Reads of rows whose bytes were damaged.", func(m engine.Metrics) int64 { return m.QuarantinedRows }),
		count("damaged_blocks_total", "Blocks found damaged.", func(m engine.Metrics) int64 { return m.DamagedBlocks }),
		gauge("failed", "1 after a failed write or sync: the store takes nothing more.", func(m engine.Metrics) int64 { return bit(m.Failed) }),
	}
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// storeCollector tells Prometheus the store's figures, all of one moment.
type storeCollector struct {
	store *engine.Store
	table []figure
	descs []*prometheus.Desc
}

func newStoreCollector(store *engine.Store) *storeCollector {
	c := &storeCollector{store: store, table: storeTable()}
	for _, f := range c.table {
		c.descs = append(c.descs, prometheus.NewDesc("rondo_store_"+f.name, f.help, nil, nil))
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *storeCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c *storeCollector) Collect(to chan<- prometheus.Metric) {
	m := c.store.Metrics()
	for i, f := range c.table {
		kind := prometheus.GaugeValue
		if f.counter {
			kind = prometheus.CounterValue
		}
		to <- prometheus.MustNewConstMetric(c.descs[i], kind, f.value(m))
	}
}

// storeFigures are the same figures for INFO.
// startFigures tells what the start found of the stop before it.
func startFigures(store *engine.Store) []server.Figure {
	r := store.Recovery()
	stop := "unclean"
	switch {
	case r.Fresh:
		stop = "none"
	case store.WasClean():
		stop = "clean"
	}
	return []server.Figure{
		{Name: "store_last_stop", Value: stop},
		{Name: "store_torn_tail", Value: strconv.FormatBool(r.TornTail)},
		{Name: "store_lost_rows_accepted", Value: strconv.FormatBool(r.TruncatedLog || r.DamagedLog)},
	}
}

func storeFigures(m engine.Metrics) []server.Figure {
	table := storeTable()
	out := make([]server.Figure, len(table))
	for i, f := range table {
		out[i] = server.Figure{Name: "store_" + f.name, Value: strconv.FormatFloat(f.value(m), 'f', -1, 64)}
	}
	return out
}
