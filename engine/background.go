package engine

import "time"

// runSync is the background: once an interval it syncs the log and moves the mark (but under No, where only rotated logs
// are synced), and looks at the disk. It ends when stop is closed.
func (s *Store) runSync() {
	defer s.wg.Done()
	tick := time.NewTicker(s.opts.SyncInterval)
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-s.fs.logs.poke: // a log was rotated: sync it and close it
			_, _ = s.fs.logs.sync() // an error has latched
		case <-tick.C:
			s.disk.check()
			if s.opts.Durability != No && s.marker.dirty.Load() {
				s.mark()
			}
		}
	}
}

// mark syncs at once, then moves the mark in a goroutine-free second step: the commit of the marker row may have to wait
// for room in the memtables, the sync of what was acknowledged may not.
func (s *Store) mark() {
	if _, err := s.fs.logs.sync(); err != nil {
		return
	}
	select {
	case s.markWanted <- struct{}{}:
	default:
	}
}

// runMark moves the high-water mark when asked.
func (s *Store) runMark() {
	defer s.wg.Done()
	for {
		select {
		case <-s.stop:
			return
		case <-s.markWanted:
			_ = s.Sync() // an error has latched
		}
	}
}
