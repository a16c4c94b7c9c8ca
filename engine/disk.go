package engine

import (
	"fmt"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// diskGauge keeps writes from filling the disk. It asks the file system every recheckBytes written, and from the
// background once a sync interval; in between it counts what was written as if all of it took room.
type diskGauge struct {
	fs      vfs.FS
	dir     string
	reserve int64

	free    atomic.Int64 // as last read
	spent   atomic.Int64 // written since
	full    atomic.Bool
	checked atomic.Int64 // how often the file system was asked
}

// recheckBytes bounds how far the count can be off.
const recheckBytes = 4 << 20

func newDiskGauge(fs vfs.FS, dir string, reserve int64) *diskGauge {
	d := &diskGauge{fs: fs, dir: dir, reserve: reserve}
	d.check()
	return d
}

// admit reports whether size bytes may be written. Writes that free room are refused only in the last quarter of the
// reserve, which stays for Pebble itself: log rotation and the compactions that give room back.
func (d *diskGauge) admit(size int64, freeing bool) error {
	if d.reserve < 0 {
		return nil
	}
	if spent := d.spent.Add(size); spent >= recheckBytes {
		d.check()
	}
	floor := d.reserve
	if freeing {
		floor /= 4
	} else if !d.full.Load() && d.free.Load()-d.spent.Load() >= floor {
		return nil
	}
	free := d.free.Load() - d.spent.Load()
	if free >= floor && (freeing || !d.full.Load()) {
		return nil
	}
	if !freeing {
		d.full.Store(true)
	}
	d.spent.Add(-size)
	return fmt.Errorf("%w: %d MiB left at %s, %d MiB are kept in reserve", ErrDiskFull, free>>20, d.dir, floor>>20)
}

// check asks the file system. The store counts as full until an eighth more than the reserve is free, so that it does not
// flicker.
func (d *diskGauge) check() {
	if d.reserve < 0 {
		return
	}
	d.spent.Store(0)
	d.checked.Add(1)
	u, err := d.fs.GetDiskUsage(d.dir)
	if err != nil { // a file system that cannot tell has no limit that could be kept
		d.free.Store(1 << 62)
		d.full.Store(false)
		return
	}
	free := int64(min(u.AvailBytes, 1<<62))
	d.free.Store(free)
	switch {
	case free < d.reserve:
		d.full.Store(true)
	case free >= d.reserve+d.reserve/8:
		d.full.Store(false)
	}
}

// noRoom is told that a write found the disk full.
func (d *diskGauge) noRoom() {
	if d.reserve >= 0 {
		d.full.Store(true)
	}
}
