package cluster

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/engine/object"
)

// An operation of which others were told nothing is not left behind: Drain waits for it, as long as it may take.
func TestDrainWaitsForOperations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := ring.Build([]ring.Node{{ID: 1, Weight: 1}, {ID: 2, Weight: 1}, {ID: 3, Weight: 1}}, ring.Options{Replicas: 3, SlotsPerPartition: 512})
		if err != nil {
			t.Fatal(err)
		}
		n, err := NewNode(Options{
			Store: newHeldStore(), ID: 1, Inc: 7, SlotsPerPartition: 512, RaiseCeiling: func(object.HLC) error { return nil },
			Ring: r, Links: void{}, Alive: func(object.NodeID) bool { return true },
		})
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		if err := n.Drain(t.Context()); err != nil {
			t.Errorf("at rest: %v", err)
		}
		call := &Call{Request: dynamo.Request{Op: &townOp{verb: "INCR", key: "k"}, Write: true, WriteLevel: Level{Level: quorum.Quorum}}}
		n.Start(call)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if err := n.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("while an operation waits for the others: %v", err)
		}
		began := time.Now()
		if err := n.Drain(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took < DefaultTimeout/2 || took > 2*DefaultTimeout {
			t.Errorf("drained after %v", took)
		}
		n.Finish([]*Call{call})
	})
}
