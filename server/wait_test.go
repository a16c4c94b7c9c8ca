package server

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/rondokv/rondo/engine/object"
)

// WAIT speaks for all that was written since the last one, whichever node was asked, and never tells of more than there are.
func TestWaitOverNodes(t *testing.T) {
	w := newTown(t, 5, 3)
	homes, other := w.homesOf("k")
	for _, node := range []int{other, homes[0], homes[2]} {
		c := w.servers[node].dial(w.servers[node].forward)
		c.want(":0", "WAIT", "3", "100") // nothing was written
		c.want("OK", "SET", "k", "v")
		c.want(":3", "WAIT", "3", "1000")
		c.want(":3", "WAIT", "99", "1000")
		c.want("OK", "MSET", "a", "1", "b", "2", "c", "3", "d", "4")
		c.want(":3", "WAIT", "3", "1000")
		c.want("OK", "MULTI")
		c.want("QUEUED", "INCR", "n")
		c.want("QUEUED", "SET", "k", "w")
		if got := show(c.do("EXEC")); got[0] != '[' {
			t.Errorf("EXEC: %s", got)
		}
		c.want(":3", "WAIT", "3", "1000")
	}

	c := w.servers[other].dial(w.servers[other].forward)
	w.kill(homes[1], 2)
	c.want("OK", "SET", "k", "x")
	c.want(":2", "WAIT", "3", "100")
	c.want("OK", "AT", "ONE", "SET", "k", "x")
	c.want(":1", "WAIT", "1", "100") // what was acknowledged
	c.want("OK", "SET", "{k}2", "x")
	c.want(":2", "WAIT", "3", "100") // what was waited for counts no more
	// A key that has all three is no excuse for one that has not.
	whole := ""
	for i := 0; whole == ""; i++ {
		key := "w" + strconv.Itoa(i)
		all, _ := w.homesOf(key)
		if all[0] != homes[1] && all[1] != homes[1] && all[2] != homes[1] {
			whole = key
		}
	}
	c.want("OK", "SET", "k", "y")
	c.want("OK", "SET", whole, "y")
	c.want(":2", "WAIT", "3", "100")
	own := w.servers[other].dial(w.servers[other].forward)
	own.want("OK", "SET", whole, "z")
	own.want(":3", "WAIT", "3", "100")
}

// What does not fit into the memory of WAIT counts with what its level proved.
func TestWaitForgets(t *testing.T) {
	var w writes
	key := func(i int) []object.KeyRef { return []object.KeyRef{{Name: []byte(fmt.Sprint("key", i))}} }
	w.note(1, key(0), 2)
	w.note(1, key(0), 3)
	if len(w.last) != 1 || w.last[0].acks != 3 {
		t.Fatalf("one key twice: %+v", w.last)
	}
	w.note(1, key(1), 1)
	for i := 2; i < 2+waitWrites; i++ {
		w.note(1, key(i), 2)
	}
	if len(w.last) != waitWrites || !w.forgotten || w.floor != 1 {
		t.Errorf("%d writes kept, forgotten %v, floor %d", len(w.last), w.forgotten, w.floor)
	}
	w.note(2, []object.KeyRef{{Name: make([]byte, waitNames+1)}}, 2)
	w.note(3, make([]object.KeyRef, waitKeys+1), 2)
	w.note(4, nil, 2)
	if kept := w.last[(w.next+waitWrites-1)%waitWrites]; len(kept.keys) > 0 || cap(kept.name) > waitNames {
		t.Errorf("kept %d keys", len(kept.keys))
	}
}
