package command

import (
	"maps"

	"github.com/rondokv/rondo/engine/object"
)

// Limits are the settings that operations depend on.
type Limits struct {
	// MaxString is the greatest length in bytes that APPEND and SETRANGE may make: proto-max-bulk-len.
	MaxString int64
	// OneDatabase says that clients of the table see a cluster, which has database 0 only: COPY refuses others.
	OneDatabase bool
}

// DefaultLimits are those of Redis.
func DefaultLimits() Limits { return Limits{MaxString: 512 << 20} }

// New returns the parsers of all commands on keys, by name in lower case; subcommands as "object|encoding".
func New(l Limits) map[string]Parser {
	table := make(map[string]Parser, 64)
	for _, family := range []map[string]Parser{
		readParsers(), setParsers(), editParsers(l), counterParsers(),
		keyParsers(), moveParsers(l), expireParsers(), inspectParsers(),
	} {
		maps.Copy(table, family)
	}
	return table
}

// oneKey is the read set of an operation on one key. The array saves an allocation.
type oneKey struct {
	keys [1]object.KeyRef
}

func onKey(name []byte, db uint8) oneKey {
	return oneKey{keys: [1]object.KeyRef{{DB: db, Name: name}}}
}

// Reads implements Op.
func (o *oneKey) Reads() object.ReadSet { return object.ReadSet{Keys: o.keys[:]} }
