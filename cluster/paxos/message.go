package paxos

import (
	"errors"
	"fmt"
)

// MaxValue is the size of the largest value, in bytes.
const MaxValue = 1 << 20

// Kind says what a message is. Values are for ever: append only.
type Kind uint8

// The kinds of message. Who asks is a proposer, who answers a voter.
const (
	// Prepare asks for a promise to take no ballot below Ballot (phase 1a).
	Prepare Kind = 1
	// Promise gives it, with the value of the greatest ballot that the voter has accepted, if any (phase 1b).
	Promise Kind = 2
	// Accept asks to accept Value under Ballot (phase 2a).
	Accept Kind = 3
	// Accepted says that it is accepted (phase 2b).
	Accepted Kind = 4
	// Reject refuses Ballot: the voter has promised a later one, Promised.
	Reject Kind = 5
	// Decided tells the register's value.
	Decided Kind = 6
	// Elsewhere says that the sender is not at this register: the last epoch that it knows decided is Known.
	Elsewhere Kind = 7
	kindEnd   Kind = 8 // one past the last
)

func (k Kind) String() string {
	names := [...]string{"", "prepare", "promise", "accept", "accepted", "reject", "decided", "elsewhere"}
	if k == 0 || k >= kindEnd {
		return fmt.Sprintf("kind %d", uint8(k))
	}
	return names[k]
}

// Message is what registers of one epoch say to each other. One that was handed over never changes any more: several
// messages and a register may share a Value.
type Message struct {
	Kind           Kind
	Epoch          uint64 // of the register: the epoch that its value will be, at least 1
	Parent         Hash   // of the document of the epoch before, which names the voters
	From, To       NodeID
	Ballot         Ballot // the one that is asked for or answered; none in Decided; in Elsewhere the one that was asked for
	AcceptedBallot Ballot // Promise: under which Value was accepted; zero if nothing was
	Promised       Ballot // Reject: which ballot is in the way
	Known          uint64 // Elsewhere: the last epoch that the sender knows decided
	Value          []byte // Accept, Decided, and Promise if something was accepted
}

// The errors of messages and states. They are wrapped.
var (
	ErrVersion   = errors.New("paxos: unknown version")
	ErrMalformed = errors.New("paxos: malformed")
	ErrCorrupt   = errors.New("paxos: checksum does not match")
)

// check says what is wrong with a message whoever it is for.
func (m *Message) check() error {
	switch {
	case m.Kind == 0 || m.Kind >= kindEnd:
		return fmt.Errorf("%w: %s", ErrMalformed, m.Kind)
	case m.Epoch == 0 || m.From == 0 || m.To == 0 || m.From == m.To:
		return fmt.Errorf("%w: %s of epoch %d from %x to %x", ErrMalformed, m.Kind, m.Epoch, uint64(m.From), uint64(m.To))
	case !m.Ballot.valid() || !m.AcceptedBallot.valid() || !m.Promised.valid():
		return fmt.Errorf("%w: a ballot that is nobody's in %s", ErrMalformed, m.Kind)
	case len(m.Value) > MaxValue:
		return fmt.Errorf("%w: a value of %d bytes in %s, at most %d", ErrMalformed, len(m.Value), m.Kind, MaxValue)
	case !m.shaped():
		return fmt.Errorf("%w: %s with fields that it cannot have", ErrMalformed, m.Kind)
	}
	return nil
}

// shaped reports whether a message has the fields of its kind and no others. A ballot is only ever brought by its own
// proposer and answered to it.
func (m *Message) shaped() bool {
	if (m.Kind != Promise && !m.AcceptedBallot.IsZero()) || (m.Kind != Reject && !m.Promised.IsZero()) || (m.Kind != Elsewhere && m.Known != 0) {
		return false
	}
	valued := len(m.Value) > 0
	switch m.Kind {
	case Prepare:
		return m.Ballot.Node == m.From && !valued
	case Accept:
		return m.Ballot.Node == m.From && valued
	case Promise:
		return m.Ballot.Node == m.To && m.AcceptedBallot.Less(m.Ballot) && valued == !m.AcceptedBallot.IsZero()
	case Accepted:
		return m.Ballot.Node == m.To && !valued
	case Reject:
		return m.Ballot.Node == m.To && m.Ballot.Less(m.Promised) && !valued
	case Decided:
		return m.Ballot.IsZero() && valued
	default: // Elsewhere
		return m.Ballot.Node == m.To && m.Known+1 != m.Epoch && !valued
	}
}
