package bench

import (
	"encoding/binary"
	"math/rand/v2"
)

const (
	// poolBytes is much more than a block compressor looks back over, so that
	// the random bytes of two values in one block hardly ever coincide.
	poolBytes = 8 << 20
	// poolStretch is how often random bytes and filler take turns.
	poolStretch = 128
)

// filler is what the compressible part of a value repeats.
const filler = `{"name":"rondo","kind":"bench","state":"ok"},`

// values cuts values from a pool. One goroutine uses it; the pool is read only
// and shared.
type values struct {
	pool     []byte
	min, max int
	rng      *rand.Rand
}

// newPool returns bytes enough to cut the values of o from. In each stretch the
// share o.Compressible is text that every stretch repeats.
func newPool(o Options) []byte {
	rng := rand.New(rand.NewPCG(o.Seed, 0x76616c7565))
	pool := make([]byte, poolBytes+o.ValueMax+8)
	for i := 0; i+8 <= len(pool); i += 8 {
		binary.LittleEndian.PutUint64(pool[i:], rng.Uint64())
	}
	text := int(poolStretch*o.Compressible + 0.5)
	for i := 0; i < len(pool); i += poolStretch {
		stretch := pool[i:min(i+text, len(pool))]
		for len(stretch) > 0 {
			stretch = stretch[copy(stretch, filler):]
		}
	}
	return pool
}

func newValues(o Options, pool []byte, rng *rand.Rand) *values {
	return &values{pool: pool, min: o.ValueMin, max: o.ValueMax, rng: rng}
}

// next returns a value, valid for ever. The caller never changes it.
func (v *values) next() []byte {
	size := v.min
	if v.max > v.min {
		size += v.rng.IntN(v.max - v.min + 1)
	}
	at := v.rng.IntN(poolBytes)
	return v.pool[at : at+size : at+size]
}
