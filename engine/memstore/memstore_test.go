package memstore_test

import (
	"math/rand/v2"
	"testing"

	"github.com/rondokv/rondo/engine/enginetest"
	"github.com/rondokv/rondo/engine/memstore"
)

// reopened is a store whose Close keeps the rows for the next Open.
type reopened struct {
	*memstore.Locked
	next **memstore.Store
}

func (r reopened) Close() error {
	err := r.Sync()
	*r.next = r.Crash(0)
	return err
}

func TestConformance(t *testing.T) {
	enginetest.Run(t, func(*testing.T) *enginetest.Harness {
		next := memstore.New()
		var open *memstore.Locked
		return &enginetest.Harness{
			Open: func() enginetest.Store {
				open = memstore.WithLock(next)
				return reopened{open, &next}
			},
			Crash: func(seed uint64) {
				keep := 0
				if seed%4 != 0 {
					keep = rand.New(rand.NewPCG(seed, 0)).IntN(40)
				}
				next = open.Crash(keep)
			},
			WaitSyncs: true,
		}
	})
}
