package ring

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// MaxChanges bounds the changes of one plan.
const MaxChanges = 2 * MaxNodes

// Why a plan is refused; test with errors.Is.
var (
	// ErrPlanned: a plan is under way; one at a time.
	ErrPlanned = errors.New("ring: a plan is under way")
	// ErrChange: a change makes no sense for these members; the text says which.
	ErrChange = errors.New("ring: bad change")
	// ErrUnknown: a change names a node that is no member.
	ErrUnknown = errors.New("ring: no such member")
	// ErrLast: nobody would be left to own anything.
	ErrLast = errors.New("ring: the last node cannot go")
	// ErrLoss: partitions that move have lost the majority of their owners. See LossError.
	ErrLoss = errors.New("ring: data may be lost")
	// ErrStage: the stage does not allow it.
	ErrStage = errors.New("ring: not at this stage")
	// ErrNothing: the changes change nothing.
	ErrNothing = errors.New("ring: nothing changes")
)

// LossError refuses a plan that would go on from too few owners.
type LossError struct {
	Partitions int       // how many
	First      Partition // one of them
	Dead       []NodeID  // its owners that are dead
}

func (e *LossError) Error() string {
	return fmt.Sprintf("%v: a majority of the owners of %d partitions is dead (of partition %d: %s)", ErrLoss, e.Partitions, e.First, Names(e.Dead))
}

// Unwrap makes it an ErrLoss.
func (e *LossError) Unwrap() error { return ErrLoss }

// PlanOptions of Propose.
type PlanOptions struct {
	AcceptLoss bool              // go on from whoever is left where a majority of owners is dead
	Alive      func(NodeID) bool // nil: everybody
	By         string            // noted in the plan, for people
}

// Proposal is what a plan would do.
type Proposal struct {
	// Next is the document to propose: at stage Copying, or Stable where nothing has to move.
	Next *Document
	// Moves is how many vnodes come to be on nodes that did not hold their partition, Bound what no plan for the same
	// members could go below.
	Moves, Bound int
	// Partitions is how many get another list; in Reordered of them only the order changes.
	Partitions, Reordered int
	Nodes                 []NodeFigure // all members before and after, by id
	Warnings              []Relaxation // wishes that cannot be met afterwards
}

// NodeFigure is what a plan does to one node.
type NodeFigure struct {
	ID            NodeID
	Before, After int // vnodes
	In            int // vnodes that it has to copy
	Firsts        int // first places afterwards
	FirstsBefore  int
	Share         float64 // of all vnodes afterwards
	Joins, Goes   bool
}

// Propose makes the document that carries out the changes, in their order. The document is not changed.
func (d *Document) Propose(changes []Change, o PlanOptions) (*Proposal, error) {
	if d.Stage != Stable {
		return nil, fmt.Errorf("%w: it is %v", ErrPlanned, d.Stage)
	}
	if o.Alive == nil {
		o.Alive = func(NodeID) bool { return true }
	}
	s, err := d.staged(changes, o)
	if err != nil {
		return nil, err
	}
	next, err := s.document(o)
	if err != nil {
		return nil, err
	}
	if err := next.check(); err != nil {
		return nil, err
	}
	if len(next.Moving) > 0 && !o.AcceptLoss {
		if err := next.loss(o.Alive); err != nil {
			return nil, err
		}
	}
	return s.proposal(next), nil
}

// loss says which moving partitions have no majority of old owners alive.
func (d *Document) loss(alive func(NodeID) bool) error {
	r, err := d.Ring()
	if err != nil {
		return err
	}
	e := &LossError{}
	for _, p := range d.Moving {
		if r.Enough(p, alive) {
			continue
		}
		if e.Partitions++; e.Partitions == 1 {
			e.First = p
			e.Dead = slices.DeleteFunc(slices.Clone(r.PreferenceList(p)), alive)
		}
	}
	if e.Partitions > 0 {
		return e
	}
	return nil
}

// document places the partitions for the target and says how they get there.
func (s *staging) document(o PlanOptions) (*Document, error) {
	d := s.from
	var target []Node
	note := &PlanNote{By: o.By, Changes: s.changes, AcceptLoss: o.AcceptLoss, Replicas: s.replicas, PerDC: s.perDC}
	for _, m := range s.target {
		note.Target = append(note.Target, Target{m.Node, m.Leaving})
		if !m.Leaving {
			target = append(target, m.Node)
		}
	}
	if len(target) == 0 {
		return nil, ErrLast
	}
	opts := Options{Replicas: s.replicas, PerDC: s.perDC, SlotsPerPartition: d.Slots}
	before, err := d.Ring()
	if err != nil {
		return nil, err
	}
	plan, err := Rebuild(before.rename(s.heirs), target, opts)
	if err != nil {
		return nil, err
	}
	s.before, s.plan = before, plan
	s.moves = countNew(before, plan.Ring)
	if s.bound, err = lowerBound(before, target, opts); err != nil {
		return nil, err
	}
	note.Moves, note.Bound = s.moves, s.bound

	next := *d
	next.Epoch, next.Parent = d.Epoch+1, d.Hash()
	next.Stage, next.Plan, next.Members = Copying, note, s.union
	next.Lists = reindex(before, s.union)
	lists := reindex(plan.Ring, s.union)
	for p := range lists {
		if !slices.Equal(lists[p], next.Lists[p]) {
			next.Moving, next.Pending = append(next.Moving, Partition(p)), append(next.Pending, lists[p])
		}
	}
	next.Since = next.touched(next.Moving)
	if len(next.Moving) == 0 {
		done := next.finished()
		if done.Replicas == d.Replicas && slices.Equal(done.Members, d.Members) && maps.Equal(done.PerDC, d.PerDC) {
			return nil, ErrNothing
		}
		return done, nil
	}
	return &next, nil
}

// touched returns the epochs with that of the document for the partitions.
func (d *Document) touched(which []Partition) Epochs {
	since := slices.Clone(d.Since)
	for _, p := range which {
		since[p] = d.Epoch
	}
	return since
}

// finished is the document without its plan, which is carried out: target members, new lists, stable. Epoch and parent are kept.
func (d *Document) finished() *Document {
	next := *d
	next.Stage, next.Moving, next.Pending, next.Plan = Stable, nil, nil, nil
	next.Replicas, next.PerDC = d.Plan.Replicas, d.Plan.PerDC
	next.Members = make([]Member, len(d.Plan.Target))
	for i, t := range d.Plan.Target {
		m := *d.Member(t.ID)
		m.Node, m.Leaving = t.Node, t.Leaving
		next.Members[i] = m
	}
	lists := slices.Clone(d.Lists)
	for k, p := range d.Moving {
		lists[p] = d.Pending[k]
	}
	next.Lists = moveIndexes(lists, d.Members, next.Members)
	next.Voters = elect(d.Voters, next.Members)
	return &next
}

// moveIndexes writes the lists for other members, of which all that are on a list must be some.
func moveIndexes(lists [][]uint16, from, to []Member) [][]uint16 {
	became := make([]uint16, len(from))
	k := 0
	for i := range from {
		for k < len(to) && to[k].ID < from[i].ID {
			k++
		}
		became[i] = hole
		if k < len(to) && to[k].ID == from[i].ID {
			became[i] = uint16(k)
		}
	}
	out := make([][]uint16, len(lists))
	for p, list := range lists {
		out[p] = make([]uint16, len(list))
		for j, i := range list {
			out[p][j] = became[i]
		}
	}
	return out
}

// reindex writes the ring's lists as indexes into members.
func reindex(r *Ring, members []Member) [][]uint16 {
	from := make([]Member, len(r.members))
	for i, n := range r.members {
		from[i].Node = n
	}
	return moveIndexes(r.indexes(), from, members)
}
