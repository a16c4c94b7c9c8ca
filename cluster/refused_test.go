package cluster

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// void is links that lose everything.
type void struct{}

func (void) Send(object.NodeID, wire.Message) bool { return true }

// A blind write is stored in the step that begins it. When the store refuses it there, its call is finished at once: nobody else
// was asked, so nobody will wake it.
func TestBlindWriteThatTheStoreRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newHeldStore()
		store.refuse = errBroken
		n := silent(t, store, 3, 0, raised)
		defer n.Close()
		refused := 0
		for slot := object.Slot(0); slot < object.SlotCount; slot += 512 {
			call := &Call{Request: dynamo.Request{
				Op: &townOp{verb: "SET", key: "k", value: "v"}, Slot: slot, Write: true, WriteLevel: Level{Level: quorum.Quorum},
			}}
			if n.Start(call); call.Pending() && call.Finished {
				t.Fatalf("slot %d: the call is finished (%v) and waits to be woken", slot, call.Err)
			}
			n.Finish([]*Call{call})
			if errors.Is(call.Err, errBroken) {
				refused++
			}
		}
		if refused == 0 {
			t.Error("the node was the primary of no slot")
		}
	})
}
