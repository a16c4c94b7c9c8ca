package engine

import (
	"errors"
	"runtime"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
)

// paceSlice is how long a flush or a compaction computes between two yields. Go's scheduler would let it have a processor
// for 10 ms at a time, which the commands that wait for that processor see as their latency.
const paceSlice = time.Millisecond

// pacer is a block property collector that collects nothing: Pebble calls it on the goroutine that writes a table, once
// a block, which is the one place where that goroutine can be asked to let others run.
type pacer struct{ yielded time.Time }

var errNoSuffix = errors.New("engine: keys have no suffixes")

func newPacer() pebble.BlockPropertyCollector { return &pacer{yielded: time.Now()} }

// FinishDataBlock yields once a slice.
func (p *pacer) FinishDataBlock(buf []byte) ([]byte, error) {
	if time.Since(p.yielded) > paceSlice {
		runtime.Gosched()
		p.yielded = time.Now()
	}
	return buf, nil
}

// The rest of the interface has nothing to do.

// Name implements pebble.BlockPropertyCollector; it is written into tables.
func (p *pacer) Name() string { return "rondo.pace" }

// AddPointKey implements pebble.BlockPropertyCollector.
func (p *pacer) AddPointKey(pebble.InternalKey, []byte) error { return nil }

// AddRangeKeys implements pebble.BlockPropertyCollector.
func (p *pacer) AddRangeKeys(sstable.Span) error { return nil }

// AddCollectedWithSuffixReplacement implements pebble.BlockPropertyCollector.
func (p *pacer) AddCollectedWithSuffixReplacement(_, _, _ []byte) error { return errNoSuffix }

// SupportsSuffixReplacement implements pebble.BlockPropertyCollector.
func (p *pacer) SupportsSuffixReplacement() bool { return false }

// AddPrevDataBlockToIndexBlock implements pebble.BlockPropertyCollector.
func (p *pacer) AddPrevDataBlockToIndexBlock() {}

// FinishIndexBlock implements pebble.BlockPropertyCollector.
func (p *pacer) FinishIndexBlock(buf []byte) ([]byte, error) { return buf, nil }

// FinishTable implements pebble.BlockPropertyCollector.
func (p *pacer) FinishTable(buf []byte) ([]byte, error) { return buf, nil }
