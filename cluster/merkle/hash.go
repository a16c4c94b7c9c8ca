package merkle

import "github.com/dchest/siphash"

// Secret is the cluster's hash secret.
type Secret struct{ K0, K1 uint64 }

// Hasher makes the hashes of rows. It is a value, good for any number of goroutines.
type Hasher struct{ k0, k1 uint64 }

// NewHasher returns the hasher of a cluster. Its key is derived from the secret, so that hashes of rows tell nothing of
// places and digests, which are made with the secret itself.
func NewHasher(s Secret) Hasher {
	k0, k1 := siphash.Hash128(s.K0, s.K1, []byte("rondo merkle row 1"))
	return Hasher{k0: k0, k1: k1}
}

// Row begins the hash of the row under an engine key: space, slot, database, place, name and sub in one. The key is not
// kept.
func (h Hasher) Row(key []byte) Row {
	k0, k1 := siphash.Hash128(h.k0, h.k1, key)
	return Row{k0: k0, k1: k1}
}

// RowHash is Row and Hash in one.
func (h Hasher) RowHash(key, canonical []byte) uint64 { return h.Row(key).Hash(canonical) }

// Row hashes versions of one row: the key of the first hash's making is the key of the second. No bytes of a row's name
// can pass for bytes of its content.
type Row struct{ k0, k1 uint64 }

// Hash returns the hash of one version, never 0. No bytes at all mean that there is no row: that gives 0, as does nothing
// else.
func (r Row) Hash(canonical []byte) uint64 {
	if len(canonical) == 0 {
		return 0
	}
	return max(siphash.Hash(r.k0, r.k1, canonical), 1)
}

// Tail returns what tells rows of one place apart: a keyed hash of the row's name, whatever its content.
func (r Row) Tail() uint32 { return uint32(r.k0 >> (64 - TailBits)) }
