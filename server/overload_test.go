package server

import (
	"strconv"
	"strings"
	"testing"
)

const overloaded = "-OVERLOADED the queue of operations is full, nothing was done, try again later"

// An operation that needs a node for which too much waits is refused at once, on the node that was asked or on the one that it
// was passed on to; one that can do without is not.
func TestCrowdedPeers(t *testing.T) {
	w := newTown(t, 5, 3)
	homes, other := w.homesOf("k")
	primary := w.servers[homes[0]].dial(w.servers[homes[0]].forward)
	stranger := w.servers[other].dial(w.servers[other].forward)
	stranger.want("OK", "SET", "k", "v")

	w.full[homes[1]].Store(true)
	primary.want("OK", "SET", "k", "v") // a quorum is left
	stranger.want("OK", "SET", "k", "v")
	w.full[homes[2]].Store(true)
	primary.want(overloaded, "SET", "k", "w")
	primary.want(overloaded, "GET", "k")
	stranger.want(overloaded, "SET", "k", "w")
	primary.want("OK", "AT", "ONE", "SET", "k", "x")
	primary.want(`"x"`, "AT", "ONE", "GET", "k")
	primary.want("OK", "MULTI")
	primary.want("QUEUED", "SET", "k", "w")
	primary.want(overloaded, "EXEC")
	w.full[homes[1]].Store(false)
	w.full[homes[2]].Store(false)
	w.full[homes[0]].Store(true)
	stranger.want(overloaded, "SET", "k", "w")
	primary.want("OK", "SET", "k", "y")
	w.full[homes[0]].Store(false)
	stranger.want(`"y"`, "GET", "k")

	if n := w.nodes[homes[0]].Overload().Crowded; n < 3 {
		t.Errorf("%d counted at the primary", n)
	}
	if info := w.servers[other].dial(w.servers[other].forward).do("INFO", "consistency").Str; !strings.Contains(info, "level_write_QUORUM:operations=4,unavailable=0,timeouts=0,overloaded=2,") {
		t.Errorf("INFO: %s", info)
	}
}

// keyOf is a key whose primary is that node.
func (w *town) keyOf(node int) string {
	for i := 0; ; i++ {
		key := "p" + strconv.Itoa(i)
		if homes, _ := w.homesOf(key); homes[0] == node {
			return key
		}
	}
}

// Commands that wait for other nodes may hold so many bytes; more are refused until some are done.
func TestWaitingBytes(t *testing.T) {
	w := newTown(t, 3, 3, func(o *Options) { o.WaitingBytes = 1000 })
	for i := 1; i < 3; i++ {
		w.mute[i].Store(true)
	}
	r := w.servers[0]
	slow, quick := r.dial(r.forward), r.dial(r.forward)
	key := w.keyOf(0)
	big := strings.Repeat("x", 2000)
	slow.send(encode("SET", key, big))
	eventually(t, "it waits", func() bool { return r.srv.waiting.Load() > 2000 })
	const full = "-OVERLOADED the room for commands that wait for other nodes is full, nothing was done, try again later"
	quick.want(full, "SET", "j", "v")
	quick.want(full, "MSET", "j", "v", "i", "v")
	quick.want("OK", "MULTI")
	quick.want("QUEUED", "SET", "j", "v")
	quick.want(full, "EXEC")
	slow.next("-TIMEOUT unknown, acks 1 of 2")
	eventually(t, "nothing waits", func() bool { return r.srv.waiting.Load() == 0 })
	for i := 1; i < 3; i++ {
		w.mute[i].Store(false)
	}
	quick.want("OK", "SET", "j", "v")
	quick.want("OK", "MSET", "j", "v", "i", "v")
	quick.want("OK", "MULTI")
	quick.want("QUEUED", "SET", "j", "v")
	quick.want("[OK]", "EXEC")
	eventually(t, "nothing waits", func() bool { return r.srv.waiting.Load() == 0 })
}
