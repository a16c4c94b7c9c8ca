package advise

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// warn adds what is worth knowing whatever is to be done.
func (a *advisor) warn() {
	a.warnOfMembers()
	f := a.f
	if f.NoQuorum > 0 {
		a.say("unavailable", "%s no majority of copies that can be reached: QUORUM is refused there", plural(f.NoQuorum, "partition has", "partitions have"))
	} else if f.Partial > 0 {
		a.say("partial", "%s a copy: one more loss may leave no majority", plural(f.Partial, "partition lacks", "partitions lack"))
	}
	a.warnOfSharing()
	for _, g := range a.groups {
		if r := countDomains(g.nodes); racked(g.nodes) && r < min(g.copies, len(g.nodes)) {
			a.say("few-racks", "%s%d copies of each key and %s: one of them holds several, and its loss may leave no majority; put new nodes in another rack",
				g.in(), g.copies, plural(r, "rack", "racks"))
		}
		a.warnOfWeights(g)
		a.warnOfHeat(g)
	}
}

func (a *advisor) warnOfMembers() {
	for i := range a.f.Members {
		m := &a.f.Members[i]
		switch {
		case !m.Alive:
			a.say("down", "node %s is down: bring it back, or have it replaced or removed", m.name())
		case m.Silent != "":
			a.say("silent", "node %s did not tell what it uses (%s): it is taken for one like the others", m.name(), m.Silent)
		case m.FreeBytes > 0 && m.FreeBytes < m.ReserveBytes:
			a.say("disk-full", "node %s refuses writes: %s are free, %s are kept in reserve", m.name(), bytesText(float64(m.FreeBytes)), bytesText(float64(m.ReserveBytes)))
		}
		if _, ok := a.f.PerDC[m.DC]; !ok && len(a.f.PerDC) > 0 && !m.Leaving {
			a.say("no-copies", "node %s holds nothing: datacenter %q is to have no copies", m.name(), m.DC)
		}
	}
}

// warnOfSharing tells of nodes that stand and fall together.
func (a *advisor) warnOfSharing() {
	disks, machines := map[uint64]int{}, map[uint64]int{}
	for i := range a.f.Members {
		if m := &a.f.Members[i]; m.known() {
			disks[m.FileSystem]++
			machines[m.Machine]++
		}
	}
	on := func(at map[uint64]int) (most int) {
		for id, n := range at {
			if id != 0 {
				most = max(most, n)
			}
		}
		return most
	}
	if n := on(machines); n > 1 {
		disk := ""
		if d := on(disks); d > 1 {
			disk = fmt.Sprintf(", and %d one file system", d)
		}
		a.say("shared-machine", "%d nodes share one machine%s: each is reckoned to have its part, and they may fail together", n, disk)
	}
}

// lopsided is by how much the room for each unit of weight may differ.
const lopsided = 1.5

// warnOfWeights tells of weights that do not fit the disks, once disks matter.
func (a *advisor) warnOfWeights(g *group) {
	if !g.now.disk.over(a.l.Disk / 2) {
		return
	}
	var least, most, unit float64
	for _, m := range g.nodes {
		if m.room <= 0 {
			continue
		}
		r := m.room / float64(m.Weight)
		if least == 0 {
			least, unit = r, m.room
		}
		least, most, unit = min(least, r), max(most, r), min(unit, m.room)
	}
	if least == 0 || most < lopsided*least {
		return
	}
	var fit []string
	for _, m := range g.nodes {
		if m.room > 0 {
			fit = append(fit, fmt.Sprintf("%s %.0f (now %d)", m.name(), math.Round(m.room/unit), m.Weight))
		}
	}
	a.say("weights", "%sweights do not fit the disks: room for each unit of weight is %s to %s; these would: %s", g.in(), bytesText(least), bytesText(most), list(fit))
}

// warnOfHeat tells of a node that does much more than its part: more nodes do not help against one key that all want.
func (a *advisor) warnOfHeat(g *group) {
	busy := func(m *member) float64 { return float64(m.BusyMille) / 1000 }
	usual := g.middle(busy)
	for _, m := range g.nodes {
		if m.known() && busy(m) > 0.5 && busy(m) > 1.5*usual {
			a.say("hot", "node %s uses %s of its processors, most others about %s: a key that many want, clients that know only one node, or too great a weight",
				m.name(), percent(busy(m)), percent(usual))
		}
	}
}

// in names the datacenter of a group where there are several.
func (g *group) in() string {
	if !g.perDC {
		return ""
	}
	return "datacenter " + strconv.Quote(g.dc) + ": "
}

// floor is how many of --min-nodes a group must have.
func (g *group) floor(l Limits) int { return (l.MinNodes + g.parts - 1) / g.parts }

// plenty says whether one of so many nodes might go as far as copies and --min-nodes are concerned.
func (g *group) plenty(l Limits, nodes int) bool {
	return nodes > max(1, g.copies, g.floor(l))
}

// sure says whether all nodes that told have been measured for so many milliseconds.
func (g *group) sure(window uint64) bool {
	for _, m := range g.nodes {
		if m.known() && m.WindowMillis < window {
			return false
		}
	}
	return true
}

// whole says whether all nodes are there.
func (g *group) whole() bool {
	return !slices.ContainsFunc(g.nodes, func(m *member) bool { return !m.Alive })
}

// refused is how many operations there was no room for, and which share of all.
func (g *group) refused() (n uint64, share float64) {
	var all uint64
	for _, m := range g.nodes {
		if m.known() {
			n, all = n+m.Overloaded, all+m.Operations
		}
	}
	if n == 0 {
		return 0, 0
	}
	return n, float64(n) / float64(max(all, n))
}

func (m *Member) name() string {
	switch {
	case m.Client != "":
		return m.Client
	case m.ID != "":
		return m.ID
	}
	return "that is new"
}

// after says by what loss.
func (p pressure) after() string {
	if len(p.lost) == 0 {
		return "as it is"
	}
	first := p.lost[0]
	if !first.Alive {
		return fmt.Sprintf("with %s down", plural(len(p.lost), "node", "nodes"))
	}
	if len(p.lost) == 1 {
		return "after the loss of node " + first.name()
	}
	return fmt.Sprintf("after the loss of rack %s (%d nodes)", first.Rack, len(p.lost))
}

func (p pressure) text() string {
	if !p.known {
		return "what is not known"
	}
	return percent(p.share)
}

func percent(share float64) string { return strconv.FormatFloat(100*share, 'f', 0, 64) + " %" }

func bytesText(b float64) string {
	for _, u := range []struct {
		size float64
		name string
	}{{1 << 40, "TiB"}, {1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if b >= u.size {
			return strconv.FormatFloat(b/u.size, 'f', 1, 64) + " " + u.name
		}
	}
	return strconv.FormatFloat(b, 'f', 0, 64) + " B"
}

func millisText(ms uint64) string {
	return (time.Duration(min(ms, math.MaxInt32)) * time.Millisecond).Round(time.Second).String()
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// list writes at most ten names.
func list(names []string) string {
	if len(names) > 10 {
		return strings.Join(names[:10], ", ") + fmt.Sprintf(" and %d more", len(names)-10)
	}
	return strings.Join(names, ", ")
}
