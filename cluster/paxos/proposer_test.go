package paxos

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestBallotAboveAllThatWereUsed(t *testing.T) {
	g := newGroup(t, 3, 1)
	for _, id := range []NodeID{1, 4} {
		last := Ballot{}
		for range 5 {
			g.propose(id, "v")
			b := g.sent[len(g.sent)-1].Ballot
			if b.Node != id || !last.Less(b) {
				t.Errorf("node %d: %s after %s", id, b, last)
			}
			last = b
			g.restart(id)
		}
	}
}

func TestOutbidProposerComesBackAbove(t *testing.T) {
	g := newGroup(t, 3, 2)
	g.stored[5] = &State{Epoch: 8, Parent: testParent, Promised: Ballot{40, 5}}
	g.restart(5)
	g.propose(5, "of 5")
	g.round() // promises of 41.5 are on their way and lost
	g.sent = nil
	g.propose(4, "of 4")
	if got := kinds(g.deliver(nil)); !slices.Equal(got, []Kind{Prepare, Prepare, Prepare, Reject, Reject, Reject}) {
		t.Fatal(got)
	}
	if s := g.registers[4].Stats(); s.Outbid != 1 || s.Ballots != 1 {
		t.Errorf("%+v", s)
	}
	g.tick(4)
	if b := g.sent[0].Ballot; b != (Ballot{42, 4}) {
		t.Errorf("came back with %s", b)
	}
	g.deliver(nil)
	g.want("of 4", 1, 2, 3, 4)
	g.tick(5) // it asks again, and is told
	g.deliver(nil)
	g.want("of 4", 1, 2, 3, 4, 5)
}

// A ballot that a minority refuses can still win.
func TestOutbidBallotMayWin(t *testing.T) {
	g := newGroup(t, 3, 0)
	if err := g.registers[3].Receive(0, asked(Prepare, 2, 3, Ballot{7, 2}, "")); err != nil {
		t.Fatal(err)
	}
	g.take(3)
	g.sent = nil
	g.propose(1, "v")
	g.deliver(func(m Message) bool { return m.Kind != Decided })
	g.want("v", 1)
	if s := g.registers[1].Stats(); s.Outbid != 1 || s.Ballots != 1 {
		t.Errorf("%+v", s)
	}
}

func TestSilentVotersAreAskedAgainUnderTheSameBallot(t *testing.T) {
	g := newGroup(t, 5, 0)
	g.propose(1, "v")
	g.deliver(func(m Message) bool { return m.From == 2 || m.To == 2 })
	g.tick(1)
	var to []NodeID
	for _, m := range g.sent {
		to = append(to, m.To)
		if m.Kind != Prepare || m.Ballot != (Ballot{1, 1}) {
			t.Errorf("asked again with %+v", m)
		}
	}
	if !slices.Equal(to, []NodeID{3, 4, 5}) {
		t.Errorf("asked %d again", to)
	}
	g.deliver(func(m Message) bool { return m.Kind == Prepare || m.Kind == Promise || m.From == 4 || m.To == 4 })
	g.tick(1)
	if got := kinds(g.sent); !slices.Equal(got, []Kind{Accept, Accept, Accept}) {
		t.Errorf("asked again: %v", got)
	}
	g.deliver(nil)
	g.want("v", 1, 2, 3, 4, 5)
}

func TestWaitsGrowToABound(t *testing.T) {
	g := newGroup(t, 3, 0)
	g.propose(1, "v")
	for i, most := 0, defaultRetry; i < 40; i, most = i+1, min(2*most, defaultRetryMax) {
		at, ok := g.registers[1].NextTimer()
		if d := at - g.now; !ok || d < most/2 || d > most*3/2 {
			t.Errorf("wait %d: %d ms, want %d to %d", i, d/Millisecond, most/2/Millisecond, most*3/2/Millisecond)
		}
		g.registers[1].Tick(at - 1) // too early
		if len(g.take(1).Messages) != 0 {
			t.Error("asked again before its time")
		}
		g.tick(1)
	}
}

// Proposers that wait for the same time outbid each other again and again.
func TestWaitsDiffer(t *testing.T) {
	drawn := map[Time]bool{}
	for seed := range uint64(20) {
		g := newGroup(t, 3, 0)
		cfg := g.config(1)
		cfg.Seed = seed
		r, err := New(cfg, nil)
		if err == nil {
			err = r.Propose(0, []byte("v"))
		}
		at, _ := r.NextTimer()
		if drawn[at] = true; err != nil {
			t.Fatal(err)
		}
	}
	if len(drawn) < 15 {
		t.Errorf("20 seeds drew %d waits", len(drawn))
	}
}

func TestAnswersCountOnce(t *testing.T) {
	g := newGroup(t, 5, 0)
	g.propose(1, "v")
	receive := func(kind Kind, from NodeID) Ready {
		t.Helper()
		if err := g.registers[1].Receive(0, asked(kind, from, 1, Ballot{1, 1}, "")); err != nil {
			t.Fatal(err)
		}
		return g.take(1)
	}
	for range 3 {
		if rd := receive(Promise, 2); !rd.Empty() {
			t.Fatalf("two promises of five, one of them thrice: %+v", rd)
		}
	}
	if rd := receive(Promise, 3); len(rd.Messages) != 4 || rd.Messages[0].Kind != Accept {
		t.Fatalf("three promises: %+v", rd)
	}
	for range 3 {
		if rd := receive(Accepted, 2); !rd.Empty() {
			t.Fatalf("two of five accepted, one of them thrice: %+v", rd)
		}
	}
	if rd := receive(Accepted, 3); string(rd.Decided) != "v" {
		t.Fatalf("three accepted: %+v", rd)
	}
}

// A proposer that has promised a later ballot meanwhile does not accept its own.
func TestOwnPromiseIsKept(t *testing.T) {
	g := newGroup(t, 3, 0)
	g.propose(1, "v")
	for _, m := range []Message{asked(Prepare, 3, 1, Ballot{2, 3}, ""), asked(Promise, 2, 1, Ballot{1, 1}, ""), asked(Accepted, 2, 1, Ballot{1, 1}, "")} {
		if err := g.registers[1].Receive(0, m); err != nil {
			t.Fatal(err)
		}
		g.take(1)
	}
	if s := g.stored[1]; s.Promised != (Ballot{2, 3}) || !s.Accepted.IsZero() || s.Decided {
		t.Errorf("stored %+v", s)
	}
	g.tick(1)
	if b := g.registers[1].proposal.ballot; b != (Ballot{3, 1}) {
		t.Errorf("went on with %s", b)
	}
}

func TestLastRound(t *testing.T) {
	g := newGroup(t, 3, 0)
	g.stored[1] = &State{Epoch: 8, Parent: testParent, Promised: Ballot{MaxRound, 2}}
	g.restart(1)
	g.propose(1, "v")
	g.tick(1)
	if len(g.sent) != 0 || g.registers[1].Stats().Ballots != 0 {
		t.Errorf("a ballot after the last round: %+v", g.sent)
	}
	if err := g.registers[1].Receive(0, asked(Decided, 2, 1, Ballot{}, "w")); err != nil {
		t.Fatal(err)
	}
	g.take(1)
	g.want("w", 1)
}

func TestWithdrawnProposal(t *testing.T) {
	g := newGroup(t, 3, 0)
	g.propose(1, "v")
	g.round()
	g.registers[1].Withdraw()
	g.deliver(nil)
	if _, ok := g.registers[1].NextTimer(); ok || g.registers[1].Proposing() {
		t.Error("it waits for something")
	}
	g.want("")
	g.propose(1, "w")
	g.deliver(nil)
	g.want("w", 1, 2, 3)
}

func TestALaterValueReplacesOneThatWasNotAskedFor(t *testing.T) {
	g := newGroup(t, 3, 0)
	g.propose(1, "v")
	g.propose(1, "w")
	if len(g.sent) != 2 {
		t.Errorf("a second ballot: %+v", g.sent)
	}
	g.round()
	g.round()
	g.propose(1, "x") // too late
	g.deliver(nil)
	g.want("w", 1, 2, 3)
}

// The proposer dies after one voter has accepted: what that one holds is what is decided, whoever finishes it.
func TestUnfinishedValueIsFinished(t *testing.T) {
	g := newGroup(t, 3, 0)
	g.propose(1, "v")
	g.deliver(func(m Message) bool { return m.Kind != Accepted && (m.Kind != Accept || m.To == 2) })
	left := g.registers[2].Unfinished()
	if string(left) != "v" || g.registers[3].Unfinished() != nil {
		t.Fatalf("unfinished: %q and %q", left, g.registers[3].Unfinished())
	}
	g.propose(3, "w")
	g.deliver(func(m Message) bool { return m.From != 1 && m.To != 1 })
	g.want("v", 2, 3)
}

func TestElsewhere(t *testing.T) {
	g := newGroup(t, 3, 0)
	g.propose(1, "v")
	question := g.sent[0]
	for _, c := range []struct {
		known uint64
		want  Ready
	}{
		{3, Ready{}},
		{8, Ready{Fetch: 2, FetchTo: 8}},
		{900, Ready{Fetch: 2, FetchTo: 900}},
	} {
		answer, ok := Refuse(question, c.known)
		if err := g.registers[1].Receive(0, answer); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if rd := g.take(1); rd.Fetch != c.want.Fetch || rd.FetchTo != c.want.FetchTo {
			t.Errorf("known %d: %+v", c.known, rd)
		}
	}
	told, ok := Tell(question, testParent, []byte("w"))
	if err := g.registers[1].Receive(0, told); !ok || err != nil {
		t.Fatal(ok, err)
	}
	g.take(1)
	g.want("w", 1)
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		known, epoch uint64
		want         Place
	}{{7, 1, Past}, {7, 7, Past}, {7, 8, Here}, {7, 9, Future}, {0, 1, Here}} {
		if got := Judge(c.known, c.epoch); got != c.want {
			t.Errorf("epoch %d at %d: %d", c.epoch, c.known, got)
		}
	}
	prepare, accepted := asked(Prepare, 2, 1, Ballot{1, 2}, ""), asked(Accepted, 2, 1, Ballot{1, 1}, "")
	if _, ok := Refuse(prepare, 7); ok {
		t.Error("refused where it belongs")
	}
	if _, ok := Tell(prepare, Hash{1}, []byte("v")); ok {
		t.Error("told to another lineage")
	}
	_, refused := Refuse(accepted, 9)
	if _, told := Tell(accepted, testParent, []byte("v")); refused || told {
		t.Error("answered an answer")
	}
}

// Proposers that all begin at once on a network that loses nothing, with round trips of 5 to 60 ms and first waits that may be
// far too short for them.
func TestDuelsEnd(t *testing.T) {
	worst, ballots, races := Time(0), 0, 2000
	for seed := range uint64(races) {
		rng := rand.New(rand.NewPCG(seed, 1))
		voters, proposers := 3+rng.IntN(5), 2+rng.IntN(3)
		took, begun, err := duel(rng, voters, proposers, Time(5+rng.IntN(56))*Millisecond)
		if err != nil {
			t.Fatalf("seed %d, %d voters, %d proposers: %v", seed, voters, proposers, err)
		}
		worst, ballots = max(worst, took), ballots+begun
	}
	t.Logf("%d duels, %.1f ballots each, the longest %.2f s", races, float64(ballots)/float64(races), float64(worst)/1e9)
}

func duel(rng *rand.Rand, voters, proposers int, trip Time) (took Time, ballots int, err error) {
	cfg := Config{Epoch: 2, Retry: Time(2+rng.IntN(250)) * Millisecond}
	for i := range voters {
		cfg.Voters = append(cfg.Voters, idOf(i))
	}
	var all []*Register
	var q events
	now := Time(0)
	take := func(i int) {
		for _, m := range all[i].Ready().Messages {
			q.push(event{at: now + trip/4 + Time(rng.Int64N(int64(trip)/2)), node: int(m.To/0x11) - 1, packet: packet{body: AppendMessage(nil, m)}})
		}
		if at, ok := all[i].NextTimer(); ok {
			q.push(event{at: at, node: i, kind: evTick})
		}
	}
	for i := range max(voters, proposers) {
		cfg.Self, cfg.Seed = idOf(i), rng.Uint64()
		r, err := New(cfg, nil)
		if err != nil {
			return 0, 0, err
		}
		all = append(all, r)
	}
	for i := range proposers {
		if err := all[i].Propose(0, []byte{byte(i)}); err != nil {
			return 0, 0, err
		}
		take(i)
	}
	undecided := func(r *Register) bool { return r.Decided() == nil }
	for slices.ContainsFunc(all, undecided) {
		e, ok := q.pop(20_000 * Millisecond)
		if !ok {
			return 0, 0, errors.New("not decided within 20 s")
		}
		now = e.at
		if e.kind == evTick {
			all[e.node].Tick(now)
		} else {
			m, err := DecodeMessage(e.packet.body)
			if err == nil {
				err = all[e.node].Receive(now, m)
			}
			if err != nil {
				return 0, 0, err
			}
		}
		take(e.node)
	}
	for _, r := range all {
		ballots += int(r.Stats().Ballots)
	}
	return now, ballots, nil
}
