package epoch

import (
	"testing"

	"github.com/rondokv/rondo/cluster/ring"
)

// Of three voters one is replaced. It has the last vote and learns that the document is decided, the conductor is lost for good before
// anybody else does. The third could decide nothing alone: it must hear of the document from the one that goes, at once or when
// that has started again.
func TestTheOneThatGoesIsTheLastThatKnows(t *testing.T) {
	for name, restarts := range map[string]bool{"at once": false, "after a restart": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 12, 3)
			w.auto, w.mute = false, true
			for _, n := range w.nodes {
				n.m.auto = false
			}
			w.join(9)
			w.cut = func(a, b ring.NodeID) bool { return a == 3 || b == 3 } // it is taken for dead
			w.wait(2 * Second)
			first, second, third := w.node(1), w.node(2), w.node(3)
			if o := w.command(second, Command{Kind: CommandChange, Changes: []ring.Change{{Kind: ring.Replace, ID: 3, Member: member(9)}}}); o.Err() != nil {
				t.Fatalf("%+v", o)
			}
			var last *ring.Document
			w.run(60*Second, "the last document is proposed", func() bool {
				if d := first.m.doc; d.Stage == ring.Reading && first.m.conduct.proposing {
					last, _ = ring.Next(d, first.m.fact)
				}
				return last != nil && last.Member(3) == nil
			})
			w.cut = func(ring.NodeID, ring.NodeID) bool { return true }
			first.crash()
			third.do(func() {
				if err := third.m.Receive(w.now, 1, appendDocument(nil, mustEncode(t, last))); err != nil {
					t.Error(err)
				}
			})
			if restarts {
				w.run(10*Second, "node 3 has stopped", func() bool { return third.dead })
				third.crash()
			}
			w.cut = nil
			if restarts {
				third.start()
			}
			w.run(200*Millisecond, "node 2 knows", func() bool { return second.m.doc.Epoch == last.Epoch })
			w.run(lingers+Second, "node 3 stops", func() bool { return third.dead })
			if !third.saw(EventRemoved) {
				t.Error("node 3 was not told to go")
			}
		})
	}
}
