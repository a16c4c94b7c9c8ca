package paxos

import (
	"slices"
	"testing"
)

// A group is some registers of one epoch whose messages a test brings by hand. Storing takes no time.
type group struct {
	t         *testing.T
	registers map[NodeID]*Register
	ids       []NodeID
	voters    []NodeID
	stored    map[NodeID]*State
	told      map[NodeID][]byte
	sent      []Message // and not yet delivered
	now       Time
}

var testParent = Hash{0xab, 0xcd}

// newGroup opens registers of voters 1..n and of more nodes after them.
func newGroup(t *testing.T, voters, more int) *group {
	g := &group{t: t, registers: map[NodeID]*Register{}, stored: map[NodeID]*State{}, told: map[NodeID][]byte{}}
	for id := NodeID(1); id <= NodeID(voters+more); id++ {
		g.ids = append(g.ids, id)
	}
	g.voters = g.ids[:voters]
	for _, id := range g.ids {
		g.restart(id)
	}
	return g
}

func (g *group) config(id NodeID) Config {
	return Config{Self: id, Epoch: 8, Parent: testParent, Voters: g.voters, Seed: uint64(id)}
}

func (g *group) restart(id NodeID) {
	g.t.Helper()
	r, err := New(g.config(id), g.stored[id])
	if err != nil {
		g.t.Fatal(err)
	}
	g.registers[id] = r
	g.take(id)
}

// take takes what a register wants done: it is stored and put aside to be delivered.
func (g *group) take(id NodeID) Ready {
	rd := g.registers[id].Ready()
	if rd.State != nil {
		g.stored[id] = rd.State
	}
	if rd.Decided != nil {
		g.told[id] = rd.Decided
	}
	g.sent = append(g.sent, rd.Messages...)
	return rd
}

func (g *group) propose(id NodeID, value string) {
	g.t.Helper()
	if err := g.registers[id].Propose(g.now, []byte(value)); err != nil {
		g.t.Fatal(err)
	}
	g.take(id)
}

// tick lets the wait of a proposer run out.
func (g *group) tick(id NodeID) {
	g.t.Helper()
	at, ok := g.registers[id].NextTimer()
	if !ok {
		g.t.Fatalf("node %d waits for nothing", id)
	}
	g.now = max(g.now, at)
	g.registers[id].Tick(g.now)
	g.take(id)
}

// deliver brings those waiting messages that pass, and what they cause, until there are none; the others are lost.
func (g *group) deliver(pass func(Message) bool) (delivered []Message) {
	g.t.Helper()
	for len(g.sent) > 0 {
		m := g.sent[0]
		g.sent = g.sent[1:]
		if pass != nil && !pass(m) {
			continue
		}
		delivered = append(delivered, m)
		if err := g.registers[m.To].Receive(g.now, m); err != nil {
			g.t.Fatal(err)
		}
		g.take(m.To)
	}
	return delivered
}

// round delivers what waits now, but not what that causes.
func (g *group) round() (delivered []Message) {
	g.t.Helper()
	waiting := g.sent
	g.sent = nil
	for _, m := range waiting {
		if err := g.registers[m.To].Receive(g.now, m); err != nil {
			g.t.Fatal(err)
		}
		g.take(m.To)
	}
	return waiting
}

// want checks who was told what.
func (g *group) want(value string, ids ...NodeID) {
	g.t.Helper()
	for _, id := range g.ids {
		told := string(g.told[id])
		if slices.Contains(ids, id) && told != value || !slices.Contains(ids, id) && told != "" {
			g.t.Errorf("node %d was told %q; %q is for %d", id, told, value, ids)
		}
	}
}

func kinds(messages []Message) (k []Kind) {
	for _, m := range messages {
		k = append(k, m.Kind)
	}
	return k
}

// asked makes a message of a node as it would be sent to another.
func asked(kind Kind, from, to NodeID, ballot Ballot, value string) Message {
	m := Message{Kind: kind, Epoch: 8, Parent: testParent, From: from, To: to, Ballot: ballot}
	if value != "" {
		m.Value = []byte(value)
	}
	return m
}
