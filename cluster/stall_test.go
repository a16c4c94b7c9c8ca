package cluster

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/engine/object"
)

// silent makes a node of a ring of three whose others are alive and say nothing.
func silent(t *testing.T, store Store, replicas int, timeout time.Duration, raise func(object.HLC) error) *Node {
	t.Helper()
	r, err := ring.Build([]ring.Node{{ID: 1, Weight: 1}, {ID: 2, Weight: 1}, {ID: 3, Weight: 1}}, ring.Options{Replicas: replicas, SlotsPerPartition: 512})
	if err != nil {
		t.Fatal(err)
	}
	n, err := NewNode(Options{
		Store: store, ID: 1, Inc: 7, SlotsPerPartition: 512, RaiseCeiling: raise, Timeout: timeout,
		Ring: r, Links: void{}, Alive: func(object.NodeID) bool { return true },
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func raised(object.HLC) error { return nil }

func townCall(verb string, slot object.Slot, level quorum.Level) *Call {
	l := Level{Level: level}
	return &Call{Request: dynamo.Request{
		Op: &townOp{verb: verb, key: "k", value: "v"}, Slot: slot, Write: verb != "GET", ReadLevel: l, WriteLevel: l,
	}}
}

// TestDeadlineWhileTheDiskHangs: whatever a call waits for, other nodes, its own commit, a write that it saw, its client is told by the
// deadline, and the node goes on when the disk does.
func TestDeadlineWhileTheDiskHangs(t *testing.T) {
	for _, replicas := range []int{3, 1} {
		synctest.Test(t, func(t *testing.T) {
			store := newHeldStore()
			n := silent(t, store, replicas, 0, raised)
			defer n.Close()
			defer store.Release()
			store.held = true
			held := 0
			for slot := object.Slot(0); slot < object.SlotCount; slot += 512 {
				for _, verb := range []string{"SET", "GET", "INCR", "GET"} {
					c, began := townCall(verb, slot, quorum.One), time.Now()
					n.Start(c)
					n.Finish([]*Call{c})
					var timeout *TimeoutError
					took, late := time.Since(began), errors.As(c.Err, &timeout)
					if took > DefaultTimeout || !late && (c.Err != nil || verb != "GET") {
						t.Errorf("%d replicas: slot %d: %s: %v after %v", replicas, slot, verb, c.Err, took)
					}
					if late && c.Seq > 0 {
						held++
					}
					c.Reset()
				}
			}
			if held == 0 {
				t.Error("no answer was held back for the disk")
			}
			store.mu.Lock()
			store.held = false
			store.mu.Unlock()
			store.Release()
			synctest.Wait()
			served := 0
			for slot := object.Slot(0); slot < object.SlotCount; slot += 512 {
				c := townCall("SET", slot, quorum.One)
				n.Start(c)
				n.Finish([]*Call{c})
				if c.Err == nil {
					served++
				}
			}
			if served == 0 {
				t.Error("nothing is served when the disk works again")
			}
		})
	}
}

// TestDeadlineWhileTheCeilingHangs: an operation that finds no room on the clock is refused by its deadline, and nothing of it is done.
func TestDeadlineWhileTheCeilingHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := make(chan struct{})
		n := silent(t, newHeldStore(), 3, 0, func(object.HLC) error { <-disk; return nil })
		defer n.Close()
		for range 3 {
			c, began := townCall("SET", 0, quorum.One), time.Now()
			n.Start(c)
			n.Finish([]*Call{c})
			if took := time.Since(began); !errors.Is(c.Err, ErrClockCeiling) || took > DefaultTimeout {
				t.Fatalf("%v after %v", c.Err, took)
			}
		}
		time.AfterFunc(DefaultTimeout/2, func() { close(disk) })
		began, served := time.Now(), 0
		for slot := object.Slot(0); slot < object.SlotCount; slot += 512 {
			c := townCall("SET", slot, quorum.One)
			n.Start(c)
			n.Finish([]*Call{c})
			if c.Err == nil {
				served++
			}
			if slot == 0 && time.Since(began) > DefaultTimeout {
				t.Errorf("the operation that had to wait took %v", time.Since(began))
			}
		}
		if served == 0 {
			t.Error("nothing is served when there is room again")
		}
	})
}

// TestTicksPassABusyPartition: while a step of one partition takes long, as when it reads from a slow disk, the deadlines of the others are
// kept.
func TestTicksPassABusyPartition(t *testing.T) {
	n := silent(t, newHeldStore(), 3, 20*time.Millisecond, raised)
	defer n.Close()
	var calls []*Call
	for slot := object.Slot(0); slot < object.SlotCount; slot += 512 {
		c := townCall("SET", slot, quorum.All)
		if n.Start(c); c.Pending() {
			calls = append(calls, c)
		}
	}
	if len(calls) < 2 {
		t.Fatalf("%d calls wait for others", len(calls))
	}
	busy := calls[0].part
	busy.mu.Lock()
	for _, c := range calls[1:] {
		select {
		case <-c.errand.done:
		case <-time.After(10 * time.Second):
			t.Errorf("partition %d has no tick while %d is busy", c.part.number, busy.number)
		}
	}
	busy.mu.Unlock()
	<-calls[0].errand.done // it gets its tick afterwards
}

// TestTicksWaitForNoDisk: hints that a tick stores are not durable as long as the disk hangs; the ticks go on.
func TestTicksWaitForNoDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newHeldStore()
		n := silent(t, store, 3, 0, raised)
		defer n.Close()
		defer store.Release()
		store.held = true
		for round := range 3 {
			for slot := object.Slot(0); slot < object.SlotCount; slot += 512 {
				c := townCall("SET", slot, quorum.All)
				n.Start(c)
				time.Sleep(DefaultTimeout)
				synctest.Wait()
				if len(c.errand.done) == 0 {
					t.Fatalf("round %d: slot %d: the deadline has passed, and nobody was told", round, slot)
				}
			}
		}
	})
}

// TestAnswerHeldBackForTheDisk: a call whose answer the core holds back goes on without it at its deadline, and may be used again.
func TestAnswerHeldBackForTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := silent(t, newHeldStore(), 3, 0, raised)
		defer n.Close()
		c, began := townCall("SET", 0, quorum.All), time.Now()
		n.Start(c)
		held := c.errand
		c.errand = &errand{done: make(chan struct{}, 1)} // nobody wakes it
		n.Finish([]*Call{c})
		var timeout *TimeoutError
		if took := time.Since(began); !errors.As(c.Err, &timeout) || took > DefaultTimeout {
			t.Fatalf("%v after %v", c.Err, took)
		}
		if c.errand != nil {
			t.Fatal("what the core holds on to would be used again")
		}
		<-held.done
		again := townCall("SET", 0, quorum.One)
		c.Reset()
		c.Op, c.Slot, c.Write, c.WriteLevel = again.Op, again.Slot, true, again.WriteLevel
		if n.Start(c); c.errand == held {
			t.Fatal("the core got the same errand twice")
		}
		n.Finish([]*Call{c})
	})
}
