package cluster

import (
	"testing"
	"time"

	"github.com/rondokv/rondo/cluster/epoch"
)

// What a keeper has no room for is told again, or nobody would ever hear that a copy is done.
func TestProgressIsToldAgain(t *testing.T) {
	k := &Keeper{inbox: make(chan func(epoch.Time), 1)}
	k.drop(func(epoch.Time) {})
	h := &haul{node: &Node{keeper: k}, epoch: 3, owner: true}
	if !h.tell(time.Unix(1, 0)) || h.told.Epoch != 0 || k.lost.Load() != 1 {
		t.Fatalf("lost, and not to be told again: %+v, %d lost", h.told, k.lost.Load())
	}
	<-k.inbox
	if h.tell(time.Unix(2, 0)) || h.told.Epoch != 3 || len(k.inbox) != 1 {
		t.Fatalf("not told: %+v", h.told)
	}
}
