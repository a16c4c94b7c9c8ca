package paxos

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
)

// MaxVoters is how many voters a register can have.
const MaxVoters = 7

// maxOut is how many messages wait for Ready. More than one step makes; what is beyond is lost, as on a network.
const maxOut = 64

// The defaults of Config.
const (
	defaultRetry    = 250 * Millisecond
	defaultRetryMax = 8000 * Millisecond
)

// Config says which register a node opens.
type Config struct {
	Self   NodeID
	Epoch  uint64   // of the document that is to be decided, at least 1
	Parent Hash     // of the document of Epoch-1
	Voters []NodeID // of the document of Epoch-1: 1..MaxVoters, each once, in any order
	// Seed is for the jitter of retries. It should differ between nodes.
	Seed uint64
	// Retry is how long a proposer waits for answers at first (250 ms), RetryMax at last (8 s). Two proposers leave each other
	// alone once the waits are several times as long as two round trips with their syncs take.
	Retry, RetryMax Time
}

// The errors of New, Propose and Receive, beside ErrMalformed. They are wrapped.
var (
	ErrConfig = errors.New("paxos: bad register")
	// ErrState: the state is not of this register. Of another Parent it is of another lineage, which makes it void.
	ErrState = errors.New("paxos: state of another register")
	// ErrValue: a value is 1..MaxValue bytes.
	ErrValue = errors.New("paxos: bad value")
	// ErrElsewhere: the message is for another register or node. See Judge for other epochs.
	ErrElsewhere = errors.New("paxos: message for another register")
	// ErrNotVoter: this node does not vote here, or the answer is of one who does not.
	ErrNotVoter = errors.New("paxos: not a voter")
	// ErrConflict: two values under one ballot, or two decided. A node breaks the rules, has forgotten what it had
	// stored, or is there twice. Stop and tell the operator.
	ErrConflict = errors.New("paxos: two values where there can be one")
)

// Stats counts what a register did in this life.
type Stats struct {
	Ballots uint64 // begun
	Outbid  uint64 // of them, refused by somebody who had promised a later one
	Resent  uint64 // times that a wait ran out and those that had not answered were asked again
	Refused uint64 // messages that Receive returned an error for
	Dropped uint64 // messages for want of room: Ready was not called in time
}

// Ready is what a driver has to do after a step, in this order.
type Ready struct {
	// State, unless nil, must be durable before Messages are sent and Decided or Fetch is acted on. It is all of the
	// state: it replaces what was stored for this register before.
	State *State
	// Messages may be lost, doubled or sent in any order.
	Messages []Message
	// Decided, unless nil, is the register's value. It is told once a life.
	Decided []byte
	// Fetch, unless zero, is a node that knows documents up to epoch FetchTo, this register's among them.
	Fetch   NodeID
	FetchTo uint64
}

// Empty reports whether there is nothing to do.
func (rd Ready) Empty() bool {
	return rd.State == nil && len(rd.Messages) == 0 && rd.Decided == nil && rd.Fetch == 0
}

// Register is one node's part in deciding one epoch: acceptor (if it is a voter), proposer (if it is asked to be) and learner.
// It is not safe for concurrent use.
type Register struct {
	cfg      Config // Voters sorted
	rng      *rand.Rand
	me       int // index in Voters, or -1
	state    State
	proposal proposal
	stats    Stats

	// What Ready has not handed out.
	changed bool
	untold  bool
	out     []Message
	fetch   NodeID
	fetchTo uint64
}

// New opens a register. restored is what was stored for it, nil if nothing ever was. A State that was once handed out to be
// stored and cannot be read back is not nothing: that node must not vote again under its id.
func New(cfg Config, restored *State) (*Register, error) {
	cfg.Voters = slices.Clone(cfg.Voters)
	slices.Sort(cfg.Voters)
	n := len(cfg.Voters)
	if cfg.Self == 0 || cfg.Epoch == 0 || n == 0 || n > MaxVoters || cfg.Voters[0] == 0 || len(slices.Compact(slices.Clone(cfg.Voters))) != n {
		return nil, fmt.Errorf("%w: node %016x, epoch %d, voters %016x", ErrConfig, uint64(cfg.Self), cfg.Epoch, cfg.Voters)
	}
	if cfg.Retry <= 0 {
		cfg.Retry = defaultRetry
	}
	if cfg.RetryMax <= 0 {
		cfg.RetryMax = defaultRetryMax
	}
	r := &Register{
		cfg: cfg, me: slices.Index(cfg.Voters, cfg.Self),
		rng:   rand.New(rand.NewPCG(cfg.Seed, cfg.Epoch)),
		state: State{Epoch: cfg.Epoch, Parent: cfg.Parent},
	}
	if restored == nil {
		return r, nil
	}
	if err := restored.check(); err != nil {
		return nil, fmt.Errorf("restore register: %w", err)
	}
	if restored.Epoch != cfg.Epoch || restored.Parent != cfg.Parent {
		return nil, fmt.Errorf("%w: epoch %d after %x, want %d after %x", ErrState, restored.Epoch, restored.Parent[:4], cfg.Epoch, cfg.Parent[:4])
	}
	r.state = *restored
	r.untold = restored.Decided
	return r, nil
}

// Ready returns what the steps since the last call have to bring about, and forgets it. Call it after every step.
func (r *Register) Ready() Ready {
	rd := Ready{Messages: r.out, Fetch: r.fetch, FetchTo: r.fetchTo}
	if r.changed {
		state := r.state
		rd.State = &state
	}
	if r.untold {
		rd.Decided = r.state.Value
	}
	r.out, r.changed, r.untold, r.fetch, r.fetchTo = nil, false, false, 0, 0
	return rd
}

// Receive takes a message in. An error means that it was refused and changed nothing; only ErrConflict asks for more than
// counting it.
func (r *Register) Receive(now Time, m Message) error {
	err := r.receive(now, &m)
	if err != nil {
		r.stats.Refused++
		return fmt.Errorf("receive %s of %x at epoch %d: %w", m.Kind, uint64(m.From), m.Epoch, err)
	}
	return nil
}

func (r *Register) receive(now Time, m *Message) error {
	if err := m.check(); err != nil {
		return err
	}
	if m.To != r.cfg.Self || m.Epoch != r.cfg.Epoch || m.Parent != r.cfg.Parent {
		return fmt.Errorf("%w: to %x, after %x", ErrElsewhere, uint64(m.To), m.Parent[:4])
	}
	switch {
	case m.Kind == Decided:
		return r.learn(m.Value)
	case m.Kind == Elsewhere:
		r.elsewhere(m)
		return nil
	case r.state.Decided: // whoever asks or answers does not know it
		r.send(Message{Kind: Decided, To: m.From, Value: r.state.Value})
		return nil
	case m.Kind == Prepare:
		return r.prepare(m)
	case m.Kind == Accept:
		return r.accept(m)
	}
	return r.answer(now, m)
}

// learn takes in that a value is decided.
func (r *Register) learn(value []byte) error {
	if r.state.Decided {
		if !bytes.Equal(value, r.state.Value) {
			return ErrConflict
		}
		return nil
	}
	r.state.Decided, r.state.Value, r.state.Accepted = true, value, Ballot{}
	r.proposal = proposal{}
	r.changed, r.untold = true, true
	return nil
}

// elsewhere takes in that somebody is at another register. One who is behind learns that from the question.
func (r *Register) elsewhere(m *Message) {
	if m.Known >= r.cfg.Epoch && m.Known > r.fetchTo && !r.state.Decided {
		r.fetch, r.fetchTo = m.From, m.Known
	}
}

// send puts a message of this register out.
func (r *Register) send(m Message) {
	if len(r.out) >= maxOut {
		r.stats.Dropped++
		return
	}
	m.Epoch, m.Parent, m.From = r.cfg.Epoch, r.cfg.Parent, r.cfg.Self
	r.out = append(r.out, m)
}

// Epoch returns the number of the register.
func (r *Register) Epoch() uint64 { return r.cfg.Epoch }

// Decided returns the value, nil while none is known to be decided. It is not to be acted on before the Ready that told it.
func (r *Register) Decided() []byte {
	if !r.state.Decided {
		return nil
	}
	return r.state.Value
}

// Unfinished returns a value that this node accepted without having heard what became of it; nil if there is none. Whoever
// proposed it may be gone: a node that waited for long enough proposes it again, and learns what is decided.
func (r *Register) Unfinished() []byte {
	if r.state.Decided {
		return nil
	}
	return r.state.Value
}

// Stats returns the counts of this life.
func (r *Register) Stats() Stats { return r.stats }
