package engine

import (
	"errors"

	"github.com/rondokv/rondo/engine/object"
)

// ErrHasRows is why a directory keeps its secret: its rows lie where that secret has put them.
var ErrHasRows = errors.New("engine: the directory holds rows")

// SetSecret gives a directory without rows another secret, durable when it returns: that of the cluster that the node is admitted
// to. REQUIRES: nobody else uses the store.
func (s *Store) SetSecret(secret object.Secret) error {
	if err := s.refuse(); err != nil {
		return err
	}
	if s.start.Secret == secret {
		return nil
	}
	rows, err := s.HasRows()
	if err != nil {
		return err
	}
	if rows {
		return ErrHasRows
	}
	if err := s.id.update(func(id *identity) { id.Secret = secret }); err != nil {
		return err
	}
	s.start.Secret = secret
	return nil
}

// HasRows reports whether the directory holds rows, or rows kept for other nodes.
func (s *Store) HasRows() (some bool, err error) {
	for _, space := range []byte{object.SpaceData, object.SpaceHint} {
		err := s.Scan([]byte{space}, []byte{space + 1}, func(_, _ []byte) bool {
			some = true
			return false
		})
		if err != nil || some {
			return some, err
		}
	}
	return false, nil
}
