package epoch

import "github.com/rondokv/rondo/cluster/ring"

// MemberStatus is what this node knows of a member. Only voters are reported to.
type MemberStatus struct {
	ID       ring.NodeID `json:"id"`
	Alive    bool        `json:"alive"`
	Leaving  bool        `json:"leaving,omitempty"`
	Voter    bool        `json:"voter,omitempty"`
	Reported bool        `json:"reported"` // this node was told, or is it
	Adopted  ring.Epoch  `json:"adopted,omitempty"`
	Progress
}

// Status is how things are, as this node sees it.
type Status struct {
	Self      ring.NodeID    `json:"self"`
	Cluster   string         `json:"cluster,omitempty"`
	Epoch     ring.Epoch     `json:"epoch"` // 0: waits to be admitted
	Hash      ring.Hash      `json:"hash"`
	Stage     ring.Stage     `json:"stage"`
	Adopted   ring.Epoch     `json:"adopted"`
	Removed   bool           `json:"removed,omitempty"`
	Seen      ring.Epoch     `json:"seen,omitempty"` // a node that waits: the ring that does not name it
	Voters    []ring.NodeID  `json:"voters,omitempty"`
	Conductor ring.NodeID    `json:"conductor,omitempty"`
	Auto      bool           `json:"auto"`
	Plan      *ring.PlanNote `json:"plan,omitempty"`
	Moving    int            `json:"moving,omitempty"`    // partitions
	Wait      string         `json:"wait,omitempty"`      // at the conductor: what the next epoch waits for
	WaitNodes []ring.NodeID  `json:"waitnodes,omitempty"` // and whom
	Proposing bool           `json:"proposing,omitempty"`
	Fetching  ring.NodeID    `json:"fetching,omitempty"` // who was asked for a newer document
	Waiting   []ring.NodeID  `json:"waiting,omitempty"`  // to be admitted
	Staged    []ring.Change  `json:"staged,omitempty"`
	// HandOut are survivors of the lineage before that were not reached yet.
	HandOut []ring.NodeID  `json:"hand_out,omitempty"`
	Members []MemberStatus `json:"members,omitempty"`
}

// Status returns how things are. Nothing in it may be changed.
func (m *Machine) Status() Status {
	s := Status{Self: m.self, Removed: m.removed, Auto: m.auto, Fetching: m.catch.from, Staged: m.staged.changes}
	for _, w := range m.view.Waiting {
		if m.doc == nil || m.doc.Member(w.ID) == nil {
			s.Waiting = append(s.Waiting, w.ID)
		}
	}
	if m.doc == nil {
		s.Seen = m.catch.seen
		return s
	}
	d := m.doc
	s.Cluster, s.Epoch, s.Hash, s.Stage, s.Adopted, s.Voters = d.Cluster, d.Epoch, m.hash, d.Stage, m.adopted, d.Voters
	s.Conductor, s.Plan, s.Moving, s.Proposing = m.Conductor(), d.Plan, len(d.Moving), m.conduct.proposing
	if m.lineage != nil {
		s.HandOut = m.lineage.to
	}
	if w := m.conduct.wait; w != nil {
		s.Wait, s.WaitNodes = w.String(), w.Nodes
	}
	for i := range d.Members {
		s.Members = append(s.Members, m.memberStatus(&d.Members[i]))
	}
	for _, v := range d.Voters {
		for i := range s.Members {
			if s.Members[i].ID == v {
				s.Members[i].Voter = true
			}
		}
	}
	return s
}

func (m *Machine) memberStatus(x *ring.Member) MemberStatus {
	s := MemberStatus{ID: x.ID, Alive: m.alive(x.ID), Leaving: x.Leaving}
	if x.ID == m.self {
		s.Reported, s.Adopted, s.Progress = true, m.adopted, m.progress
	} else if k := m.known[x.ID]; k != nil {
		s.Reported, s.Adopted, s.Progress = k.reported, k.adopted, k.progress
	}
	return s
}
