package epoch

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/rondokv/rondo/cluster/paxos"
	"github.com/rondokv/rondo/cluster/ring"
)

// open opens the register of the epoch after the document, as it was saved.
func (m *Machine) open(saved []byte) error {
	cfg := paxos.Config{
		Self: paxos.NodeID(m.self), Epoch: uint64(m.doc.Epoch) + 1, Parent: paxos.Hash(m.hash),
		Seed: m.seed, Retry: paxos.Time(m.limits.Retry),
	}
	for _, v := range m.doc.Voters {
		cfg.Voters = append(cfg.Voters, paxos.NodeID(v))
	}
	var state *paxos.State
	if len(saved) > 0 {
		s, err := paxos.DecodeState(saved)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrOptions, err)
		}
		state = &s
	}
	r, err := paxos.New(cfg, state)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrOptions, err)
	}
	m.register, m.state = r, saved
	return nil
}

// keep notes that something is to be saved. The register's state always goes along: the newest is the only one that counts.
func (m *Machine) keep() *Save {
	if m.save == nil {
		m.save = &Save{}
	}
	m.save.Register = m.state
	return m.save
}

// drain does what the register asks for.
func (m *Machine) drain(now Time) {
	rd := m.register.Ready()
	if rd.State != nil && rd.Decided == nil {
		m.state = paxos.AppendState(nil, *rd.State)
		m.keep()
	}
	for _, x := range rd.Messages {
		m.send(ring.NodeID(x.To), appendPaxos(nil, x))
	}
	if rd.Fetch != 0 {
		m.Newer(now, ring.NodeID(rd.Fetch), ring.Epoch(rd.FetchTo))
	}
	if rd.Decided != nil {
		d, err := m.judge(rd.Decided)
		if err != nil { // no voter accepts such a value
			m.conflict(0, fmt.Sprintf("decided, but not to be read: %v", err))
			return
		}
		m.store(now, d, rd.Decided)
	}
}

// judge says whether a value may follow the document.
func (m *Machine) judge(value []byte) (*ring.Document, error) {
	d, err := ring.DecodeDocument(value)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	case d.Cluster != m.doc.Cluster:
		return nil, fmt.Errorf("%w: %.40q", ErrForeign, d.Cluster)
	case d.Epoch != m.doc.Epoch+1 || d.Parent != m.hash:
		return nil, fmt.Errorf("%w: epoch %d after %.8v, not %d after %.8v", ErrRefused, d.Epoch, d.Parent, m.doc.Epoch+1, m.hash)
	}
	return d, nil
}

// receivePaxos takes in a message of a register, ours or not.
func (m *Machine) receivePaxos(now Time, from ring.NodeID, body []byte) error {
	x, err := paxos.DecodeMessage(body)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if ring.NodeID(x.From) != from || ring.NodeID(x.To) != m.self {
		return fmt.Errorf("%w: %v from %d to %d, by %d", ErrRefused, x.Kind, x.From, x.To, from)
	}
	if m.doc == nil {
		m.Newer(now, from, ring.Epoch(x.Epoch-1))
		return nil
	}
	switch paxos.Judge(uint64(m.doc.Epoch), x.Epoch) {
	case paxos.Past:
		m.answerPast(x)
		return nil
	case paxos.Future:
		if back, ok := paxos.Refuse(x, uint64(m.doc.Epoch)); ok {
			m.send(from, appendPaxos(nil, back))
		}
		m.Newer(now, from, ring.Epoch(x.Epoch-1))
		return nil
	}
	// Two steps of one value come with the same bytes, which were looked at.
	if len(x.Value) > 0 && !bytes.Equal(x.Value, m.register.Unfinished()) {
		if _, err := m.judge(x.Value); err != nil {
			return err
		}
	}
	err = m.register.Receive(paxos.Time(now), x)
	m.drain(now)
	m.noteUnfinished(now)
	if errors.Is(err, paxos.ErrConflict) {
		m.conflict(from, "votes against what it has said before: "+err.Error())
		return fmt.Errorf("%w: %w", ErrConflict, err)
	}
	return err
}

// answerPast tells who is behind.
func (m *Machine) answerPast(x paxos.Message) {
	back, ok := paxos.Message{}, false
	if x.Epoch == uint64(m.doc.Epoch) {
		back, ok = paxos.Tell(x, paxos.Hash(m.doc.Parent), m.encoded)
	} else {
		back, ok = paxos.Refuse(x, uint64(m.doc.Epoch))
	}
	if ok {
		m.send(ring.NodeID(x.From), appendPaxos(nil, back))
	}
}

// store makes d the document: decided, and of a later epoch than ours.
func (m *Machine) store(now Time, d *ring.Document, encoded []byte) {
	was := m.doc
	m.doc, m.encoded, m.hash, m.state = d, encoded, d.Hash(), nil
	if err := m.open(nil); err != nil {
		m.conflict(0, err.Error()) // a document that was checked has voters
		return
	}
	m.keep().Document = d
	m.event(Event{Kind: EventDecided, Epoch: d.Epoch, Stage: d.Stage, Text: d.Stage.String()})
	m.forget(was)
	m.settle(now)
	if d.Member(m.self) == nil {
		m.leave()
		return
	}
	m.removed, m.adopt = false, d
	m.remind()
}

// leave notes that this node is no member any more. It goes on telling others what it knows, for as long as its driver lets it: it
// may be the only voter that heard of the document and is still there.
func (m *Machine) leave() {
	m.removed, m.adopt = true, nil
	for _, v := range m.doc.Voters {
		m.send(v, appendDocument(nil, m.encoded))
	}
	m.part()
	m.event(Event{Kind: EventRemoved, Epoch: m.doc.Epoch, Stage: m.doc.Stage, Node: m.self})
}

// conflict tells of ErrConflict; with is who has shown it, 0: nobody else.
func (m *Machine) conflict(with ring.NodeID, text string) {
	if with != 0 {
		text = fmt.Sprintf("node %016x %s", uint64(with), text)
	}
	e := Event{Kind: EventConflict, Node: with, Text: text}
	if m.doc != nil {
		e.Epoch, e.Stage = m.doc.Epoch, m.doc.Stage
	}
	m.event(e)
}
