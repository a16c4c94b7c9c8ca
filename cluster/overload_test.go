package cluster

import (
	"testing"
	"time"

	"github.com/rondokv/rondo/cluster/hlc"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// A request is dropped when it is older than its sender waits by more than clocks may differ; a write never is.
func TestExpiredRequests(t *testing.T) {
	now := time.UnixMilli(1_000_000)
	n := &Node{links: nobody{}, clock: hlc.New(hlc.Options{Now: func() time.Time { return now }, MaxDrift: 100 * time.Millisecond})}
	head := func(age int64, budget uint32) wire.Header {
		return wire.Header{HLC: object.HLCOf(now.UnixMilli() - age), Budget: budget}
	}
	for _, c := range []struct {
		m    wire.Message
		want bool
	}{
		{&wire.Read{Header: head(850, 800)}, false},
		{&wire.Read{Header: head(901, 800)}, true},
		{&wire.Read{Header: head(5000, 0)}, false}, // no budget: it waits for ever
		{&wire.Read{Header: head(-50, 1)}, false},  // a clock ahead
		{&wire.Pass{Header: head(901, 800)}, true},
		{&wire.Pass{Header: head(30, 800)}, false},
		{&wire.Write{Header: head(30_000, 800)}, false},
		{&wire.ReadReply{Header: head(30_000, 800)}, false},
	} {
		if got := n.refuses(2, c.m, n.clock.Physical()); got != c.want {
			t.Errorf("%T of age %+v: dropped %v", c.m, c.m.Head(), got)
		}
	}
	if got := n.Overload().Expired; got != 2 {
		t.Errorf("%d counted, want 2", got)
	}
}
