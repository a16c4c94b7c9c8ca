package epoch

import (
	"fmt"
	"slices"

	"github.com/rondokv/rondo/cluster/ring"
)

// recovery is the beginning of a new lineage: every survivor has to say first what it knows, so that the newest document of
// the old one is what it comes from.
type recovery struct {
	id     uint64
	cmd    Command
	until  Time
	silent []ring.NodeID // survivors that have not answered
}

// heard notes that a survivor has said which epoch it knows. If that is newer than ours it is fetched, as always.
func (r *recovery) heard(from ring.NodeID, _ ring.Epoch) {
	r.silent = slices.DeleteFunc(r.silent, func(id ring.NodeID) bool { return id == from })
}

// lineage is the handing out of a new lineage to the survivors that are in the old one.
type lineage struct {
	old string
	to  []ring.NodeID
}

// beginRecovery asks the survivors for what they know.
func (m *Machine) beginRecovery(now Time, id uint64, c Command) (Code, string) {
	switch {
	case m.recovery != nil:
		return CodeBusy, ""
	case !slices.Contains(c.Survivors, m.self):
		return CodeRefused, "this node is to be a survivor"
	}
	r := &recovery{id: id, cmd: c, until: now + m.limits.ProposeTimeout}
	r.silent = slices.DeleteFunc(slices.Clone(c.Survivors), func(x ring.NodeID) bool { return x == m.self })
	if m.conduct.proposing {
		m.withdraw()
	}
	m.recovery = r
	m.recover(now)
	return CodeOK, ""
}

// checkRecovery says what speaks against a recovery, on the newest document. That the voters are lost for good is what the
// operator swears.
func (m *Machine) checkRecovery(c Command) (why string) {
	left := 0
	for _, s := range c.Survivors {
		if m.doc.Member(s) == nil {
			return fmt.Sprintf("node %016x is no member", s)
		}
		if slices.Contains(m.doc.Voters, s) {
			left++
		}
	}
	if left > len(m.doc.Voters)/2 {
		return fmt.Sprintf("%d of %d voters are left: they can still decide", left, len(m.doc.Voters))
	}
	for i := range m.doc.Members {
		if x := m.doc.Members[i].ID; m.view.Alive != nil && m.alive(x) && !slices.Contains(c.Survivors, x) {
			return fmt.Sprintf("node %016x is alive and no survivor", x)
		}
	}
	return ""
}

// recover goes on with a recovery.
func (m *Machine) recover(now Time) {
	r := m.recovery
	if r == nil {
		return
	}
	done := func(code Code, text string) {
		m.recovery = nil
		m.outcomes = append(m.outcomes, Outcome{ID: r.id, Kind: CommandRecover, Code: code, Text: text, Epoch: m.doc.Epoch})
	}
	if len(r.silent) > 0 || m.catch.from != 0 {
		if now >= r.until {
			done(CodeRefused, "survivors do not answer: "+ring.Names(r.silent))
			return
		}
		for _, id := range r.silent {
			m.send(id, appendWant(nil, m.doc.Cluster, m.doc.Epoch+1))
		}
		return
	}
	if why := m.checkRecovery(r.cmd); why != "" {
		done(CodeRefused, why)
		return
	}
	d, err := ring.Recover(m.doc, r.cmd.Survivors, r.cmd.Cluster)
	if err != nil {
		done(CodeRefused, err.Error())
		return
	}
	encoded, err := d.Encode()
	if err != nil {
		done(CodeRefused, err.Error())
		return
	}
	m.lineage = &lineage{old: m.doc.Cluster}
	for _, id := range r.cmd.Survivors {
		if id != m.self {
			m.lineage.to = append(m.lineage.to, id)
		}
	}
	m.store(now, d, encoded)
	m.event(Event{Kind: EventRecovered, Epoch: d.Epoch, Stage: d.Stage, Node: m.self, Text: d.Cluster})
	done(CodeOK, "")
	m.handOut()
}

// handOut brings the new lineage to the survivors, until each has said that it knows it.
func (m *Machine) handOut() {
	l := m.lineage
	if l == nil {
		return
	}
	l.to = slices.DeleteFunc(l.to, func(id ring.NodeID) bool { return m.doc.Member(id) == nil })
	if len(l.to) == 0 {
		m.lineage = nil
		return
	}
	body := appendLineage(nil, l.old, m.encoded)
	for _, id := range l.to {
		m.send(id, body)
	}
}

// receiveLineage takes over a new lineage in which this node survives.
func (m *Machine) receiveLineage(now Time, from ring.NodeID, old string, encoded []byte) error {
	d, err := ring.DecodeDocument(encoded)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrRefused, err)
	case m.doc == nil || m.removed:
		return nil
	case d.Cluster == m.doc.Cluster:
		m.send(from, m.heard())
		return nil
	case old != m.doc.Cluster:
		return fmt.Errorf("%w: a lineage that follows %.40q", ErrForeign, old)
	case d.Epoch <= m.doc.Epoch || !stays(d, m.self):
		return fmt.Errorf("%w: a lineage that begins with epoch %d", ErrRefused, d.Epoch)
	}
	m.recovery = nil
	m.store(now, d, slices.Clone(encoded))
	m.send(from, m.heard())
	m.event(Event{Kind: EventRecovered, Epoch: d.Epoch, Stage: d.Stage, Node: from, Text: d.Cluster})
	return nil
}

// stays says whether the node is to be a member once the document's plan is done.
func stays(d *ring.Document, id ring.NodeID) bool {
	if d.Plan == nil {
		return d.Member(id) != nil
	}
	return slices.ContainsFunc(d.Plan.Target, func(t ring.Target) bool { return t.ID == id })
}
