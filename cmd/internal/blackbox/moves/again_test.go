//go:build blackbox

package moves

import (
	"fmt"
	"testing"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

// TestAgainAndAgain has nodes join and leave in turn, with few keys: most of the time is that of switches from epoch to epoch, which
// the crew's operations must not notice.
func TestAgainAndAgain(t *testing.T) {
	s := newScene(t, 3, 2000, 16<<20, "--rebalance", "manual")
	for i := range harness.Number(t, "MOVES_ROUNDS", 5, 1) {
		was, err := statusOf(s.alive())
		if err != nil {
			t.Fatal(err)
		}
		row := s.change(fmt.Sprintf("%d: a 4th joins", i+1), func(*Row) {
			n := s.join(fmt.Sprintf("again%d", i))
			s.admit(n)
			s.comes(n, was.Epoch)
		})
		s.faultless(row, 0)
		s.kept(row)
		s.retires(i)
		if t.Failed() {
			return
		}
	}
}

// retires has the eldest node leave.
func (s *scene) retires(round int) {
	was, err := statusOf(s.Nodes[0])
	if err != nil {
		s.t.Fatal(err)
	}
	row := s.change(fmt.Sprintf("%d: the eldest leaves", round+1), func(*Row) { s.eldestGoes(was.Epoch) })
	s.faultless(row, 2*workersEach)
	s.kept(row)
}
