package cluster

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/rondokv/rondo/cluster/hlc"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// A peer whose clock is further ahead than clocks may be is refused and named, also when, as usual, its reading is above the
// ceiling as well; one that is a little ahead is not.
func TestPeerWhoseClockIsAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := silent(t, newHeldStore(), 3, 0, raised)
		defer n.Close()
		say := func(from object.NodeID, ahead time.Duration) {
			now := object.HLCOf(time.Now().Add(ahead).UnixMilli())
			n.Receive(from, []wire.Message{&wire.Read{Header: wire.Header{Epoch: uint64(n.Ring().Epoch()), HLC: now, ID: 1, Asker: 9, Budget: 800}}})
		}
		for _, c := range []struct {
			ahead   time.Duration
			refused bool
		}{{-time.Hour, false}, {0, false}, {3 * time.Second, false}, {hlc.DefaultMaxDrift + time.Second, true}, {time.Hour, true}} {
			before := n.Drifts()[2].Messages
			say(2, c.ahead)
			got := n.Drifts()[2]
			if refused := got.Messages > before; refused != c.refused || refused && got.Ahead != c.ahead {
				t.Errorf("%v ahead: %+v", c.ahead, got)
			}
			if n.hears(2) == c.refused {
				t.Errorf("%v ahead: used as if it were not", c.ahead)
			}
			if n.Doubted(2) != c.refused {
				t.Errorf("%v ahead: doubted: %v", c.ahead, !c.refused)
			}
			time.Sleep(mistrust + time.Millisecond)
			if !n.hears(2) {
				t.Errorf("%v ahead: mistrusted for good", c.ahead)
			}
			if n.Doubted(2) != c.refused {
				t.Errorf("%v ahead: not doubted for a while", c.ahead)
			}
			time.Sleep(holdDoubt - mistrust)
			if n.Doubted(2) {
				t.Errorf("%v ahead: doubted for good", c.ahead)
			}
		}
		if got := n.Drifts()[3]; got != (Drift{}) {
			t.Errorf("the other peer: %+v", got)
		}
	})
}

func TestDriftsAreLoggedOnce(t *testing.T) {
	var d drifts
	for i, want := range []bool{true, false, false} {
		if got := d.note(2, time.Second, 5); got != want {
			t.Errorf("message %d: logged: %v", i+1, got)
		}
	}
	if !d.note(3, time.Second, 5) || !d.note(2, time.Second, 5+sayAgain) {
		t.Error("not logged for another peer, or not again")
	}
}
