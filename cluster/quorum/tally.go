package quorum

import "math/bits"

// Verdict is what the answers so far mean.
type Verdict uint8

// The verdicts. Won and Lost are final.
const (
	Pending Verdict = iota // neither is certain
	Won                    // enough have answered
	Lost                   // those that have not failed are not enough
)

func (v Verdict) String() string {
	switch v {
	case Pending:
		return "pending"
	case Won:
		return "won"
	case Lost:
		return "lost"
	}
	return "no verdict"
}

// Tally counts the answers to one operation. The zero value counts nothing and is Pending for ever: see Start.
//
// Invariant: acked and failed share no bit.
type Tally struct {
	nodes         []Node
	acked, failed uint64 // by index in nodes
	count         int    // of groups
	groups        [2 * MaxReplicas]group
}

// Ack counts node i: it holds the write durably, or has answered the read.
func (t *Tally) Ack(i int) Verdict {
	t.acked |= t.open(i)
	return t.Verdict()
}

// Fail counts node i out: it is unreachable, has refused, could not read its row, or is a fallback without a hint.
func (t *Tally) Fail(i int) Verdict {
	t.failed |= t.open(i)
	return t.Verdict()
}

// open is the bit of a node that has not answered. An index that names nobody has none.
func (t *Tally) open(i int) uint64 {
	if i < 0 || i >= len(t.nodes) {
		return 0
	}
	return 1 << i &^ (t.acked | t.failed)
}

// Restart forgets all answers, for an operation that is stamped and sent again: only acks of the new stamp count.
func (t *Tally) Restart() { t.acked, t.failed = 0, 0 }

// Acked says whether node i has acked, Failed whether it has failed. One that has done neither may still.
func (t *Tally) Acked(i int) bool { return i >= 0 && i < len(t.nodes) && t.acked>>i&1 != 0 }

// Failed is described with Acked.
func (t *Tally) Failed(i int) bool { return i >= 0 && i < len(t.nodes) && t.failed>>i&1 != 0 }

// Verdict is what the answers so far mean.
func (t *Tally) Verdict() Verdict {
	if t.count == 0 {
		return Pending
	}
	v := Won
	for i := range t.groups[:t.count] {
		g := &t.groups[i]
		if bits.OnesCount64(g.mask&^t.failed) < int(g.need) {
			return Lost
		}
		if bits.OnesCount64(g.mask&t.acked) < int(g.need) {
			v = Pending
		}
	}
	return v
}

// Count is how far one condition of a level is: the words of "need 2 of 3 home replicas, 1 reachable" and of "acks 1 of 2".
type Count struct {
	Have int    // nodes that acked, or that have not failed
	Need int    // for the level
	Of   int    // home replicas there are
	DC   string // the datacenter that they are in, for the levels by datacenter
}

// Acks counts those that have acked. Where a level has several conditions (datacenters, the two lists of a transition) it
// is the one furthest from being met, the first of equals.
func (t *Tally) Acks() Count { return t.worst(t.acked) }

// Reachable counts those that have not failed, as Acks does.
func (t *Tally) Reachable() Count { return t.worst(^t.failed) }

// Need is how many answers the condition of Acks needs, Have how many it has.
func (t *Tally) Need() int { return t.Acks().Need }

// Have is described with Need.
func (t *Tally) Have() int { return t.Acks().Have }

// Check says before anything is sent whether the level can still be met: nil or an *UnavailableError.
func (t *Tally) Check() error {
	if t.Verdict() != Lost {
		return nil
	}
	return &UnavailableError{Count: t.Reachable()}
}

func (t *Tally) worst(who uint64) (c Count) {
	worst := -1
	for i := range t.groups[:t.count] {
		g := &t.groups[i]
		have := bits.OnesCount64(g.mask & who)
		if worst >= 0 && int(g.need)-have <= c.Need-c.Have {
			continue
		}
		worst = i
		c = Count{Have: have, Need: int(g.need), Of: int(g.of)}
	}
	if worst >= 0 && t.groups[worst].dc {
		// All of a mask are in the datacenter, so its lowest names it.
		c.DC = t.nodes[bits.TrailingZeros64(t.groups[worst].mask)].DC
	}
	return c
}

// Needs reports whether an ack of node i would bring any condition of the level nearer to being met.
func (t *Tally) Needs(i int) bool {
	for j := range t.groups[:t.count] {
		g := &t.groups[j]
		if i >= 0 && i < len(t.nodes) && g.mask&^t.acked>>i&1 != 0 && bits.OnesCount64(g.mask&t.acked) < int(g.need) {
			return true
		}
	}
	return false
}

// Counts reports whether an answer of node i counts toward any condition of the level.
func (t *Tally) Counts(i int) bool {
	for j := range t.groups[:t.count] {
		if i >= 0 && i < len(t.nodes) && t.groups[j].mask>>i&1 != 0 {
			return true
		}
	}
	return false
}
