package quorum

import "strconv"

// MaxReplicas is the longest preference list, and so the greatest numeric level.
const MaxReplicas = 16

// Level is how many replicas an operation needs. The values 1 to MaxReplicas are as many home replicas; 0 is no level,
// which whoever looks for one through several sources can use as "not said here".
type Level uint8

// The named levels.
const (
	One   Level = 1
	Two   Level = 2
	Three Level = 3
	// Named levels start above any number.
	Any Level = iota + 0x80
	Quorum
	All
	LocalOne
	LocalQuorum
	EachQuorum
)

// Majority is the least number of n whose sets all meet: 1 of 1, 2 of 2 and 3, 3 of 4 and 5.
func Majority(n int) int { return n/2 + 1 }

// String is the level as Parse reads it.
func (l Level) String() string {
	switch l {
	case Any:
		return "ANY"
	case One:
		return "ONE"
	case Two:
		return "TWO"
	case Three:
		return "THREE"
	case Quorum:
		return "QUORUM"
	case All:
		return "ALL"
	case LocalOne:
		return "LOCAL_ONE"
	case LocalQuorum:
		return "LOCAL_QUORUM"
	case EachQuorum:
		return "EACH_QUORUM"
	}
	if l.isNumber() {
		return strconv.Itoa(int(l))
	}
	return "no level"
}

func (l Level) isNumber() bool { return l >= 1 && l <= MaxReplicas }

// Valid says whether l is a level at all.
func (l Level) Valid() bool { return l.isNumber() || (l >= Any && l <= EachQuorum) }

// Majority says whether whatever satisfies l, strictly, is a majority of n home replicas: QUORUM or above.
func (l Level) Majority(n int) bool {
	switch l {
	case Quorum, All, EachQuorum: // majorities of all parts are one of the whole
		return true
	}
	return l.isNumber() && int(l) >= Majority(n)
}

// need is how many of n l asks for, n being the home replicas of a list or, for the levels by datacenter, those of one.
func (l Level) need(n int) int {
	switch l {
	case Any, LocalOne:
		return 1
	case Quorum, LocalQuorum, EachQuorum:
		return Majority(n)
	case All:
		return n
	}
	return int(l)
}

// Choice is a level and whether fallbacks count toward it.
type Choice struct {
	Level  Level
	Sloppy bool
}

const sloppySuffix = "/SLOPPY"

// String is the choice as Parse reads it.
func (c Choice) String() string {
	if c.Sloppy {
		return c.Level.String() + sloppySuffix
	}
	return c.Level.String()
}

// Parse reads a level as clients write it, in any case: "ONE", "quorum", "3", "ONE/SLOPPY". The error is ErrLinear or a
// *ParseError.
func Parse[T string | []byte](text T) (Choice, error) {
	// As long as the longest.
	var upper [len("LOCAL_QUORUM" + sloppySuffix)]byte
	if len(text) > len(upper) {
		return Choice{}, newParseError(string(text[:min(len(text), maxEcho)]))
	}
	for i := range len(text) {
		c := text[i]
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		upper[i] = c
	}
	word, sloppy := upper[:len(text)], false
	if n := len(word) - len(sloppySuffix); n >= 0 && string(word[n:]) == sloppySuffix {
		word, sloppy = word[:n], true
	}
	if string(word) == "LINEAR" {
		return Choice{}, ErrLinear
	}
	level := parseLevel(word)
	if level == 0 {
		return Choice{}, newParseError(string(text))
	}
	return Choice{Level: level, Sloppy: sloppy}, nil
}

// parseLevel returns 0 for what is no level.
func parseLevel(word []byte) Level {
	switch string(word) {
	case "ANY":
		return Any
	case "ONE":
		return One
	case "TWO":
		return Two
	case "THREE":
		return Three
	case "QUORUM":
		return Quorum
	case "ALL":
		return All
	case "LOCAL_ONE":
		return LocalOne
	case "LOCAL_QUORUM":
		return LocalQuorum
	case "EACH_QUORUM":
		return EachQuorum
	}
	// By hand, since strconv takes signs and leading zeros.
	if len(word) == 0 || len(word) > 2 || word[0] == '0' {
		return 0
	}
	n := 0
	for _, c := range word {
		if c < '0' || c > '9' {
			return 0
		}
		n = n*10 + int(c-'0')
	}
	if n > MaxReplicas {
		return 0
	}
	return Level(n)
}
