package engine

import (
	"errors"

	"github.com/rondokv/rondo/engine/object"
)

// Identity returns who this node is: its id for life, this start's incarnation, and the cluster's hash secret.
func (s *Store) Identity() (object.NodeID, object.Incarnation, object.Secret) {
	return s.start.Node, s.start.Incarnation, s.start.Secret
}

// Ceiling returns the clock ceiling as read at Open: above every stamp that this node ever issued.
func (s *Store) Ceiling() object.HLC { return s.start.Ceiling }

// RaiseCeiling makes h the ceiling, durable when it returns. A lower ceiling than the present one changes nothing.
func (s *Store) RaiseCeiling(h object.HLC) error {
	if err := s.refuse(); err != nil {
		return err
	}
	if s.id.get().Ceiling >= h {
		return nil
	}
	return s.id.update(func(id *identity) { id.Ceiling = max(id.Ceiling, h) })
}

// WasClean reports whether the last Close finished: what was derived from the rows and saved then is still true.
func (s *Store) WasClean() bool { return s.wasClean }

// Recovery says what Open found.
func (s *Store) Recovery() Recovery { return s.recovery }

// Close makes everything durable and gives the directory up. Callers have returned from all other methods before.
func (s *Store) Close() error { return s.CloseAt(0) }

// CloseAt is Close, and records last, if it is not 0, as the exact last stamp issued, in place of the ceiling above it.
func (s *Store) CloseAt(last object.HLC) error {
	if s.closed.Load() {
		return ErrClosed
	}
	err := s.Sync()
	if !s.closed.CompareAndSwap(false, true) {
		return ErrClosed
	}
	close(s.stop)
	if err == nil {
		s.wg.Wait()
		err = s.db.Close()
	}
	if s.cache != nil {
		s.cache.Close()
	}
	if err == nil {
		_, err = s.fs.logs.sync()
	} else {
		// After a failure Pebble may stand for good with its locks held: it is not closed, nobody who may be in it is
		// waited for. Nothing that they do can be acknowledged.
		s.fs.logs.abandon()
	}
	if err == nil {
		err = s.id.update(func(id *identity) {
			id.Flags |= flagClean
			if last != 0 {
				id.Ceiling = last
			}
		})
	}
	return errors.Join(err, s.id.close(), s.lock.Close())
}
