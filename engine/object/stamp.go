package object

import (
	"cmp"
	"fmt"
)

// HLC is a hybrid logical clock reading (Kulkarni et al., "Logical Physical Clocks", 2014): 48 bits of milliseconds since
// the Unix epoch, then a 16-bit counter.
type HLC uint64

const hlcCounterBits = 16

// MaxMillis is the greatest time an HLC can hold, in ms since the Unix epoch (the year 10889).
const MaxMillis = 1<<48 - 1

// HLCOf returns the first reading of millisecond ms.
func HLCOf(ms int64) HLC { return HLC(clampMillis(ms)) << hlcCounterBits }

// LastOf returns the last reading of millisecond ms: what an expiry at ms clears up to.
func LastOf(ms int64) HLC { return HLC(clampMillis(ms))<<hlcCounterBits | (1<<hlcCounterBits - 1) }

// Millis returns the reading's physical part, ms since the Unix epoch.
func (h HLC) Millis() int64 { return int64(h >> hlcCounterBits) }

func clampMillis(ms int64) uint64 {
	switch {
	case ms < 0:
		return 0
	case ms > MaxMillis:
		return MaxMillis
	}
	return uint64(ms)
}

// NodeID names a node for its whole life: 64 random bits, drawn once when its directory is made, never 0.
type NodeID uint64

// Incarnation is one life of a node's memory: greater at every start and after every loss of a row.
type Incarnation uint64

// Stamp is the place of one write in the order of all writes. The zero Stamp is before all others.
type Stamp struct {
	HLC  HLC
	Node NodeID
	Inc  Incarnation
}

// Compare orders stamps totally: by hlc, then node, then incarnation.
func (s Stamp) Compare(t Stamp) int {
	if s.HLC != t.HLC {
		return cmp.Compare(s.HLC, t.HLC)
	}
	if s.Node != t.Node {
		return cmp.Compare(s.Node, t.Node)
	}
	return cmp.Compare(s.Inc, t.Inc)
}

// Before reports whether s comes before t.
func (s Stamp) Before(t Stamp) bool { return s.Compare(t) < 0 }

// IsZero reports whether s is no stamp at all.
func (s Stamp) IsZero() bool { return s == Stamp{} }

// Below returns the stamp next below s in the total order: what a write clears up to so that all before it goes and
// itself stays. REQUIRES: s is a stamp that a node issued, so its incarnation is not 0.
func (s Stamp) Below() Stamp {
	s.Inc--
	return s
}

// Tick returns the stamp n ticks after s, from the same node and incarnation: the n-th command of a transaction.
func (s Stamp) Tick(n int) Stamp {
	s.HLC += HLC(n)
	return s
}

// String formats s for people: ms.counter@node/incarnation.
func (s Stamp) String() string {
	return fmt.Sprintf("%d.%d@%016x/%x", s.HLC.Millis(), uint16(s.HLC), uint64(s.Node), uint64(s.Inc))
}

// MaxOf returns the later of two stamps.
func MaxOf(a, b Stamp) Stamp {
	if a.Before(b) {
		return b
	}
	return a
}
