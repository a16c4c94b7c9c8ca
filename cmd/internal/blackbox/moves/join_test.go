//go:build blackbox

package moves

import (
	"testing"
	"time"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

// steadyFor is how long the load runs without a change, to compare with.
func steadyFor() time.Duration {
	if testing.Short() {
		return 4 * time.Second
	}
	return 20 * time.Second
}

// evenWithin is how far a node may be off its share, as a part of that.
const evenWithin = 0.1

// TestJoinAndLeave has a fourth node join three, by itself, and then one of the first three leave.
func TestJoinAndLeave(t *testing.T) {
	s := newScene(t, 3, harness.Number(t, "MOVES_KEYS", 1_000_000, 20_000), harness.Number(t, "MOVES_RATE", 4<<20, 256<<10))
	s.steady(steadyFor())
	s.joins()
	if t.Failed() {
		return // what comes after it would be hard to read
	}
	s.leaves()
}

func (s *scene) joins() {
	was, err := statusOf(s.alive())
	if err != nil {
		s.t.Fatal(err)
	}
	row := s.change("a 4th joins", func(row *Row) {
		cpu, began := s.cpu(), time.Now()
		n := s.join("fourth")
		moves := s.meter(n, row)
		n.Await()
		s.Nodes = append(s.Nodes, n)
		s.settled(was.Epoch, s.Nodes)
		moves()
		row.CPU = s.cpu() - cpu - time.Duration(s.base*float64(time.Since(began)))
		s.crew.use(s.Nodes)
	})
	s.faultless(row, 0)
	s.kept(row)
	// A short run is over before the reports of a second each say it exactly.
	slow := row.Rate < 0.9*row.Limit && !testing.Short() && row.Stalled == ""
	if slow || row.Rate > 1.1*row.Limit || row.Rate == 0 {
		s.t.Errorf("%.0f bytes a second were transferred where transfer.rate is %.0f", row.Rate, row.Limit)
	}
	if row.Uneven = Uneven(placementOf(s.t, s.alive()).Held(), equal(s.Nodes)); row.Uneven > evenWithin {
		s.t.Errorf("partitions are held unevenly by %.1f%%", 100*row.Uneven)
	}
	held := s.rowsEach()
	if row.Uneven = Uneven(held, equal(s.Nodes)); row.Uneven > evenWithin {
		s.t.Errorf("rows are held unevenly by %.1f%%: %v", 100*row.Uneven, held)
	}
}

func (s *scene) leaves() {
	leaver := s.Nodes[0]
	was, err := statusOf(leaver)
	if err != nil {
		s.t.Fatal(err)
	}
	row := s.change("a founder leaves", func(row *Row) {
		defer s.meter(leaver, row)()
		row.Limit *= float64(len(s.Nodes) - 1) // each of the others copies
		s.eldestGoes(was.Epoch)
	})
	s.faultless(row, 2*workersEach) // a client tries a second time before it gives a node up
	s.kept(row)
	if rows, hints := rowsIn(s.t, leaver); rows+hints > 0 {
		s.t.Errorf("the node that left still has %d rows and %d hints", rows, hints)
	}
}

// eldestGoes has the first node leave as by a hook before it is stopped, which returns once it may be, and waits until the others have
// settled after that epoch.
func (s *scene) eldestGoes(epoch uint64) {
	leaver := s.Nodes[0]
	if out, err := leaver.Run("admin", "node", "leave", "--watch"); err != nil {
		s.t.Errorf("%v\n%s", err, out)
	}
	select {
	case <-leaver.Exited():
	case <-time.After(time.Minute):
		s.t.Fatalf("the node that left runs on\n%s", leaver.LogTail())
	}
	s.Nodes = s.Nodes[1:]
	s.crew.use(s.Nodes)
	s.settled(epoch, s.Nodes)
}

// meter begins to look how fast partitions move and returns what ends that and fills in the row. n is the node that knows best.
func (s *scene) meter(n *harness.Node, row *Row) (end func()) {
	type point struct {
		at    time.Time
		bytes uint64
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	var points []point
	var moves, bound int
	go func() {
		defer close(stopped)
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			st, err := statusOf(n)
			if err != nil {
				continue // it is not admitted yet, or has gone
			}
			moves, bound = max(moves, st.Moves), max(bound, st.Bound)
			var p point
			for _, m := range st.Members {
				p.bytes += m.BytesDone
			}
			p.at = time.Now()
			if st.Stage == "copying" && p.bytes > 0 && (len(points) == 0 || p.bytes > points[len(points)-1].bytes) {
				points = append(points, p)
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
		if len(points) > 1 {
			first, last := points[0], points[len(points)-1]
			row.Bytes = float64(last.bytes)
			row.Rate = float64(last.bytes-first.bytes) / last.at.Sub(first.at).Seconds()
		}
		s.t.Logf("%s: the ring says %d vnodes move, at least %d; %d looks at what has been transferred", row.Change, moves, bound, len(points))
		if moves == 0 || moves != bound {
			s.t.Errorf("%s: the ring says that %d vnodes move where %d are enough", row.Change, moves, bound)
		}
	}
}
