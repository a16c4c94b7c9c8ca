package object

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/dchest/siphash"
)

// Slot is a hash slot of Redis Cluster, 0..16383.
type Slot uint16

// SlotCount is how many slots there are.
const SlotCount = 16384

// DBCount is how many numbered databases a key can be in (SELECT 0..15).
const DBCount = 16

// KeyRef names one key of one database.
type KeyRef struct {
	DB   uint8
	Name []byte
}

// Write is one change to the rows of a store: the row under Key becomes Row; a nil Row lets it go.
type Write struct {
	Key []byte
	Row []byte
}

// Commit is a batch that a store has taken and made visible. Wait returns once it is as durable as the store's policy
// says; it is called once at most: the Wait of a later batch of the same store stands for those before it.
type Commit interface {
	Wait() error
}

// Spaces of the engine's keys, by first byte.
const (
	SpaceData  = 'd'
	SpaceHint  = 'h'
	SpaceState = 'm'
)

// HashBits is the width of a key's place within its slot: a SCAN cursor is slot<<HashBits | place, below 2^53.
const HashBits = 38

// Secret is the cluster's hash secret: it keeps clients from choosing where their keys sort.
type Secret struct{ K0, K1 uint64 }

// Place returns the key's place within its slot, a HashBits wide keyed hash (SipHash-2-4).
func (s Secret) Place(name []byte) uint64 {
	return siphash.Hash(s.K0, s.K1, name) >> (64 - HashBits)
}

// ErrRowKey reports bytes that are not a data row's key.
var ErrRowKey = errors.New("object: not a row key")

const rowKeyFixed = 1 + 2 + 1 + 5 // space, slot, db, place

// AppendRowKey appends the engine's key of (ref, sub): see the package comment for the bytes. An empty sub is the key row.
func AppendRowKey(dst []byte, secret Secret, slot Slot, ref KeyRef, sub []byte) []byte {
	return appendNamed(AppendScanKey(dst, slot, ref.DB, secret.Place(ref.Name)), ref.Name, sub)
}

func appendNamed(dst, name, sub []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(name)))
	dst = append(dst, name...)
	return append(dst, sub...)
}

// RowKeyLen returns a bound on the length of ref's key row's engine key, in bytes, good for one allocation.
func RowKeyLen(ref KeyRef) int { return rowKeyFixed + binary.MaxVarintLen32 + len(ref.Name) }

// AppendScanKey appends the least engine key of a database's rows in a slot from place on: where a SCAN goes on.
func AppendScanKey(dst []byte, slot Slot, db uint8, place uint64) []byte {
	return append(dst, SpaceData, byte(slot>>8), byte(slot), db,
		byte(place>>32), byte(place>>24), byte(place>>16), byte(place>>8), byte(place))
}

// AppendSlotKey appends the least engine key of a slot; slot SlotCount gives the end of the data space.
func AppendSlotKey(dst []byte, slot uint16) []byte {
	return append(dst, SpaceData, byte(slot>>8), byte(slot))
}

// AppendDatabaseKey appends the engine's key of the database row of the partition that starts at slot: it holds the
// database's cleared there and sorts before every key of the database, for it has no name.
func AppendDatabaseKey(dst []byte, first Slot, db uint8) []byte {
	return append(dst, SpaceData, byte(first>>8), byte(first), db)
}

// RowKey is an engine key taken apart. Name and Sub point into the bytes that were parsed.
type RowKey struct {
	Slot  Slot
	Ref   KeyRef
	Place uint64
	Sub   []byte
	// Database is set for a database row: Ref.Name, Place and Sub are empty then.
	Database bool
}

// ParseRowKey takes apart what AppendRowKey and AppendDatabaseKey make.
func ParseRowKey(b []byte) (RowKey, error) {
	if len(b) < 4 || b[0] != SpaceData {
		return RowKey{}, fmt.Errorf("%w: %d bytes", ErrRowKey, len(b))
	}
	k := RowKey{Slot: Slot(binary.BigEndian.Uint16(b[1:])), Ref: KeyRef{DB: b[3]}}
	if len(b) == 4 {
		k.Database = true
		return k, nil
	}
	if len(b) < rowKeyFixed+1 {
		return RowKey{}, fmt.Errorf("%w: %d bytes", ErrRowKey, len(b))
	}
	k.Place = uint64(b[4])<<32 | uint64(binary.BigEndian.Uint32(b[5:]))
	n, w := binary.Uvarint(b[rowKeyFixed:])
	rest := len(b) - rowKeyFixed - w
	if w <= 0 || n > uint64(rest) || (w > 1 && b[rowKeyFixed+w-1] == 0) {
		return RowKey{}, fmt.Errorf("%w: bad name length", ErrRowKey)
	}
	k.Ref.Name = b[rowKeyFixed+w : rowKeyFixed+w+int(n)]
	k.Sub = b[rowKeyFixed+w+int(n):]
	return k, nil
}
