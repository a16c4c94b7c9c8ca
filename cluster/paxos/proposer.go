package paxos

import (
	"bytes"
	"fmt"
	"math/bits"
	"slices"
)

// phase is where a proposal stands.
type phase uint8

const (
	idle      phase = iota
	preparing       // phase 1: promises are coming in
	accepting       // phase 2: the value is fixed
)

// maxDoublings keeps shifts in range; RetryMax is the bound that matters.
const maxDoublings = 20

// proposal is the proposer's part of a register. None of it is stored: after a restart the next ballot is above what was
// promised, so above all that this node began.
type proposal struct {
	phase    phase
	want     []byte // proposed here, if the ballot finds nothing accepted
	value    []byte // accepting: what the ballot asks to accept
	ballot   Ballot
	found    Ballot // preparing: the greatest accepted ballot among the promises; value is what it accepted
	answered uint8  // bit i: voter i has answered the phase
	outbid   bool   // somebody has promised a later ballot
	round    uint64 // the greatest seen in rejections
	waits    int    // that ran out
	at       Time   // when the wait runs out
}

// Propose begins a ballot for value or, when one is on its way, takes value for the next that is still free to choose. It ends
// with the register decided, maybe with another value: the caller looks.
func (r *Register) Propose(now Time, value []byte) error {
	if len(value) == 0 || len(value) > MaxValue {
		return fmt.Errorf("%w: %d bytes", ErrValue, len(value))
	}
	if r.state.Decided {
		return nil
	}
	r.proposal.want = value
	if r.proposal.phase == idle {
		r.begin(now)
	}
	return nil
}

// Withdraw ends a proposal. What it has asked for before may still be accepted and decided, by others as well.
func (r *Register) Withdraw() { r.proposal = proposal{} }

// Proposing reports whether a proposal is on its way.
func (r *Register) Proposing() bool { return r.proposal.phase != idle }

// NextTimer returns when Tick has something to do; false when only a message or Propose can bring that about.
func (r *Register) NextTimer() (Time, bool) { return r.proposal.at, r.proposal.phase != idle }

// Tick does what is due: a proposer whose wait ran out asks again those that have not answered or, when it was outbid, begins
// a later ballot. Calling it early or twice does no harm.
func (r *Register) Tick(now Time) {
	p := &r.proposal
	if p.phase == idle || now < p.at {
		return
	}
	p.waits = min(p.waits+1, maxDoublings)
	if p.outbid || r.state.Promised != p.ballot {
		r.begin(now)
		return
	}
	r.stats.Resent++
	r.ask()
	p.at = now + r.wait()
}

// begin starts phase 1 under a ballot that nobody ever used.
//
// Invariant: this node has durably promised every ballot that it began, before the first Prepare left. (A node that is no
// voter too: there the promise does nothing else.) So a round above the promised one was never used here, in any life.
func (r *Register) begin(now Time) {
	p := &r.proposal
	round := max(r.state.Promised.Round, p.round) + 1
	p.at = now + r.wait()
	p.phase, p.answered, p.outbid, p.ballot, p.found, p.value = preparing, 0, false, Ballot{}, Ballot{}, nil
	if round > MaxRound {
		return // somebody's fault: never wrap around, look again when the wait is over
	}
	p.ballot = Ballot{Round: round, Node: r.cfg.Self}
	r.state.Promised, r.changed = p.ballot, true
	r.stats.Ballots++
	r.ask()
	if r.me >= 0 {
		r.promised(r.me, r.state.Accepted, r.state.Value)
	}
}

// ask sends the phase's question to those that have not answered it.
func (r *Register) ask() {
	p := &r.proposal
	m := Message{Kind: Prepare, Ballot: p.ballot}
	if p.phase == accepting {
		m.Kind, m.Value = Accept, p.value
	}
	for i, v := range r.cfg.Voters {
		if i != r.me && p.answered&(1<<i) == 0 {
			m.To = v
			r.send(m)
		}
	}
}

// answer takes in what a voter replied to this node's ballot. Replies to earlier ballots and phases say nothing any more.
func (r *Register) answer(now Time, m *Message) error {
	voter := slices.Index(r.cfg.Voters, m.From)
	if voter < 0 {
		return ErrNotVoter
	}
	p := &r.proposal
	if p.phase == idle || m.Ballot != p.ballot {
		return nil
	}
	switch {
	case m.Kind == Promise && p.phase == preparing:
		if !m.AcceptedBallot.IsZero() && m.AcceptedBallot == p.found && !bytes.Equal(m.Value, p.value) {
			return ErrConflict
		}
		r.promised(voter, m.AcceptedBallot, m.Value)
	case m.Kind == Accepted && p.phase == accepting:
		r.accepted(voter)
	case m.Kind == Reject:
		r.rejected(now, m.Promised)
	}
	return nil
}

// promised counts a promise. With a majority the value is settled: what the greatest ballot among the promises has accepted,
// for that may be decided; the proposer's own only if none of them has accepted any.
func (r *Register) promised(voter int, accepted Ballot, value []byte) {
	p := &r.proposal
	if p.answered&(1<<voter) != 0 {
		return
	}
	p.answered |= 1 << voter
	if p.found.Less(accepted) {
		p.found, p.value = accepted, value
	}
	if !r.majority() {
		return
	}
	if p.found.IsZero() {
		p.value = p.want
	}
	p.phase, p.answered = accepting, 0
	r.ask()
	if r.me >= 0 && r.state.Promised == p.ballot {
		r.state.Accepted, r.state.Value, r.changed = p.ballot, p.value, true
		r.accepted(r.me)
	}
}

// accepted counts an acceptance. With a majority of them under one ballot its value is decided, and all voters are told.
func (r *Register) accepted(voter int) {
	p := &r.proposal
	p.answered |= 1 << voter
	if !r.majority() {
		return
	}
	value := p.value
	r.mustLearn(value)
	for i, v := range r.cfg.Voters {
		if i != r.me {
			r.send(Message{Kind: Decided, To: v, Value: value})
		}
	}
}

// mustLearn learns what this node found decided itself. A register that is decided has no proposal, so there is no conflict.
func (r *Register) mustLearn(value []byte) {
	if err := r.learn(value); err != nil {
		panic("paxos: a proposal at a decided register")
	}
}

// rejected takes in that somebody promised a later ballot. The present one may still reach its majority while the wait lasts.
func (r *Register) rejected(now Time, promised Ballot) {
	p := &r.proposal
	p.round = max(p.round, promised.Round)
	if !p.outbid {
		p.outbid = true
		r.stats.Outbid++
		p.at = now + r.wait()
	}
}

func (r *Register) majority() bool {
	return bits.OnesCount8(r.proposal.answered) > len(r.cfg.Voters)/2
}

// wait draws how long to wait for answers, or until the next ballot: twice as long each time that one ran out, from half of
// that to one and a half, so that proposers that outbid each other soon leave one of them the time to finish.
func (r *Register) wait() Time {
	d := r.cfg.Retry
	for range r.proposal.waits {
		if d >= r.cfg.RetryMax {
			break
		}
		d *= 2
	}
	d = max(min(d, r.cfg.RetryMax), 2)
	return d/2 + Time(r.rng.Int64N(int64(d)))
}
