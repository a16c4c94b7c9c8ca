//go:build blackbox

package chaos

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"
)

const (
	// wholeWithin is how long nodes may take to find together again. One that fell for the third time within minutes is left
	// alone for longer each time, two minutes at most.
	wholeWithin = 150 * time.Second
	downFor     = 3 * time.Second
	// noticed is when a node knows that it is cut off; until then it answers TIMEOUT.
	noticed = 5 * time.Second
	// maxGap is how long a client that has all addresses may be without a success when one node dies.
	maxGap = 2 * time.Second
)

// fault is something that happens to a cluster, and is over when run returns.
type fault struct {
	name    string
	apart   bool // needs nodes on hosts of their own
	gap     bool // maxGap holds
	short   bool // part of a short run
	planned bool // clients are told nothing that leaves them in doubt
	run     func(*scene) string
	atLeast int // nodes
}

// scene is where a fault happens.
type scene struct {
	*cluster
	crew    *crew
	rng     *rand.Rand
	figures []*Figures // by fault, in the order in which they came
}

func faults() []fault {
	return []fault{
		{name: "kill", short: true, gap: true, run: killed},
		{name: "pause", short: true, gap: true, run: paused},
		{name: "cut", short: true, apart: true, gap: true, run: cutOff},
		{name: "rolling", short: true, gap: true, planned: true, run: rolling},
		{name: "mute", apart: true, gap: true, run: func(s *scene) string { return s.oneWay(true) }},
		{name: "deaf", apart: true, gap: true, run: func(s *scene) string { return s.oneWay(false) }},
		{name: "halves", apart: true, gap: true, atLeast: 5, run: halves},
		{name: "slow", short: true, apart: true, gap: true, run: slowed},
		{name: "full", apart: true, gap: true, run: filled},
		{name: "clock", apart: true, gap: true, run: shifted},
		{name: "astray", apart: true, gap: true, run: astray},
	}
}

func (s *scene) victim() *node { return s.nodes[s.rng.IntN(len(s.nodes))] }

// between draws a duration; the least in a short run.
func (s *scene) between(least, most time.Duration) time.Duration {
	if testing.Short() {
		return least
	}
	return least + time.Duration(s.rng.Int64N(int64(most-least)))
}

func pass(d time.Duration) { <-time.After(d) }

func killed(s *scene) string {
	n := s.victim()
	n.unable.Add(1)
	s.kill(n)
	pass(downFor)
	s.start(n)
	took := s.await(n, "SET chaos:probe 1", readyWithin)
	n.unable.Add(1)
	return fmt.Sprintf("node %d killed, down %v, wrote again %v after its start", n.number, downFor, took.Round(time.Millisecond))
}

func paused(s *scene) string {
	n, d := s.victim(), s.between(3*time.Second, 30*time.Second)
	n.unable.Add(1)
	s.signal(n, syscall.SIGSTOP)
	pass(d)
	s.signal(n, syscall.SIGCONT)
	n.unable.Add(1)
	return fmt.Sprintf("node %d stopped for %v", n.number, d.Round(time.Millisecond))
}

func rolling(s *scene) string {
	for _, n := range s.nodes {
		n.unable.Add(1)
		s.stop(n)
		s.start(n)
		s.await(n, "SET chaos:probe 1", readyWithin)
		n.unable.Add(1)
		s.whole()
	}
	return "each node stopped and started again"
}

// cutOff cuts one node off, both ways, and listens to what it says.
func cutOff(s *scene) string {
	n, d := s.victim(), s.between(time.Second, 5*time.Second)
	s.cutBothWays([]*node{n}, s.net.cut)
	pass(noticed)
	before, refused := s.crew.tallies(), s.crew.refusedAtAny(n.number-1)
	pass(d)
	after := s.crew.tallies()
	refused = s.crew.refusedAtAny(n.number-1) - refused
	s.cutBothWays([]*node{n}, s.net.mend)
	was, is := s.crew.at(staying, n.number-1, before).Counts, s.crew.at(staying, n.number-1, after)
	if is.Counts[Refused] == was[Refused] || is.Counts[Timeout] > was[Timeout]+1 || is.Counts[OK] > was[OK] { // one may have been under way
		s.t.Errorf("node %d, cut off for %v, does not say UNAVAILABLE: %d ok, %d unavailable, %d timeout in %v", n.number, noticed,
			is.Counts[OK]-was[OK], is.Counts[Refused]-was[Refused], is.Counts[Timeout]-was[Timeout], d)
	}
	wrote, writes := s.crew.at(loose, n.number-1, before).Counts, s.crew.at(loose, n.number-1, after).Counts
	if writes[OK] == wrote[OK] || refused > 0 {
		s.t.Errorf("node %d, cut off, took %d writes at ANY and ONE and refused %d at ANY", n.number, writes[OK]-wrote[OK], refused)
	}
	return fmt.Sprintf("node %d cut off for %v; of %d timeouts there %d in the first %v; longest TIMEOUT %v, UNAVAILABLE %v; it took %d writes at ANY and ONE after that", n.number,
		(noticed + d).Round(time.Millisecond), is.Counts[Timeout], was[Timeout], noticed, is.Longest[Timeout].Round(time.Millisecond),
		is.Longest[Refused].Round(time.Millisecond), writes[OK]-wrote[OK])
}

func halves(s *scene) string {
	order := s.rng.Perm(len(s.nodes))
	var part []*node
	for _, i := range order[:len(order)/2] {
		part = append(part, s.nodes[i])
	}
	d := s.between(5*time.Second, 10*time.Second)
	s.cutBothWays(part, s.net.cut)
	pass(d)
	s.cutBothWays(part, s.net.mend)
	return fmt.Sprintf("nodes %d and %d cut off from the others for %v", part[0].number, part[1].number, d.Round(time.Millisecond))
}

// cutBothWays does something to each direction between the nodes of a part and the others.
func (s *scene) cutBothWays(part []*node, do func(from, to int)) {
	inside := map[int]bool{}
	for _, n := range part {
		inside[n.number-1] = true
	}
	for i := range s.nodes {
		for j := range s.nodes {
			if i < j && inside[i] != inside[j] {
				do(i, j)
				do(j, i)
			}
		}
	}
}

// oneWay makes a node mute, nobody hears it, or deaf, it hears nobody.
func (s *scene) oneWay(mute bool) string {
	n, d := s.victim(), s.between(5*time.Second, 10*time.Second)
	each := func(do func(from, to int)) {
		for i := range s.nodes {
			switch self := n.number - 1; {
			case i == self:
			case mute:
				do(self, i)
			default:
				do(i, self)
			}
		}
	}
	each(s.net.cut)
	pass(d)
	each(s.net.mend)
	if mute {
		return fmt.Sprintf("node %d heard by nobody for %v", n.number, d.Round(time.Millisecond))
	}
	return fmt.Sprintf("node %d hearing nobody for %v", n.number, d.Round(time.Millisecond))
}

// whole waits until every node reaches every other one.
func (s *scene) whole() time.Duration {
	began := time.Now()
	for _, n := range s.nodes {
		for i := range 8 { // keys of several partitions
			s.await(n, fmt.Sprintf("AT ALL SET chaos:probe:%d 1", i), wholeWithin)
		}
	}
	return time.Since(began)
}
