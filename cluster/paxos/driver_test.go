package paxos

import (
	"crypto/sha256"
	"errors"
	"slices"
)

// sabotage breaks the driver: what a disk that lies, a driver that hurries or one that reads the wrong document does.
type sabotage struct {
	promiseLost   bool // promises to others are not stored
	ballotLost    bool // promises to itself, its own ballots, are not stored
	acceptLost    bool // what was accepted is not stored
	sendFirst     bool // messages leave before the state is stored
	diskLost      bool // every second crash loses the disk, and the node comes back under its old id
	ownNewVoters  bool // the voters are those of the document that the node proposes
	outOfOrder    bool // a Ready that has nothing to store overtakes one that is being stored
	stateReplaced bool // an older state is stored over a newer one, now and then
}

// disk is what survives a crash.
type disk struct {
	docs   map[uint64][]byte
	states map[uint64][]byte
}

// node drives the register after the last document that it knows.
type node struct {
	w        *world
	index    int
	id       NodeID
	proposer bool
	disk     disk

	// What a crash loses.
	up       bool
	life     int
	known    uint64
	register *Register
	mine     []byte // what this life proposed last
	queue    []Ready
	storing  bool
	timer    Time
}

// start begins a life, unless there is one.
func (n *node) start() {
	if n.up {
		return
	}
	n.up = true
	n.life++
	n.queue, n.storing, n.timer, n.register, n.known = nil, false, 0, nil, 1
	for n.disk.docs[n.known+1] != nil {
		n.known++
	}
	n.open()
	n.event(evGossip)
}

func (n *node) crash() {
	if !n.up {
		return
	}
	n.up = false
	n.w.after(n.w.around(n.w.plan.downFor), event{kind: evStart, node: n.index})
	n.w.counts.Crashes++
	n.count()
	if n.storing && n.w.rng.IntN(2) == 0 {
		n.store(*n.queue[0].State)
		n.queue = n.queue[1:]
		n.w.counts.StoredUntold++
	}
	for _, rd := range n.queue {
		if rd.State != nil {
			n.w.counts.StatesLost++
		}
	}
	if n.w.sabotage.diskLost && n.w.rng.IntN(2) == 0 {
		clear(n.disk.states)
	}
}

// count adds the register's counts, once a register.
func (n *node) count() {
	if n.register == nil {
		return
	}
	s := n.register.Stats()
	n.w.counts.Ballots += int(s.Ballots)
	n.w.counts.Outbid += int(s.Outbid)
	n.w.counts.Resent += int(s.Resent)
	if s.Dropped != 0 {
		n.w.fail("node %x dropped %d messages", n.id, s.Dropped)
	}
	n.register = nil
}

// open opens the register after the last document known. After the last of the chain there is none; its own stays open.
func (n *node) open() {
	if n.known == n.w.plan.target {
		return
	}
	n.count()
	last := n.disk.docs[n.known]
	cfg := Config{
		Self: n.id, Epoch: n.known + 1, Parent: sha256.Sum256(last), Voters: votersOf(last),
		Seed: n.w.rng.Uint64(), Retry: n.w.plan.retry, RetryMax: 10 * n.w.plan.retry,
	}
	n.mine = n.draw()
	if n.w.sabotage.ownNewVoters && n.proposer {
		cfg.Voters = votersOf(n.mine)
	}
	var restored *State
	if b := n.disk.states[cfg.Epoch]; b != nil {
		s, err := DecodeState(b)
		if err != nil {
			n.w.fail("node %x: %v", n.id, err)
		}
		restored = &s
	}
	r, err := New(cfg, restored)
	if err != nil {
		n.w.fail("node %x: %v", n.id, err)
		return
	}
	n.register = r
	n.step()
	if n.proposer {
		n.later(n.w.around(n.w.plan.eager), evPropose)
	}
}

// draw makes a body that nobody has proposed before.
func (n *node) draw() []byte {
	count := 3 + n.w.rng.IntN(5)
	if n.w.rng.IntN(8) == 0 {
		count = 1 + n.w.rng.IntN(2)
	}
	d := document{epoch: n.known + 1, parent: sha256.Sum256(n.disk.docs[n.known]), voters: n.w.pickVoters(count), tag: n.w.rng.Uint64()}
	return d.append(nil)
}

func (n *node) later(d Time, kind eventKind) {
	n.w.after(d, event{kind: kind, node: n.index, life: n.life})
}

func (n *node) event(kind eventKind) {
	switch kind {
	case evStored:
		rd := n.queue[0]
		n.queue, n.storing = n.queue[1:], false
		n.store(*rd.State)
		n.act(rd)
		n.pump()
	case evFall:
		if !n.w.quiet {
			n.crash()
		}
	case evTick:
		n.timer = 0
		if n.register != nil {
			n.register.Tick(n.w.now)
			n.step()
		}
	case evPropose:
		n.propose()
	case evGossip:
		to := n.w.rng.IntN(len(n.w.nodes))
		if to != n.index {
			n.w.send(packet{kind: pkGossip, from: n.index, to: to, known: n.known})
		}
		n.later(n.w.around(400*Millisecond), evGossip)
	}
}

func (n *node) propose() {
	if n.register == nil || n.register.Decided() != nil {
		return
	}
	if n.w.rng.IntN(10) == 0 && !n.w.quiet {
		n.register.Withdraw()
		n.mine = n.draw()
		n.later(n.w.around(n.w.plan.eager), evPropose)
	}
	n.w.proposed[string(n.mine)] = true
	if err := n.register.Propose(n.w.now, n.mine); err != nil {
		n.w.fail("node %x: %v", n.id, err)
	}
	n.step()
}

// step takes what the register wants done and does it in order.
func (n *node) step() {
	if rd := n.register.Ready(); !rd.Empty() {
		if n.w.sabotage.sendFirst {
			n.send(rd.Messages)
			rd.Messages = nil
		}
		if n.w.sabotage.outOfOrder && rd.State == nil {
			n.act(rd)
		} else {
			n.queue = append(n.queue, rd)
		}
	}
	n.pump()
	if n.register == nil {
		return
	}
	if at, ok := n.register.NextTimer(); ok && (n.timer == 0 || at < n.timer || n.timer <= n.w.now) {
		n.timer = at
		n.later(max(at-n.w.now, 0), evTick)
	}
}

func (n *node) pump() {
	for !n.storing && len(n.queue) > 0 {
		if n.queue[0].State != nil {
			n.storing = true
			n.later(n.w.around(n.w.plan.sync), evStored)
			return
		}
		rd := n.queue[0]
		n.queue = n.queue[1:]
		n.act(rd)
	}
}

// store writes a state, or what the sabotage leaves of it.
func (n *node) store(s State) {
	old := State{Epoch: s.Epoch, Parent: s.Parent}
	if b := n.disk.states[s.Epoch]; b != nil {
		old, _ = DecodeState(b)
	}
	b := n.w.sabotage
	if b.stateReplaced && n.w.rng.IntN(4) == 0 {
		return
	}
	if b.acceptLost && !s.Decided {
		s.Accepted, s.Value = old.Accepted, old.Value
	}
	if own := s.Promised.Node == n.id; !s.Decided && (b.promiseLost && !own || b.ballotLost && own) {
		s.Promised = old.Promised
		if s.Promised.Less(s.Accepted) {
			s.Promised = s.Accepted
		}
	}
	n.disk.states[s.Epoch] = AppendState(nil, s)
}

// act does what waited for the state of a Ready.
func (n *node) act(rd Ready) {
	n.send(rd.Messages)
	if rd.Fetch != 0 {
		n.fetch(int(rd.Fetch/0x11) - 1)
	}
	if rd.Decided == nil || n.known == n.w.plan.target {
		return
	}
	epoch := n.known + 1
	n.w.told(n, epoch, rd.Decided)
	if n.w.proposed[string(n.mine)] && string(n.mine) != string(rd.Decided) {
		n.w.counts.OtherValue++
	}
	n.disk.docs[epoch] = rd.Decided
	n.known = epoch
	n.open()
}

func (n *node) send(messages []Message) {
	for _, m := range messages {
		n.w.sent(n, m)
		n.w.send(packet{from: n.index, to: int(m.To/0x11) - 1, body: AppendMessage(nil, m)})
	}
	if len(messages) > 0 && !n.w.quiet && n.w.rng.Float64() < n.w.plan.crashSent {
		n.later(0, evFall)
	}
}

func (n *node) fetch(from int) {
	n.w.send(packet{kind: pkFetch, from: n.index, to: from, known: n.known})
}

func (n *node) packet(p packet) {
	if !n.up {
		return
	}
	switch p.kind {
	case pkRegister:
		m, err := DecodeMessage(p.body)
		if err != nil {
			n.w.fail("node %x: %v", n.id, err)
			return
		}
		n.w.note(uint64(m.Kind), m.Epoch, m.Ballot.Round, uint64(m.Ballot.Node))
		n.receive(m, p.from)
	case pkGossip:
		if p.known > n.known {
			n.fetch(p.from)
		}
	case pkFetch:
		if body := n.disk.docs[p.known+1]; body != nil && p.known < n.known {
			n.w.send(packet{kind: pkDocument, from: n.index, to: p.from, known: n.known, epoch: p.known + 1, body: body})
		}
	case pkDocument:
		n.document(p)
	}
}

// receive brings a message to its register, or answers for one that is not open.
func (n *node) receive(m Message, from int) {
	if n.register != nil && n.register.Epoch() == m.Epoch {
		err := n.register.Receive(n.w.now, m)
		if errors.Is(err, ErrConflict) || err != nil && !n.w.sabotage.ownNewVoters {
			n.w.fail("node %x: %v", n.id, err)
		}
		n.step()
		return
	}
	answer, ok := Message{}, false
	switch Judge(n.known, m.Epoch) {
	case Past:
		if n.w.rng.IntN(2) == 0 { // the other nodes have not kept it
			answer, ok = Tell(m, sha256.Sum256(n.disk.docs[m.Epoch-1]), n.disk.docs[m.Epoch])
		} else {
			answer, ok = Refuse(m, n.known)
		}
	case Future:
		answer, ok = Refuse(m, n.known)
		n.fetch(from)
	}
	if ok {
		n.send([]Message{answer})
	}
}

// document takes in a document that was fetched, as news of its decision.
func (n *node) document(p packet) {
	if n.register == nil || p.epoch != n.register.Epoch() || n.register.Decided() != nil {
		return
	}
	n.w.counts.Fetched++
	parent := sha256.Sum256(n.disk.docs[p.epoch-1])
	m := Message{Kind: Decided, Epoch: p.epoch, Parent: parent, From: idOf(p.from), To: n.id, Value: slices.Clone(p.body)}
	n.receive(m, p.from)
	if p.known > p.epoch {
		n.fetch(p.from)
	}
}
