package cluster

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/cluster/quorum"
)

// An operation of which others were told nothing is not left behind: Drain waits for it, as long as it may take.
func TestDrainWaitsForOperations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := silent(t, newHeldStore(), 3, 0, raised)
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
