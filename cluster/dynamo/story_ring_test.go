package dynamo

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/engine/object"
)

// The commands of rings that change. The other partitions stay where they are, unless N changes.
//
//	plan copying abc>cde        the next epoch, in which the partition moves from a, b, c to c, d, e; nobody lives in it yet
//	plan copying abc>cde lossy  the same, of a plan that accepts the loss of data
//	plan reading abc>cde        reads are of the new owners
//	plan stable cde             it has moved
//	plan stable cde elsewhere   the next epoch changes nothing of this partition
//	adopt a b                   a and b switch to the latest epoch; adopt all: everybody who is not crashed
//	move d [n]                  d takes n steps of what it has to move, or all that it can take before it has to wait
//	expect role d copy          what d has to do; copied: it has copied; none: nothing
//	expect stored nothing at a  a has no row of the partition

// plan makes the ring of the next epoch.
func (s *stage) plan(f []string) error {
	if len(f) < 2 {
		return errors.New("plan what?")
	}
	var st ring.Stage
	if err := st.UnmarshalText([]byte(f[0])); err != nil {
		return err
	}
	from, to, moves := strings.Cut(f[1], ">")
	if moves != (st != ring.Stable) {
		return fmt.Errorf("a stage %v of %s", st, f[1])
	}
	d := &ring.Document{
		Version: ring.DocumentVersion, Cluster: "aa", Name: "story", Epoch: s.ring.Epoch() + 1, Parent: ring.Hash{1},
		Replicas: len(from), Slots: ring.Slots / storyPartitions, Stage: st, Voters: []ring.NodeID{1},
	}
	for _, m := range s.ring.Members() {
		d.Members = append(d.Members, ring.Member{Node: m})
	}
	for p := range ring.Partition(storyPartitions) {
		list, since := s.cyclic(p, len(from)), s.ring.Since(p)
		if p == 0 {
			list = listOf(from)
		}
		d.Lists = append(d.Lists, list)
		if p == 0 && !slices.Contains(f, "elsewhere") || len(from) != s.ring.Replicas() || moves && len(from) != len(to) {
			since = d.Epoch
		}
		d.Since = append(d.Since, since)
	}
	if moves {
		s.addPlan(d, from, to, slices.Contains(f, "lossy"))
	}
	r, err := d.Ring()
	if err != nil {
		return err
	}
	s.ring, s.moving = r, f[1]
	return nil
}

func (s *stage) addPlan(d *ring.Document, from, to string, lossy bool) {
	d.Plan = &ring.PlanNote{Replicas: len(to), AcceptLoss: lossy}
	for _, m := range s.ring.Members() {
		d.Plan.Target = append(d.Plan.Target, ring.Target{Node: m})
	}
	d.Moving, d.Pending = []ring.Partition{0}, [][]uint16{listOf(to)}
	for p := ring.Partition(1); p < storyPartitions && len(from) != len(to); p++ {
		d.Moving, d.Pending = append(d.Moving, p), append(d.Pending, s.cyclic(p, len(to)))
	}
}

const storyPartitions = 16

// cyclic is the list of n nodes of a partition that the story is not about.
func (s *stage) cyclic(p ring.Partition, n int) (list []uint16) {
	for i := range n {
		list = append(list, uint16((int(p)*n+i)%len(s.nodes)))
	}
	return list
}

func listOf(names string) (list []uint16) {
	for _, c := range names {
		list = append(list, uint16(c-'a'))
	}
	return list
}

// adopt takes nodes into the latest epoch.
func (s *stage) adopt(f []string) error {
	for _, a := range s.nodes {
		if a.p == nil || !slices.Contains(f, "all") && !slices.Contains(f, a.name) {
			continue
		}
		s.epochs[a] = s.ring
		r := s.ring
		s.step(a, fmt.Sprintf("adopts epoch %d", r.Epoch()), func(p *Partition) { p.SwitchRing(s.now, r) })
	}
	s.deliverAll()
	return nil
}

// moves lets a node go on with what it has to move.
func (s *stage) moves(a *actor, f []string) error {
	steps := 10_000
	if len(f) > 0 {
		steps = int(number(f[0]))
	}
	for range steps {
		if a.p.Transfer().Busy {
			s.pass(Millisecond) // sources build their trees in ticks
		}
		t := a.p.Transfer()
		if t.Role == TransferNone || t.Done || t.Busy {
			return nil
		}
		s.step(a, "moves", func(p *Partition) { p.Move(s.now) })
		s.deliverAll()
	}
	if len(f) == 0 {
		return errors.New("it moves for ever")
	}
	return nil
}

func (s *stage) expectRole(f []string) error {
	if len(f) != 2 {
		return errors.New("expect role a none|copy|copied|clear")
	}
	a, err := s.node(f[0])
	if err != nil {
		return err
	}
	t := a.p.Transfer()
	role := t.Role.String()
	if t.Done {
		role = "copied"
	}
	if role != f[1] {
		return fmt.Errorf("%s has to %s: %+v", f[0], role, t)
	}
	return nil
}

// nothingAt checks that nodes store no row of the partition.
func (s *stage) nothingAt(names []string) error {
	for _, name := range names {
		a, err := s.node(name)
		if err != nil {
			return err
		}
		a.stored(object.SpaceData, func(_ object.NodeID, k object.RowKey, row []byte) {
			err = fmt.Errorf("%s stores %s", name, s.rowText(k, row))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// finishPlan carries out what is left of a plan, so that the end can be checked.
func (s *stage) finishPlan() error {
	commands := []string{"adopt all"}
	if s.ring.Stage() == ring.Copying {
		if err := s.runAll(commands); err != nil {
			return err
		}
		if err := s.moveAll(); err != nil {
			return err
		}
		commands = []string{"plan reading " + s.moving, "adopt all"}
	}
	if _, to, moves := strings.Cut(s.moving, ">"); moves {
		commands = append(commands, "plan stable "+to, "adopt all")
	}
	if err := s.runAll(commands); err != nil {
		return err
	}
	return s.moveAll()
}

func (s *stage) runAll(commands []string) error {
	for _, c := range commands {
		if err := s.run(c); err != nil {
			return fmt.Errorf("%s: %w", c, err)
		}
	}
	return nil
}

// moveAll lets all nodes move until none has anything left to do.
func (s *stage) moveAll() error {
	var t TransferStatus
	for range 200 {
		left := ""
		for _, a := range s.nodes {
			if err := s.moves(a, nil); err != nil {
				return err
			}
			if t = a.p.Transfer(); t.Role != TransferNone && !t.Done {
				left = a.name
			}
		}
		if left == "" {
			return nil
		}
		s.pass(100 * Millisecond)
	}
	return fmt.Errorf("a move does not end: %+v", t)
}
