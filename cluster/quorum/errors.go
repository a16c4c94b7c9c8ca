package quorum

import (
	"errors"
	"fmt"
	"strconv"
)

// The texts here have no RESP prefix: whoever replies puts it before them.

// ErrLinear refuses the level LINEAR, which is known but not offered.
var ErrLinear = errors.New("LINEAR needs consensus, which this version does not offer; the strongest level is ALL")

// ErrNodes refuses a Requirement that no ring makes: no home replica, or more than MaxReplicas on a list or MaxNodes in all.
var ErrNodes = errors.New("quorum: a list needs 1 to " + strconv.Itoa(MaxReplicas) + " home replicas, and at most " +
	strconv.Itoa(MaxNodes) + " nodes can answer")

// maxEcho bounds what an error repeats of a client's text, in bytes.
const maxEcho = 64

// ParseError is a text that is no level.
type ParseError struct {
	Text string // at most its first 64 bytes
}

func newParseError(text string) *ParseError { return &ParseError{Text: text} }

func (e *ParseError) Error() string {
	return fmt.Sprintf("%.*q is no consistency level: ANY, ONE, TWO, THREE, 1 to %d, QUORUM, ALL, LOCAL_ONE, LOCAL_QUORUM, EACH_QUORUM, each with or without %s",
		maxEcho, e.Text, MaxReplicas, sloppySuffix)
}

// LevelError is a level that this ring can never satisfy, whoever is alive.
type LevelError struct {
	Level Level
	Need  int    // home replicas, at least
	Have  int    // home replicas on the list, or in the datacenter
	DC    string // for the levels by datacenter: where; "" when home replicas have no datacenter
}

func (e *LevelError) Error() string {
	switch e.Level {
	case LocalOne, LocalQuorum, EachQuorum:
		if e.DC == "" {
			return e.Level.String() + " needs datacenters, the ring has none"
		}
		return fmt.Sprintf("%v needs home replicas in datacenter %s, the ring has none there", e.Level, e.DC)
	}
	return fmt.Sprintf("%v needs %d home replicas, the ring has %d", e.Level, e.Need, e.Have)
}

// UnavailableError is a level that those who are reachable cannot satisfy. Nothing has been sent.
type UnavailableError struct{ Count }

func (e *UnavailableError) Error() string {
	where := ""
	if e.DC != "" {
		where = " in datacenter " + e.DC
	}
	return fmt.Sprintf("need %d of %d home replicas%s, %d reachable", e.Need, e.Of, where, e.Have)
}
