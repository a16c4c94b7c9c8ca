package paxos

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"
)

func TestOneVoterDecidesInOneReady(t *testing.T) {
	g := newGroup(t, 1, 0)
	if err := g.registers[1].Propose(0, []byte("v")); err != nil {
		t.Fatal(err)
	}
	rd := g.take(1)
	want := Ready{State: &State{Epoch: 8, Parent: testParent, Promised: Ballot{1, 1}, Value: []byte("v"), Decided: true}, Decided: []byte("v")}
	if !reflect.DeepEqual(rd, want) {
		t.Errorf("%+v", rd)
	}
	if again := g.take(1); !again.Empty() {
		t.Errorf("told twice: %+v", again)
	}
}

// The diagram of the package comment. The second Accepted comes to a register that is decided, and is answered.
func TestOneDecision(t *testing.T) {
	g := newGroup(t, 3, 0)
	g.propose(1, "v")
	for i, want := range [][]Kind{{Prepare, Prepare}, {Promise, Promise}, {Accept, Accept}, {Accepted, Accepted}, {Decided, Decided, Decided}, nil} {
		if i == 4 {
			g.want("v", 1)
			if s := g.stored[2]; string(s.Value) != "v" || s.Decided || string(g.registers[2].Unfinished()) != "v" {
				t.Errorf("voter 2 has stored %+v", s)
			}
		}
		if got := kinds(g.round()); !slices.Equal(got, want) {
			t.Fatalf("round %d: %v, want %v", i, got, want)
		}
	}
	g.want("v", 1, 2, 3)
	for id, s := range g.stored {
		if !s.Decided || string(s.Value) != "v" {
			t.Errorf("node %d has stored %+v", id, s)
		}
	}
	if g.registers[2].Unfinished() != nil || string(g.registers[2].Decided()) != "v" || g.registers[1].Proposing() {
		t.Error("somebody is not done")
	}
}

func TestMajorities(t *testing.T) {
	for voters, needs := range map[int]int{1: 1, 2: 2, 3: 2, 4: 3, 5: 3, 6: 4, 7: 4} {
		for up := 1; up <= voters; up++ {
			g := newGroup(t, voters, 0)
			g.propose(1, "v")
			g.deliver(func(m Message) bool { return int(m.To) <= up && int(m.From) <= up })
			if got := g.told[1] != nil; got != (up >= needs) {
				t.Errorf("%d of %d voters: decided %v", up, voters, got)
			}
		}
	}
}

func TestProposerWithoutAVote(t *testing.T) {
	g := newGroup(t, 3, 1)
	g.propose(4, "v")
	if s := g.stored[4]; s == nil || s.Promised != (Ballot{1, 4}) {
		t.Errorf("its ballot is not stored: %+v", s)
	}
	g.deliver(nil)
	g.want("v", 1, 2, 3, 4)
}

// A ballot asks to accept what the greatest accepted ballot among a majority of promises says.
func TestValueOfTheGreatestBallot(t *testing.T) {
	for _, c := range []struct {
		b, c Ballot
		want string
	}{
		{Ballot{}, Ballot{}, "own"},
		{Ballot{1, 2}, Ballot{}, "of B"},
		{Ballot{1, 2}, Ballot{1, 3}, "of C"},
		{Ballot{2, 2}, Ballot{1, 3}, "of B"},
	} {
		g := newGroup(t, 5, 0)
		r := g.registers[1]
		for _, from := range []NodeID{4, 5} { // so that the own ballot is the fourth
			if err := r.Receive(0, asked(Prepare, from, 1, Ballot{3, from}, "")); err != nil {
				t.Fatal(err)
			}
		}
		g.propose(1, "own")
		mine := Ballot{4, 1}
		for _, p := range []struct {
			from     NodeID
			accepted Ballot
			value    string
		}{{2, c.b, "of B"}, {3, c.c, "of C"}} {
			m := asked(Promise, p.from, 1, mine, "")
			if m.AcceptedBallot = p.accepted; !p.accepted.IsZero() {
				m.Value = []byte(p.value)
			}
			if err := r.Receive(0, m); err != nil {
				t.Fatal(err)
			}
		}
		rd := g.take(1)
		if len(rd.Messages) != 4 || rd.Messages[0].Kind != Accept || string(rd.Messages[0].Value) != c.want || string(rd.State.Value) != c.want {
			t.Errorf("%s and %s: %+v", c.b, c.c, rd)
		}
	}
}

func TestAcceptor(t *testing.T) {
	state := func(promised, accepted Ballot, value string) State {
		return State{Epoch: 8, Parent: testParent, Promised: promised, Accepted: accepted, Value: []byte(value)}
	}
	b1, b2, b3 := Ballot{1, 2}, Ballot{1, 3}, Ballot{2, 2}
	promise := asked(Promise, 1, 2, b3, "old")
	promise.AcceptedBallot = b2
	reject := asked(Reject, 1, 2, b1, "")
	reject.Promised = b2
	for _, c := range []struct {
		name  string
		has   State
		in    Message
		reply Message
		then  State
	}{
		{"prepare above", state(b2, b2, "old"), asked(Prepare, 2, 1, b3, ""), promise, state(b3, b2, "old")},
		{"prepare again", state(b3, b2, "old"), asked(Prepare, 2, 1, b3, ""), promise, State{}},
		{"prepare below", state(b2, b2, "old"), asked(Prepare, 2, 1, b1, ""), reject, State{}},
		{"prepare after its accept", state(b1, b1, "old"), asked(Prepare, 2, 1, b1, ""), Message{}, State{}},
		{"accept as promised", state(b1, Ballot{}, ""), asked(Accept, 2, 1, b1, "new"), asked(Accepted, 1, 2, b1, ""), state(b1, b1, "new")},
		{"accept without a promise", state(b2, b2, "old"), asked(Accept, 2, 1, b3, "new"), asked(Accepted, 1, 2, b3, ""), state(b3, b3, "new")},
		{"accept again", state(b1, b1, "old"), asked(Accept, 2, 1, b1, "old"), asked(Accepted, 1, 2, b1, ""), State{}},
		{"accept below", state(b2, Ballot{}, ""), asked(Accept, 2, 1, b1, "new"), reject, State{}},
	} {
		g := newGroup(t, 3, 0)
		if c.has.Value = slices.Clone(c.has.Value); len(c.has.Value) == 0 {
			c.has.Value = nil
		}
		g.stored[1] = &c.has
		g.restart(1)
		if err := g.registers[1].Receive(0, c.in); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		rd := g.take(1)
		if got := fmt.Sprintf("%+v", rd.Messages); c.reply.Kind != 0 && got != fmt.Sprintf("%+v", []Message{c.reply}) || c.reply.Kind == 0 && len(rd.Messages) > 0 {
			t.Errorf("%s: replied %s", c.name, got)
		}
		if (rd.State != nil) != (c.then.Epoch != 0) || rd.State != nil && fmt.Sprintf("%+v", *rd.State) != fmt.Sprintf("%+v", c.then) {
			t.Errorf("%s: stored %+v, want %+v", c.name, rd.State, c.then)
		}
	}
}

func TestRefusedMessages(t *testing.T) {
	change := func(m Message, f func(*Message)) Message { f(&m); return m }
	b := Ballot{1, 2}
	good := asked(Prepare, 2, 1, b, "")
	decided := asked(Decided, 2, 1, Ballot{}, "v")
	for _, c := range []struct {
		name string
		in   Message
		want error
	}{
		{"no kind", Message{}, ErrMalformed},
		{"to another", change(good, func(m *Message) { m.To = 3 }), ErrElsewhere},
		{"of another epoch", change(good, func(m *Message) { m.Epoch = 9 }), ErrElsewhere},
		{"of another lineage", change(good, func(m *Message) { m.Parent[0]++ }), ErrElsewhere},
		{"decided in another lineage", change(decided, func(m *Message) { m.Parent[0]++ }), ErrElsewhere},
		{"to itself", change(good, func(m *Message) { m.From, m.Ballot.Node = 1, 1 }), ErrMalformed},
		{"somebody else's ballot", change(good, func(m *Message) { m.Ballot.Node = 3 }), ErrMalformed},
		{"nobody's ballot", change(good, func(m *Message) { m.Ballot = Ballot{} }), ErrMalformed},
		{"round 0", change(good, func(m *Message) { m.Ballot.Round = 0 }), ErrMalformed},
		{"past the last round", change(good, func(m *Message) { m.Ballot.Round = MaxRound + 1 }), ErrMalformed},
		{"accept nothing", asked(Accept, 2, 1, b, ""), ErrMalformed},
		{"accept too much", change(asked(Accept, 2, 1, b, "v"), func(m *Message) { m.Value = make([]byte, MaxValue+1) }), ErrMalformed},
		{"prepare with a value", asked(Prepare, 2, 1, b, "v"), ErrMalformed},
		{"promise with a value of no ballot", asked(Promise, 2, 1, Ballot{1, 1}, "v"), ErrMalformed},
		{"promise with a ballot of its own age", change(asked(Promise, 2, 1, Ballot{1, 1}, "v"), func(m *Message) { m.AcceptedBallot = Ballot{1, 1} }), ErrMalformed},
		{"promise of one without a vote", asked(Promise, 4, 1, Ballot{1, 1}, ""), ErrNotVoter},
		{"reject for nothing", asked(Reject, 2, 1, Ballot{1, 1}, ""), ErrMalformed},
		{"decided nothing", asked(Decided, 2, 1, Ballot{}, ""), ErrMalformed},
	} {
		g := newGroup(t, 3, 1)
		g.propose(1, "mine")
		if err := g.registers[1].Receive(0, c.in); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
		if rd := g.take(1); !rd.Empty() || g.registers[1].Stats().Refused != 1 {
			t.Errorf("%s: it had an effect, %+v", c.name, rd)
		}
	}
	g := newGroup(t, 3, 1)
	for _, m := range []Message{asked(Prepare, 2, 4, b, ""), asked(Accept, 2, 4, b, "v")} {
		if err := g.registers[4].Receive(0, m); !errors.Is(err, ErrNotVoter) || !g.take(4).Empty() {
			t.Errorf("one without a vote answers %s: %v", m.Kind, err)
		}
	}
}

func TestConflicts(t *testing.T) {
	g := newGroup(t, 5, 0)
	r := g.registers[1]
	receive := func(m Message, want error) {
		t.Helper()
		if err := r.Receive(0, m); !errors.Is(err, want) {
			t.Errorf("%s: %v", m.Kind, err)
		}
	}
	receive(asked(Accept, 2, 1, Ballot{3, 2}, "one"), nil)
	receive(asked(Accept, 2, 1, Ballot{3, 2}, "two"), ErrConflict)
	g.propose(1, "v")
	promise := asked(Promise, 3, 1, Ballot{4, 1}, "two")
	promise.AcceptedBallot = Ballot{3, 2}
	receive(promise, ErrConflict)
	receive(asked(Decided, 4, 1, Ballot{}, "one"), nil)
	receive(asked(Decided, 4, 1, Ballot{}, "one"), nil)
	receive(asked(Decided, 4, 1, Ballot{}, "two"), ErrConflict)
	if string(r.Decided()) != "one" {
		t.Errorf("decided %q", r.Decided())
	}
}

func TestConfigsAndStates(t *testing.T) {
	for name, c := range map[string]Config{
		"no self":     {Epoch: 1, Voters: []NodeID{1}},
		"no epoch":    {Self: 1, Voters: []NodeID{1}},
		"no voters":   {Self: 1, Epoch: 1},
		"a voter 0":   {Self: 1, Epoch: 1, Voters: []NodeID{1, 0}},
		"one twice":   {Self: 1, Epoch: 1, Voters: []NodeID{1, 2, 1}},
		"eight of it": {Self: 1, Epoch: 1, Voters: []NodeID{1, 2, 3, 4, 5, 6, 7, 8}},
	} {
		if _, err := New(c, nil); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	cfg := Config{Self: 1, Epoch: 8, Parent: testParent, Voters: []NodeID{3, 1, 2}}
	for name, c := range map[string]struct {
		s    State
		want error
	}{
		"of another epoch":    {State{Epoch: 7, Parent: testParent}, ErrState},
		"of another lineage":  {State{Epoch: 8}, ErrState},
		"accepted unpromised": {State{Epoch: 8, Parent: testParent, Accepted: Ballot{1, 1}, Value: []byte("v")}, ErrMalformed},
		"decided nothing":     {State{Epoch: 8, Parent: testParent, Decided: true}, ErrMalformed},
		"fresh":               {State{Epoch: 8, Parent: testParent}, nil},
	} {
		if _, err := New(cfg, &c.s); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !slices.Equal(cfg.Voters, []NodeID{3, 1, 2}) {
		t.Error("the caller's voters were sorted")
	}
}

func TestDecidedAnswersAll(t *testing.T) {
	g := newGroup(t, 3, 2)
	for _, decided := range []NodeID{1, 4} { // with a vote and without
		g.stored[decided] = &State{Epoch: 8, Parent: testParent, Promised: Ballot{9, 9}, Value: []byte("v"), Decided: true}
		g.restart(decided)
		g.sent = nil
		if string(g.told[decided]) != "v" {
			t.Fatal("a life was not told what was decided in the one before")
		}
		reject := asked(Reject, 2, decided, Ballot{1, decided}, "")
		reject.Promised = Ballot{2, 2}
		for _, m := range []Message{
			asked(Prepare, 5, decided, Ballot{1, 5}, ""), asked(Accept, 2, decided, Ballot{99, 2}, "w"),
			asked(Promise, 2, decided, Ballot{1, decided}, ""), asked(Accepted, 2, decided, Ballot{1, decided}, ""), reject,
		} {
			if err := g.registers[decided].Receive(0, m); err != nil {
				t.Fatal(err)
			}
			rd := g.take(decided)
			if len(rd.Messages) != 1 || rd.Messages[0].Kind != Decided || rd.Messages[0].To != m.From || string(rd.Messages[0].Value) != "v" || rd.State != nil {
				t.Errorf("answer to %s: %+v", m.Kind, rd)
			}
		}
		if err := g.registers[decided].Propose(0, []byte("w")); err != nil || !g.take(decided).Empty() || g.registers[decided].Proposing() {
			t.Errorf("a proposal to a decided register: %v", err)
		}
	}
}

func TestOutIsBounded(t *testing.T) {
	g := newGroup(t, 3, 0)
	for i := range uint64(maxOut + 10) {
		if err := g.registers[1].Receive(0, asked(Prepare, 2, 1, Ballot{i + 1, 2}, "")); err != nil {
			t.Fatal(err)
		}
	}
	if rd := g.take(1); len(rd.Messages) != maxOut || g.registers[1].Stats().Dropped != 10 {
		t.Errorf("%d messages, %d dropped", len(rd.Messages), g.registers[1].Stats().Dropped)
	}
}

func TestBadValues(t *testing.T) {
	g := newGroup(t, 1, 0)
	for _, n := range []int{0, MaxValue + 1} {
		if err := g.registers[1].Propose(0, make([]byte, n)); !errors.Is(err, ErrValue) || !g.take(1).Empty() {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if err := g.registers[1].Propose(0, make([]byte, MaxValue)); err != nil || len(g.take(1).Decided) != MaxValue {
		t.Errorf("the largest: %v", err)
	}
}

func TestBallots(t *testing.T) {
	ordered := []Ballot{{}, {1, 1}, {1, 2}, {1, math.MaxUint64}, {2, 1}, {MaxRound, 1}}
	for i, a := range ordered {
		for j, b := range ordered {
			if a.Less(b) != (i < j) || (a.Compare(b) == 0) != (i == j) {
				t.Errorf("%s and %s", a, b)
			}
		}
	}
}
