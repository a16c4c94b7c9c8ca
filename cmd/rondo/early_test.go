package main

import (
	"testing"
	"time"

	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

func TestEarlyMessagesWaitForTheCore(t *testing.T) {
	var e early
	now := time.Unix(1000, 0)
	few := make([]wire.Message, 10)
	for i := range few {
		few[i] = &wire.Read{}
	}
	e.keep(1, few, now) // too old by the time that the core is there
	now = now.Add(earlyFor + time.Millisecond)
	for i := range 2 * maxEarly / len(few) {
		if !e.keep(object.NodeID(i+2), few, now) {
			t.Fatal("refused before the core is there")
		}
	}
	kept := e.close(now)
	n := 0
	for _, k := range kept {
		n += len(k.ms)
	}
	if n == 0 || n > maxEarly || kept[len(kept)-1].from != object.NodeID(2*maxEarly/len(few)+1) {
		t.Errorf("%d messages were kept, the last from %d", n, kept[len(kept)-1].from)
	}
	if e.keep(9, few, now) {
		t.Error("taken although the core is there")
	}
	var old early
	old.keep(1, few, now)
	if kept := old.close(now.Add(earlyFor + time.Millisecond)); len(kept) > 0 {
		t.Errorf("%d were kept that nobody waits for", len(kept))
	}
}
