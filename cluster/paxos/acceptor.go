package paxos

import "bytes"

// prepare answers phase 1a: a promise to take nothing before the ballot, with what was accepted.
func (r *Register) prepare(m *Message) error {
	if r.me < 0 {
		return ErrNotVoter
	}
	switch {
	case r.outbid(m):
		return nil
	case m.Ballot == r.state.Accepted:
		return nil // late: the proposer has asked to accept since
	case r.state.Promised.Less(m.Ballot):
		r.state.Promised, r.changed = m.Ballot, true
	}
	r.send(Message{Kind: Promise, To: m.From, Ballot: m.Ballot, AcceptedBallot: r.state.Accepted, Value: r.state.Value})
	return nil
}

// accept answers phase 2a: the value is accepted unless a later ballot was promised.
func (r *Register) accept(m *Message) error {
	if r.me < 0 {
		return ErrNotVoter
	}
	switch {
	case r.outbid(m):
		return nil
	case m.Ballot == r.state.Accepted:
		if !bytes.Equal(m.Value, r.state.Value) {
			return ErrConflict
		}
	default:
		r.state.Promised, r.state.Accepted, r.state.Value, r.changed = m.Ballot, m.Ballot, m.Value, true
	}
	r.send(Message{Kind: Accepted, To: m.From, Ballot: m.Ballot})
	return nil
}

// outbid refuses a message whose ballot is below what was promised.
func (r *Register) outbid(m *Message) bool {
	if !m.Ballot.Less(r.state.Promised) {
		return false
	}
	r.send(Message{Kind: Reject, To: m.From, Ballot: m.Ballot, Promised: r.state.Promised})
	return true
}
