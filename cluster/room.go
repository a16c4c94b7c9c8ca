package cluster

import (
	"context"
	"sync"
	"time"

	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/cluster/hlc"
	"github.com/rondokv/rondo/engine/object"
)

// room is how operations that have a deadline wait for the clock's ceiling: the disk is waited for by the goroutine that keeps it.
type room struct {
	want chan struct{} // somebody waits

	mu    sync.Mutex
	tried chan struct{} // closed after the next attempt
	err   error         // of the last attempt
}

func (r *room) init() { r.want, r.tried = make(chan struct{}, 1), make(chan struct{}) }

func (r *room) attempt() chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tried
}

func (r *room) failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// attempted tells all who wait what came of an attempt.
func (r *room) attempted(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
	close(r.tried)
	r.tried = make(chan struct{})
}

// awaitRoom waits until the clock has room, or for the deadline: ErrClockCeiling then, which says that nothing was done.
func (n *Node) awaitRoom(until dynamo.Time) error {
	timer := time.NewTimer(time.Duration(until - n.Time()))
	defer timer.Stop()
	for {
		attempt := n.room.attempt() // first: one that ends after the look below is not missed
		if n.clock.HasRoom(n.clock.Physical()) {
			return nil
		}
		poke(n.room.want)
		select {
		case <-attempt:
			if err := n.room.failure(); err != nil {
				return err
			}
		case <-timer.C:
			return dynamo.ErrClockCeiling
		}
	}
}

// keepCeiling raises the clock's ceiling before anyone has to wait for it, while stamps are being issued, and when somebody does.
func (n *Node) keepCeiling(ctx context.Context) {
	tick := time.NewTicker(hlc.Low / 4)
	defer tick.Stop()
	var seen object.HLC
	for {
		wanted := false
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-n.room.want:
			wanted = true
		}
		latest := n.Latest()
		if latest == seen && !wanted {
			continue // idle: the next write raises it
		}
		seen = latest
		err := n.clock.MakeRoom(hlc.Low)
		if err != nil {
			n.log.Error("clock ceiling not raised", "error", err)
		}
		n.room.attempted(err)
	}
}
