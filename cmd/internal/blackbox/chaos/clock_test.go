//go:build blackbox

package chaos

import (
	"fmt"
	"time"
)

// offsetBinary names the variable with the server that is built with tag
// clockoffset, offsetVariable the one that tells it by how much its clock is wrong.
const (
	offsetBinary   = "CHAOS_OFFSET_BIN"
	offsetVariable = "CLOCK_OFFSET"
)

const (
	maxDrift = 5 * time.Second // the setting's default
	clockFor = 5 * time.Second
	// startsBehind is how far below the last reading that it may have issued a clock begins.
	startsBehind = 2 * time.Second
	clockHeal    = 40 * time.Second // a clock that was ahead waits until the others have come up to it
)

// shifted restarts a node with a clock that is a little wrong, which changes nothing.
func shifted(s *scene) string {
	n := s.victim()
	offset := s.between(2*time.Second, 4*time.Second)
	if s.rng.IntN(2) == 0 {
		offset = -offset
	}
	before := s.doubted(n)
	s.restart(n, offset)
	s.await(n, "SET chaos:probe 1", readyWithin)
	n.unable.Add(1)
	s.whole()
	pass(clockFor)
	if got := s.doubted(n) - before; got != 0 {
		s.t.Errorf("node %d, whose clock is %v off, had %v messages refused", n.number, offset, got)
	}
	s.correct(n, offset)
	return fmt.Sprintf("clock of node %d off by %v for %v: nobody minded", n.number, offset.Round(time.Millisecond), clockFor)
}

// astray restarts a node with a clock that is ahead by more than the others accept: they refuse it and name it.
func astray(s *scene) string {
	n := s.victim()
	offset := s.between(maxDrift+500*time.Millisecond, maxDrift+1500*time.Millisecond)
	before := s.doubted(n)
	s.restart(n, offset)
	pass(clockFor)
	refused := s.doubted(n) - before
	// One whose own clock was ahead before may still be so by a little, and find nothing wrong.
	naming := 0
	for _, other := range s.nodes {
		if other != n && s.metric(other, "rondo_clock_refused_messages_total", n.id) > 0 {
			naming++
		}
	}
	if naming <= (len(s.nodes)-1)/2 {
		s.t.Errorf("%d of the others name node %d, whose clock is %v ahead, in their metrics", naming, n.number, offset)
	}
	s.correct(n, offset)
	return fmt.Sprintf("clock of node %d %v ahead for %v: %v of its messages refused", n.number, offset.Round(time.Millisecond), clockFor, refused)
}

// restart stops a node and starts it with a clock that is off; it is unable from then on.
func (s *scene) restart(n *node, offset time.Duration) {
	if n.unable.Load()%2 == 0 {
		n.unable.Add(1)
	}
	s.stop(n)
	n.env = nil
	if offset != 0 {
		n.env = []string{offsetVariable + "=" + offset.String()}
	}
	s.start(n)
}

// correct restarts a node with the right time, as often as it takes: from where its clock was it goes on, less 2 s each time.
func (s *scene) correct(n *node, offset time.Duration) {
	for {
		s.restart(n, 0)
		s.await(n, "SET chaos:probe 1", clockHeal)
		if offset -= startsBehind; offset <= 0 {
			break
		}
	}
	n.unable.Add(1)
}

// doubted is how many messages of a node the others have refused because of its clock.
func (s *scene) doubted(n *node) (sum float64) {
	for _, other := range s.nodes {
		if other != n {
			sum += s.metric(other, "rondo_clock_refused_messages_total", n.id)
		}
	}
	return sum
}
