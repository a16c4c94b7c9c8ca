package object

import "encoding/binary"

// HintPrefixLen is the length of what comes before a row's own engine key in the key of a hint.
const HintPrefixLen = 1 + 8

// AppendHintPrefix appends what the engine keys of a node's hints begin with; the engine key of the row follows.
func AppendHintPrefix(dst []byte, target NodeID) []byte {
	return binary.BigEndian.AppendUint64(append(dst, SpaceHint), uint64(target))
}

// ParseHintPrefix returns for which node a hint is kept, by its engine key; false when it is not a hint's.
func ParseHintPrefix(key []byte) (NodeID, bool) {
	if len(key) < HintPrefixLen || key[0] != SpaceHint {
		return 0, false
	}
	return NodeID(binary.BigEndian.Uint64(key[1:])), true
}
