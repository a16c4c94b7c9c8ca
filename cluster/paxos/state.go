package paxos

import "fmt"

// State is what a node has promised and accepted at one register, and what it knows decided there. It outlives every
// restart: see the driver's rules in the package comment.
type State struct {
	Epoch    uint64
	Parent   Hash
	Promised Ballot // nothing before it is answered but with Reject; at least every ballot that this node began itself
	Accepted Ballot // under which Value was accepted; zero if nothing was, and once Decided
	Value    []byte // what was accepted or, if Decided, what the register holds for ever
	Decided  bool
}

// check says what no register can have stored.
func (s *State) check() error {
	ok := s.Epoch != 0 && s.Promised.valid() && s.Accepted.valid() && !s.Promised.Less(s.Accepted) && len(s.Value) <= MaxValue
	if s.Decided {
		ok = ok && s.Accepted.IsZero() && len(s.Value) > 0
	} else {
		ok = ok && s.Accepted.IsZero() == (len(s.Value) == 0)
	}
	if !ok {
		return fmt.Errorf("%w: state of epoch %d, promised %s, accepted %s, %d bytes, decided %v",
			ErrMalformed, s.Epoch, s.Promised, s.Accepted, len(s.Value), s.Decided)
	}
	return nil
}
