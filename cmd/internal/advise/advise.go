package advise

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/engine/object"
)

// What may be advised.
const (
	Keep   = "keep"
	Add    = "add"
	Remove = "remove"
)

// Facts are what a node knows of all members at one moment.
type Facts struct {
	State    string         `json:"state"` // alone, forming: ..., formed
	Self     string         `json:"self"`
	Replicas int            `json:"replicas"` // as asked for
	PerDC    map[string]int `json:"replicas_by_dc,omitempty"`
	Epoch    uint64         `json:"epoch"`
	Stage    string         `json:"stage"` // of the ring; stable where nothing moves
	Moving   int            `json:"moving_partitions"`
	Staged   int            `json:"staged_changes"`
	Waiting  []string       `json:"waiting"`         // to be admitted
	NoQuorum int            `json:"no_quorum"`       // partitions without a majority of home replicas
	Partial  int            `json:"partial"`         // partitions that lack a home replica
	Members  []Member       `json:"members"`         // by id
	Error    string         `json:"error,omitempty"` // why the stage is not known
}

// Member is what is known of one member.
type Member struct {
	Node    object.NodeID `json:"-"` // for who gathers the facts
	ID      string        `json:"id"`
	Client  string        `json:"client"`
	DC      string        `json:"dc,omitempty"`
	Rack    string        `json:"rack,omitempty"` // empty: one of its own
	Weight  uint32        `json:"weight"`
	Leaving bool          `json:"leaving,omitempty"`
	Alive   bool          `json:"alive"`
	Load    float64       `json:"load"`             // as gossip has it: share of its processors in the last ten seconds
	Share   float64       `json:"share"`            // of all vnodes
	Silent  string        `json:"silent,omitempty"` // why the figures below are not known
	cluster.Usage
}

func (m *Member) known() bool { return m.Alive && m.Silent == "" }

// Limits are from where on nodes are missing, and until where they can be spared. Shares are of one.
type Limits struct {
	Disk     float64 `json:"disk"`      // of a node's room at most, after the loss of a node or rack
	CPU      float64 `json:"cpu"`       // of a node's processors at most, on average, after such a loss
	DiskLow  float64 `json:"disk_low"`  // nodes go only if this holds afterwards
	CPULow   float64 `json:"cpu_low"`   // and this, for the busiest ten seconds
	MinNodes int     `json:"min_nodes"` // 0: as many as there are to be copies
	MaxNodes int     `json:"max_nodes"` // 0: no bound
}

// DefaultLimits are for rings of any kind. Disk: a store that compacts needs room to write a level anew before the old one goes, and its writes are refused at the
// reserve. CPU: at 80 % a request waits four times as long as it takes, and copies of partitions come on top. Low: far enough
// below that what has just gone is not missed after the next third of growth.
func DefaultLimits() Limits {
	return Limits{Disk: 0.8, CPU: 0.8, DiskLow: 0.6, CPULow: 0.5}
}

// Check says which limit makes no sense, in the words of the command's flags.
func (l Limits) Check() error {
	for _, s := range []struct {
		name  string
		share float64
	}{{"disk-limit", l.Disk}, {"cpu-limit", l.CPU}, {"disk-low", l.DiskLow}, {"cpu-low", l.CPULow}} {
		if !(s.share > 0 && s.share <= 1) {
			return fmt.Errorf("--%s %g: expected a share above 0, up to 1", s.name, s.share)
		}
	}
	switch {
	case l.DiskLow >= l.Disk:
		return fmt.Errorf("--disk-low %g: expected less than --disk-limit, which is %g", l.DiskLow, l.Disk)
	case l.CPULow >= l.CPU:
		return fmt.Errorf("--cpu-low %g: expected less than --cpu-limit, which is %g", l.CPULow, l.CPU)
	case l.MinNodes < 0 || l.MaxNodes < 0 || l.MaxNodes > 0 && l.MaxNodes < l.MinNodes:
		return fmt.Errorf("--min-nodes %d and --max-nodes %d: expected at least 0, and a bound that is no less than the minimum", l.MinNodes, l.MaxNodes)
	}
	return nil
}

// Advice is what should be done, and why.
type Advice struct {
	Action  string     `json:"action"` // keep, add, remove
	Nodes   int        `json:"nodes"`  // as many
	Wanted  int        `json:"wanted"` // nodes in the ring after that
	Add     []Addition `json:"add"`
	Remove  []Removal  `json:"remove"`  // best first
	Reasons []Reason   `json:"reasons"` // why, the action's own first
	// What is left of disk and processors of the node that would have least, after the loss of the node or rack that would
	// hurt most; absent where it is not known.
	DiskHeadroom *float64 `json:"disk_headroom,omitempty"`
	CPUHeadroom  *float64 `json:"cpu_headroom,omitempty"`
}

// Addition is nodes of one kind for one place.
type Addition struct {
	Nodes  int    `json:"nodes"`
	Weight uint32 `json:"weight"`
	DC     string `json:"dc,omitempty"`
	Rack   string `json:"rack,omitempty"`
	// NewRack: in a rack that there is none of yet.
	NewRack bool `json:"new_rack,omitempty"`
}

// Removal is a node that is best to go.
type Removal struct {
	ID     string `json:"id"`
	Client string `json:"client"`
	DC     string `json:"dc,omitempty"`
	Rack   string `json:"rack,omitempty"`
}

// Reason is a finding: a code for programs and a sentence for people.
type Reason struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// advisor works out one advice.
type advisor struct {
	f      *Facts
	l      Limits
	out    Advice
	groups []*group
}

// Give says whether the ring needs nodes or can spare some. It is pure: the same facts give the same advice.
func Give(f Facts, l Limits) Advice {
	a := &advisor{f: &f, l: l, out: Advice{Action: Keep, Add: []Addition{}, Remove: []Removal{}, Reasons: []Reason{}}}
	for i := range f.Members {
		if !f.Members[i].Leaving {
			a.out.Wanted++
		}
	}
	if f.State != "formed" && f.State != "alone" || len(f.Members) == 0 {
		a.say("forming", "there is no ring to judge: this node is %s", f.State)
		return a.out
	}
	a.groups = groupMembers(&f)
	a.measure()
	a.warn()
	if a.changing() {
		a.out.Wanted += len(f.Waiting)
		return a.out
	}
	switch {
	case a.grow():
	case a.shrink():
	}
	a.conclude()
	return a.out
}

func (a *advisor) say(code, format string, args ...any) {
	a.out.Reasons = append(a.out.Reasons, Reason{code, fmt.Sprintf(format, args...)})
}

// first puts what was found last before all else.
func (a *advisor) first() {
	rs := a.out.Reasons
	last := rs[len(rs)-1]
	copy(rs[1:], rs)
	rs[0] = last
}

// changing says whether the ring changes already: what is measured now says little of what will be.
func (a *advisor) changing() bool {
	f, leaving := a.f, 0
	for i := range f.Members {
		if f.Members[i].Leaving {
			leaving++
		}
	}
	switch {
	case f.Error != "":
		a.say("unknown", "no advice: whether the ring is changing is not known: %s", f.Error)
	case f.Stage != "stable" || f.Moving > 0:
		a.say("moving", "no advice while a plan runs: the ring is %s, %d partitions move", f.Stage, f.Moving)
	case leaving > 0:
		a.say("moving", "no advice while %s", plural(leaving, "node leaves", "nodes leave"))
	case f.Staged > 0:
		a.say("staged", "no advice: a plan of %s is staged; commit or abort it", plural(f.Staged, "change", "changes"))
	case len(f.Waiting) > 0:
		a.say("waiting", "no advice: %s to be admitted: %s", plural(len(f.Waiting), "node waits", "nodes wait"), list(f.Waiting))
	default:
		return false
	}
	a.first()
	return true
}

// measure works out what the loss that would hurt most leaves.
func (a *advisor) measure() {
	for _, g := range a.groups {
		g.now = g.worst(g.nodes, average)
		a.out.DiskHeadroom = lesser(a.out.DiskHeadroom, g.now.disk)
		a.out.CPUHeadroom = lesser(a.out.CPUHeadroom, g.now.cpu)
	}
}

func lesser(old *float64, used pressure) *float64 {
	if left := 1 - used.share; used.known && (old == nil || left < *old) {
		return &left
	}
	return old
}

// maxAdd bounds how many nodes are asked for at once: a ring is at most doubled, small ones grow to eight.
func maxAdd(nodes int) int { return max(nodes, 8-nodes) }

// grow asks for nodes where some are missing.
func (a *advisor) grow() bool {
	room := a.l.MaxNodes - a.out.Wanted
	for _, g := range a.groups {
		why := a.lacks(g)
		if len(why) == 0 {
			continue
		}
		k, enough := a.size(g)
		if a.l.MaxNodes > 0 && k > room {
			a.say("bound", "--max-nodes %d: %s", a.l.MaxNodes, plural(k, "node more is needed", "nodes more are needed"))
			k = max(0, room)
		}
		room -= k
		a.out.Reasons = append(why, a.out.Reasons...)
		if !enough {
			a.say("bound", "%s%s more are not enough; look again after they have joined", g.in(), plural(k, "node", "nodes"))
		}
		if k > 0 {
			a.out.Action, a.out.Nodes = Add, a.out.Nodes+k
			a.out.Add = append(a.out.Add, g.places(k)...)
		}
	}
	a.out.Wanted += a.out.Nodes
	return a.out.Nodes > 0
}

// lacks says why a group needs nodes; nothing: it does not.
func (a *advisor) lacks(g *group) (why []Reason) {
	say := func(code, format string, args ...any) {
		why = append(why, Reason{code, g.in() + fmt.Sprintf(format, args...)})
	}
	if n := len(g.nodes); n < g.copies {
		say("few-nodes", "%d copies of each key are asked for, and %s no more than %d", g.copies, plural(n, "node keeps", "nodes keep"), n)
	} else if n < g.floor(a.l) {
		say("min-nodes", "%s, and --min-nodes is %d", plural(n, "node is there", "nodes are there"), a.l.MinNodes)
	}
	if p := g.now.disk; p.over(a.l.Disk) {
		say("disk", "%s, node %s would use %s of its room (%s); the limit is %s", p.after(), p.node.name(), percent(p.share), bytesText(p.node.room), percent(a.l.Disk))
	}
	if p := g.now.cpu; p.over(a.l.CPU) && g.sure(growWindow) {
		say("cpu", "%s, node %s would use %s of its processors; the limit is %s", p.after(), p.node.name(), percent(p.share), percent(a.l.CPU))
	}
	if refused, share := g.refused(); share > overloadShare && g.sure(growWindow) && g.whole() {
		say("overload", "%d operations (%s) were refused in the last minutes because too much was under way", refused, percent(share))
	}
	return why
}

// size is how many nodes more a group needs, and whether those are enough.
func (a *advisor) size(g *group) (k int, enough bool) {
	least := max(0, g.copies-len(g.nodes), g.floor(a.l)-len(g.nodes))
	if _, share := g.refused(); share > overloadShare {
		least = max(1, least)
	}
	most := max(least, maxAdd(len(g.nodes)))
	for k = least; k < most; k += 1 + k/16 { // large rings need not be told to the node
		if a.fits(g, k) {
			return k, true
		}
	}
	return most, a.fits(g, most)
}

// fits says whether a group with k nodes more keeps within the limits.
func (a *advisor) fits(g *group, k int) bool {
	w := g.worst(g.with(k), average)
	return !w.disk.over(a.l.Disk) && !(w.cpu.over(a.l.CPU) && g.sure(growWindow))
}

// shrink names nodes that can be spared.
func (a *advisor) shrink() bool {
	if !slices.ContainsFunc(a.groups, func(g *group) bool { return g.plenty(a.l, len(g.nodes)) }) {
		return false
	}
	if why := a.mustStay(); why != "" {
		a.say("stay", "no node is named to go: %s", why)
		return false
	}
	spare := a.out.Wanted - max(1, a.l.MinNodes)
	for _, g := range a.groups {
		left := g.nodes
		most := min(max(1, len(g.nodes)/4), spare)
		for range most {
			i := a.spared(g, left)
			if i < 0 {
				break
			}
			n := left[i]
			left = slices.Delete(slices.Clone(left), i, i+1)
			a.out.Remove = append(a.out.Remove, Removal{ID: n.ID, Client: n.Client, DC: n.DC, Rack: n.Rack})
		}
		gone := len(g.nodes) - len(left)
		if gone == 0 {
			continue
		}
		spare -= gone
		them := "them"
		if gone == 1 {
			them = "it"
		}
		w := g.worst(left, peak)
		a.say("spare", "%swithout %s and after the loss of one more node or rack, the fullest disk is at %s (nodes go below %s) and the busiest processors at %s (below %s)",
			g.in(), them, w.disk.text(), percent(a.l.DiskLow), w.cpu.text(), percent(a.l.CPULow))
		a.first()
	}
	if n := len(a.out.Remove); n > 0 {
		a.out.Action, a.out.Nodes, a.out.Wanted = Remove, n, a.out.Wanted-n
	}
	return a.out.Nodes > 0
}

// mustStay says why nobody may go whatever the figures are.
func (a *advisor) mustStay() string {
	for i := range a.f.Members {
		m := &a.f.Members[i]
		switch {
		case !m.Alive:
			return fmt.Sprintf("node %s is down", m.name())
		case m.Silent != "":
			return fmt.Sprintf("node %s did not tell what it uses", m.name())
		case m.WindowMillis < ShrinkWindow:
			return fmt.Sprintf("node %s has been measured for %s, which is less than %s", m.name(), millisText(m.WindowMillis), millisText(ShrinkWindow))
		}
	}
	if a.f.NoQuorum > 0 || a.f.Partial > 0 {
		return "not all copies are reachable"
	}
	return ""
}

// spared returns which of a group's nodes is the best to go, -1 if none can be spared: the one without which the others are
// least pressed; of equals who has least to hand over, then the greater id, so that the oldest of equals stays.
func (a *advisor) spared(g *group, nodes []*member) int {
	if !g.plenty(a.l, len(nodes)) {
		return -1
	}
	best, least := -1, 0.0
	racks := countDomains(nodes)
	tried := map[class]float64{} // the same for all nodes of a class
	for i, n := range nodes {
		score, known := tried[n.class()]
		if !known {
			left := slices.Delete(slices.Clone(nodes), i, i+1)
			w := g.worst(left, peak)
			score = -1
			if r := countDomains(left); w.disk.below(a.l.DiskLow) && w.cpu.below(a.l.CPULow) && r >= min(g.copies, racks) {
				score = max(w.disk.share/a.l.DiskLow, w.cpu.share/a.l.CPULow)
			}
			tried[n.class()] = score
		}
		if score < 0 {
			continue
		}
		if best < 0 || cmp.Or(cmp.Compare(score, least), cmp.Compare(n.DiskBytes, nodes[best].DiskBytes), cmp.Compare(nodes[best].ID, n.ID)) < 0 {
			best, least = i, score
		}
	}
	return best
}

// conclude adds what the figures are, where nothing is to be done.
func (a *advisor) conclude() {
	if a.out.Action != Keep {
		return
	}
	for _, g := range a.groups {
		a.say("fits", "%sthe loss that would hurt most leaves the fullest disk at %s (limit %s) and the busiest processors at %s (limit %s)",
			g.in(), g.now.disk.text(), percent(a.l.Disk), g.now.cpu.text(), percent(a.l.CPU))
	}
}
