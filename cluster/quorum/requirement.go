package quorum

// MaxNodes is how many nodes one operation can count on: two lists, and as many fallbacks.
const MaxNodes = 64

// Lists says on which preference lists of a partition a node is. Outside transitions there is one list, Before.
type Lists uint8

// The lists: of the owners in force, and while a partition moves of those that it moves to.
const (
	Before Lists = 1 << iota
	After
)

// Node is one node that can answer.
type Node struct {
	DC string // "" in a ring without datacenters
	Of Lists  // lists that it is on; for a fallback, those whose owners it stands in for
	// Fallback: the node is on no list. It counts at SLOPPY, and for writes at ANY.
	Fallback bool
}

// Requirement is what one operation needs.
type Requirement struct {
	Choice Choice
	Write  bool   // ANY differs: for reads it is ONE
	Local  string // datacenter of the coordinator, for LOCAL_*
	// Nodes are the home replicas of both lists and the fallbacks, each node once, in any order.
	// The tally reads them as long as it lives: they must not change.
	Nodes []Node
}

// home counts the home replicas on a list, in one datacenter or ("") in all.
func (r *Requirement) home(of Lists, dc string) (n int) {
	for i := range r.Nodes {
		if node := &r.Nodes[i]; !node.Fallback && node.Of&of != 0 && (dc == "" || node.DC == dc) {
			n++
		}
	}
	return n
}

// list is one preference list among the nodes.
type list struct {
	of    Lists
	homes int    // home replicas on it
	mask  uint64 // who counts for it, by index in Nodes
}

// lists looks at all nodes once.
func (r *Requirement) lists() (before, after list) {
	before.of, after.of = Before, After
	for i := range r.Nodes {
		node := &r.Nodes[i]
		counts := !node.Fallback || r.Choice.Sloppy
		for _, l := range [...]*list{&before, &after} {
			if node.Of&l.of == 0 {
				continue
			}
			if !node.Fallback {
				l.homes++
			}
			if counts {
				l.mask |= 1 << i
			}
		}
	}
	return before, after
}

// group is one condition: need answers among the nodes of mask. A requirement is won when all its groups are.
type group struct {
	mask     uint64 // by index in Nodes
	need, of uint8  // answers needed; home replicas among the nodes
	dc       bool   // all nodes of mask are in one datacenter, by the level
}

// Start begins to count for r, whatever t counted before. The error is a *LevelError when the ring can never satisfy the
// level, ErrNodes when there is no such ring, a *ParseError when there is no such level; t is then unusable.
func (t *Tally) Start(r Requirement) error {
	t.nodes, t.acked, t.failed, t.count = r.Nodes, 0, 0, 0
	if !r.Choice.Level.Valid() {
		return newParseError(r.Choice.Level.String())
	}
	if len(r.Nodes) > MaxNodes {
		return ErrNodes
	}
	before, after := r.lists()
	if before.homes+after.homes == 0 || before.homes > MaxReplicas || after.homes > MaxReplicas {
		return ErrNodes
	}
	if r.Choice.Level == Any {
		if r.Write {
			t.add(group{mask: r.everybody(), need: 1, of: uint8(r.home(Before|After, ""))})
			return nil
		}
		r.Choice.Level = One
	}
	if before.homes > 0 {
		if err := t.addList(&r, before); err != nil {
			return err
		}
	}
	if after.homes > 0 {
		return t.addList(&r, after)
	}
	return nil
}

// addList adds what the level needs of one list.
func (t *Tally) addList(r *Requirement, l list) error {
	level, of := r.Choice.Level, l.of
	switch level {
	case LocalOne, LocalQuorum:
		return t.addDC(r, of, r.Local)
	case EachQuorum:
		for i := range r.Nodes {
			node := &r.Nodes[i]
			if node.Fallback || node.Of&of == 0 || r.earlier(i, of) {
				continue
			}
			if err := t.addDC(r, of, node.DC); err != nil {
				return err
			}
		}
		return nil
	}
	need := level.need(l.homes)
	if need > l.homes {
		return &LevelError{Level: level, Need: need, Have: l.homes}
	}
	t.add(group{mask: l.mask, need: uint8(need), of: uint8(l.homes)})
	return nil
}

// addDC adds what the level needs of a list in one datacenter.
func (t *Tally) addDC(r *Requirement, of Lists, dc string) error {
	level, n := r.Choice.Level, 0
	if dc != "" {
		n = r.home(of, dc)
	}
	if n == 0 {
		return &LevelError{Level: level, Need: 1, DC: dc}
	}
	t.add(group{mask: r.who(of, dc), need: uint8(level.need(n)), of: uint8(n), dc: true})
	return nil
}

func (t *Tally) add(g group) {
	t.groups[t.count] = g
	t.count++
}

// earlier says whether a home replica before i on the list is in i's datacenter.
func (r *Requirement) earlier(i int, of Lists) bool {
	for j := range i {
		if node := &r.Nodes[j]; !node.Fallback && node.Of&of != 0 && node.DC == r.Nodes[i].DC {
			return true
		}
	}
	return false
}

// who is the nodes that count for a list, in one datacenter or ("") in all.
func (r *Requirement) who(of Lists, dc string) (mask uint64) {
	for i := range r.Nodes {
		node := &r.Nodes[i]
		if node.Of&of != 0 && (dc == "" || node.DC == dc) && (!node.Fallback || r.Choice.Sloppy) {
			mask |= 1 << i
		}
	}
	return mask
}

func (r *Requirement) everybody() uint64 { return ^uint64(0) >> (MaxNodes - len(r.Nodes)) }
