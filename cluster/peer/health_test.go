package peer

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/rondokv/rondo/engine/object"
)

// within advances virtual time in small steps until holds is true and returns how long that took.
func within(t *testing.T, most time.Duration, what string, holds func() bool) time.Duration {
	t.Helper()
	begin := time.Now()
	for {
		synctest.Wait()
		if holds() {
			return time.Since(begin)
		}
		if time.Since(begin) > most {
			t.Fatalf("not within %s: %s", most, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestNodeThatOthersCannotHear(t *testing.T) {
	for _, dir := range []path{{1, 2}, {2, 1}} {
		synctest.Test(t, func(t *testing.T) {
			net, nodes := inMemory(t, 3, Limits{})
			a, b, c := nodes[0], nodes[1], nodes[2]
			net.set(net.lossy, dir.from, dir.to, true)
			for range 20 { // there is traffic
				a.links.Send(2, request(1, 800, 10))
				b.links.Send(1, request(1, 800, 10))
				time.Sleep(10 * time.Millisecond)
			}
			// What still arrives must make neither look healthy to the other.
			took := within(t, 2*time.Second, "down", func() bool { return a.has("down 2")() && b.has("down 1")() })
			if took < 500*time.Millisecond {
				t.Errorf("down after %s: too hasty", took)
			}
			time.Sleep(30 * time.Second)
			synctest.Wait()
			if e, f, g := a.take(), b.take(), c.take(); e != "[down 2]" || f != "[down 1]" || g != "[]" {
				t.Errorf("events: %s, %s, %s", e, f, g)
			}
			net.set(net.lossy, dir.from, dir.to, false)
			within(t, 5*time.Second, "up", func() bool { return a.has("up 2")() && b.has("up 1")() })
			if e, f := a.take(), b.take(); e != "[up 2]" || f != "[up 1]" {
				t.Errorf("events: %s, %s", e, f)
			}
		})
	}
}

func TestIdleLinksStayUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, nodes := inMemory(t, 3, Limits{})
		before := nodes[0].links.Stats()[0]
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		for _, n := range nodes {
			if e := n.take(); e != "[]" {
				t.Errorf("node %d: %s", n.id, e)
			}
		}
		after := nodes[0].links.Stats()[0]
		beat := len(appendBeat(nil, kindPing, 1))
		beats := int(after.BytesOut-before.BytesOut) / beat
		if beats < 500 || beats > 620 { // a ping and a pong every two seconds
			t.Errorf("%d pings and pongs in ten minutes", beats)
		}
		if after.Connects != 1 || after.Latency < 0 {
			t.Errorf("%+v", after)
		}
	})
}

func TestConnectionsThatAreMadeAnewAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, nodes := inMemory(t, 2, Limits{})
		for range 5 {
			net.sever()
			within(t, 100*time.Millisecond, "both connections anew", func() bool {
				a, b := nodes[0].links.Stats()[0], nodes[1].links.Stats()[0]
				return a.Out && a.In && b.Out && b.In
			})
			time.Sleep(5 * time.Second)
			synctest.Wait()
		}
		for _, n := range nodes {
			if e := n.take(); e != "[]" {
				t.Errorf("node %d: %s", n.id, e)
			}
			if s := n.links.Stats()[0]; s.Connects != 6 {
				t.Errorf("node %d: %d connections", n.id, s.Connects)
			}
		}
	})
}

func TestDeadPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, nodes := inMemory(t, 2, Limits{})
		a, b := nodes[0], nodes[1]
		if err := b.links.Close(); err != nil {
			t.Fatal(err)
		}
		took := within(t, time.Second, "down", a.has("down 2"))
		if took > 100*time.Millisecond {
			t.Errorf("down after %s, and the connection was refused", took)
		}
		if a.links.Send(2, request(1, 0, 1)) {
			t.Error("a message for a dead node was taken")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		net.mu.Lock()
		dials := net.dials[path{1, 2}]
		net.mu.Unlock()
		if dials < 60 || dials > 140 { // every half to one second
			t.Errorf("%d attempts to connect in a minute", dials)
		}
		if e := a.take(); e != "[down 2]" {
			t.Errorf("events: %s", e)
		}
		// It comes back, and connects: that is reason enough not to wait.
		again := newNode(t, Options{Self: 2, Incarnation: 2, Listener: net.listen(2), Dial: net.dialer(2)})
		again.links.SetPeers([]Peer{{ID: 1, Addr: address(1)}})
		if took := within(t, time.Second, "up", a.has("up 2")); took > 50*time.Millisecond {
			t.Errorf("up after %s", took)
		}
	})
}

// TestOneDirectionGone: node 2 cannot connect to node 1, and learns so only late. Its connection from node 1 is whole.
func TestOneDirectionGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, nodes := inMemory(t, 2, Limits{})
		a, b := nodes[0], nodes[1]
		net.set(net.hang, 2, 1, true)
		net.sever()
		took := within(t, time.Second, "down", func() bool { return a.has("down 2")() && b.has("down 1")() })
		if took < 200*time.Millisecond || took > 400*time.Millisecond {
			t.Errorf("down after %s", took)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := a.links.Stats()[0]; !s.Out || s.In || s.Up || s.Connects != 2 {
			t.Errorf("%+v", s)
		}
		net.set(net.hang, 2, 1, false)
		within(t, 5*time.Second, "up", func() bool { return a.has("up 2")() && b.has("up 1")() })
	})
}

// TestPeerThatHangsUp: one that lets others in and closes at once is not called again and again without a pause.
func TestPeerThatHangsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newNetwork()
		a := newNode(t, Options{Self: 1, Listener: net.listen(1), Dial: net.dialer(1)})
		l := net.listen(2)
		defer func() { _ = l.Close() }()
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				if _, _, err := readGreeting(conn); err == nil {
					_, _ = conn.Write(appendWelcome(nil, &welcome{version: 1, node: 2, inc: 1}))
				}
				_ = conn.Close()
			}
		}()
		a.links.SetPeers([]Peer{{ID: 2, Addr: address(2)}})
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := a.links.Stats()[0]; s.Connects < 60 || s.Connects > 140 {
			t.Errorf("%d connections in a minute", s.Connects)
		}
	})
}

func TestOnlyTheRightPongCounts(t *testing.T) {
	k := newLink(&Links{limits: Limits{}.withDefaults(), news: make(chan struct{}, 1), start: time.Now()}, Peer{ID: 2})
	in, before := &half{}, &half{since: 1}
	k.out, k.in = &half{}, in
	k.pingLocked(1)
	k.pingLocked(2)
	for _, pong := range []struct {
		from *half
		n    uint64
	}{{in, 1}, {in, 3}, {before, 2}} {
		if k.ponged(pong.from, pong.n); k.up {
			t.Fatalf("up after pong %d", pong.n)
		}
	}
	if k.ponged(in, 2); !k.up || !k.out.proof {
		t.Error("not up")
	}
	k.fallLocked("")
	if k.ponged(in, 2); k.up {
		t.Error("up by a pong that came before")
	}
}

// TestNewLife: what belongs to an earlier life of a peer ends when a newer one is met, on whichever side.
func TestNewLife(t *testing.T) {
	k := newLink(&Links{limits: Limits{}.withDefaults(), news: make(chan struct{}, 1), start: time.Now()}, Peer{ID: 2})
	k.newest, k.out, k.in, k.up = 5, &half{inc: 5}, &half{inc: 5}, true
	if stale := k.meetLocked(5); stale != nil || !k.up {
		t.Error("the same life ends")
	}
	if stale := k.meetLocked(6); len(stale) != 2 || k.out != nil || k.in != nil || k.up {
		t.Errorf("%d connections end: %+v", len(stale), k)
	}
}

func TestStandstill(t *testing.T) {
	l := Limits{}.withDefaults()
	k := &link{links: &Links{limits: l}, in: &half{}, out: &half{}, ping: ping{at: 10 * time.Second, open: true}}
	now := 40 * time.Second
	if !k.silentLocked(now, 0) {
		t.Error("30 s without an answer are not silence")
	}
	if k.silentLocked(now, now) {
		t.Error("a peer is blamed for what happened while this node stood still")
	}
	k.moved.Store(int64(now - l.DownAfter/2))
	if k.ping.at = now - 5*l.DownAfter; k.silentLocked(now, 0) {
		t.Error("silence, while a backlog moves")
	}
	if k.ping.at = now - 10*l.DownAfter; !k.silentLocked(now, 0) {
		t.Error("a peer may make others wait without end")
	}
}

func TestUpAndDownTakeTurns(t *testing.T) {
	l := &Links{limits: Limits{}.withDefaults(), news: make(chan struct{}, 1), start: time.Now()}
	k := newLink(l, Peer{ID: object.NodeID(2)})
	say := func(do func()) [2]bool {
		k.mu.Lock()
		do()
		k.mu.Unlock()
		down, up, _ := k.unsaid()
		return [2]bool{down, up}
	}
	fall := func() { k.fallLocked("") }
	rise := func() { k.up = true }
	for i, step := range []struct {
		do       func()
		down, up bool
	}{
		{func() {}, false, false},
		{fall, false, false}, // it never was up
		{rise, false, true},
		{rise, false, false},
		{fall, true, false},
		{fall, false, false},
		{func() { rise(); fall() }, false, false},
		{rise, false, true},
		{func() { fall(); rise() }, true, true}, // what was asked before is not answered any more
	} {
		if got := say(step.do); got != [2]bool{step.down, step.up} {
			t.Errorf("step %d: down, up = %v", i, got)
		}
	}
}

func TestBackoff(t *testing.T) {
	l := Limits{}.withDefaults()
	pause, all := time.Duration(0), []time.Duration(nil)
	for range 8 {
		pause = nextPause(pause, &l)
		all = append(all, pause/time.Millisecond)
	}
	want := []time.Duration{20, 40, 80, 160, 320, 640, 1000, 1000}
	for i := range want {
		if all[i] != want[i] {
			t.Fatalf("pauses %d, want %d", all, want)
		}
	}
	if nextPause(-1, &l) != 0 {
		t.Error("a connection that worked is not made anew at once")
	}
}
