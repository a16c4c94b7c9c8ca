package peer

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, nodes := inMemory(t, 2, Limits{})
		a, b := nodes[0], nodes[1]
		const sent = 500
		for range sent {
			a.links.Send(2, request(1, 800, 1000))
		}
		if a.links.queued() == 0 {
			t.Fatal("nothing waits: the test shows nothing")
		}
		if err := a.links.Drain(t.Context()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if got := b.links.Stats()[0].Received; got != sent {
			t.Errorf("%d of %d messages arrived", got, sent)
		}
		// What cannot be written is not waited for without end.
		net.set(net.stuck, 1, 2, true)
		defer net.set(net.stuck, 1, 2, false)
		a.links.Send(2, request(1, 800, 1<<20))
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := a.links.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("drained: %v", err)
		}
	})
}
