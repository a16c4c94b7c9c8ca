//go:build blackbox

package hostile

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

// testUnread has clients that ask and never read.
func testUnread(t *testing.T, n *target) {
	c := harness.Dial(t, n.Clients)
	c.Do("SET", "big", string(bytes.Repeat([]byte("b"), mb)))
	_ = c.Close()
	gets := bytes.Repeat(harness.AppendCommand(nil, "GET", "big"), 2000)

	const many = 20
	n.scenario(t, "twenty clients that never read", many*2*mb, func(t *testing.T) {
		var wg sync.WaitGroup
		begin := time.Now()
		for range many {
			wg.Go(func() { untilCut(t, n.Clients, gets) })
		}
		wg.Wait()
		t.Logf("all cut after %.1f s, write-timeout is %v; INFO counts %d so far", time.Since(begin).Seconds(), writeTimeout, n.counted(t, "closed_unread_reply"))
	})

	n.scenario(t, "reply over the output limit", outputLimit, func(t *testing.T) {
		args := append([]string{"MGET"}, make([]string, outputLimit/mb+8)...)
		for i := range args[1:] {
			args[i+1] = "big"
		}
		c := dial(t, n.Clients)
		if _, err := c.Write(harness.AppendCommand(nil, args...)); err != nil {
			t.Fatal(err)
		}
		said, closed := readToEnd(c, 200)
		t.Logf("said %.80q, closed %v; INFO counts %d so far", said, closed, n.counted(t, "closed_output_buffer_limit"))
		if !closed {
			t.Error("not cut")
		}
		if bytes.HasPrefix(said, []byte("*")) {
			t.Error("a part of the reply was sent")
		}
	})

	n.scenario(t, "a client that reads a little at a time", 4*mb, func(t *testing.T) {
		c := dial(t, n.Clients)
		if err := c.SetReadBuffer(4 << 10); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write(gets[:len(gets)/2]); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, 1000)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for begin := time.Now(); time.Since(begin) < writeTimeout+time.Second; <-tick.C {
			if _, err := c.Read(b); err != nil {
				t.Fatalf("cut though it reads: %v", err)
			}
		}
		_ = c.Close()
	})

	testUnreadMonitor(t, n)
}

// untilCut sends without reading until the node closes.
func untilCut(t *testing.T, addr string, b []byte) {
	c := dial(t, addr)
	_ = c.SetWriteDeadline(time.Now().Add(patience))
	for {
		if _, err := c.Write(b); err != nil {
			if !closedByPeer(err) {
				t.Errorf("not cut within %v: %v", patience, err)
			}
			return
		}
	}
}

// testUnreadMonitor has a MONITOR that never reads while others write a lot.
func testUnreadMonitor(t *testing.T, n *target) {
	n.scenario(t, "a MONITOR that never reads", outputLimit+16*mb, func(t *testing.T) {
		m := dial(t, n.Clients)
		if _, err := m.Write(harness.AppendCommand(nil, "MONITOR")); err != nil {
			t.Fatal(err)
		}
		c := harness.Dial(t, n.Clients)
		value := string(bytes.Repeat([]byte("m"), 100<<10))
		const writes = 1500
		for i := range writes {
			if got := c.Do("SET", fmt.Sprintf("monitored:%d", i%10), value); got != "+OK\r\n" {
				t.Fatalf("SET: %q", got)
			}
		}
		_ = c.Close()
		poll(t, "cut of the MONITOR", func() bool { return n.connected(t) <= n.clients })
		if _, closed := readToEnd(m, 0); !closed {
			t.Error("not cut")
		}
	})
}

// counted is a counter of INFO.
func (n *target) counted(t *testing.T, field string) int64 {
	t.Helper()
	c := harness.Dial(t, n.Clients)
	defer func() { _ = c.Close() }()
	return infoNumber(t, c, field)
}
