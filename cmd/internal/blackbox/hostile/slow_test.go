//go:build blackbox

package hostile

import (
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// testSlow has clients that send a command a byte at a time.
func testSlow(t *testing.T, n *target) {
	for _, c := range []struct {
		name, begin, drip string
		many              int
		every             time.Duration
	}{
		{"a byte a second of an argument", "*3\r\n$3\r\nSET\r\n$4\r\nslow\r\n$1000000\r\n", "x", 20, time.Second},
		{"a byte a second of an inline command", "PI", "N", 20, time.Second},
		{"a byte a second of a header", "*", "1", 5, time.Second},
		{"a hundred bytes a second of an argument", "*2\r\n$3\r\nGET\r\n$10000000\r\n", "x", 20, 10 * time.Millisecond},
	} {
		n.scenario(t, c.name, mb, func(t *testing.T) {
			var wg sync.WaitGroup
			took := make([]time.Duration, c.many)
			for i := range c.many {
				wg.Go(func() { took[i] = drip(t, n.Clients, c.begin, c.drip, c.every) })
			}
			wg.Wait()
			t.Logf("cut after %.1f s, command-timeout is %v; INFO counts %d so far", took[0].Seconds(), commandTimeout, n.counted(t, "closed_slow_request"))
		})
	}
	n.scenario(t, "half a command and silence", mb, func(t *testing.T) {
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { drip(t, n.Clients, "*2\r\n$3\r\nGE", "", time.Second) })
		}
		wg.Wait()
	})
	n.scenario(t, "half an HTTP request to the admin server", mb, func(t *testing.T) {
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { drip(t, n.Admin, "GET /metrics HTTP/1.1\r\nX: ", "x", 100*time.Millisecond) })
		}
		wg.Wait()
	})
}

// drip sends drip again and again until the node closes, and returns how long
// that took.
func drip(t *testing.T, addr, begin, drip string, every time.Duration) time.Duration {
	c := dial(t, addr)
	closed := make(chan bool, 1)
	go func() {
		_, ok := readToEnd(c, 0)
		closed <- ok
	}()
	start := time.Now()
	send := func(s string) { _, _ = c.Write([]byte(s)) } // the reader tells of the end
	send(begin)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case ok := <-closed:
			if !ok {
				t.Errorf("not cut within %v", patience)
			}
			return time.Since(start)
		case <-tick.C:
			send(drip)
		}
	}
}

// testConnections opens more connections than maxclients lets in, and throws
// others away as fast as it can.
func testConnections(t *testing.T, n *target) {
	n.scenario(t, "more connections than maxclients", 16*mb, func(t *testing.T) {
		control := harnessDial(t, n)
		if got := control.Do("CONFIG", "SET", "maxclients", "100"); got != "+OK\r\n" {
			t.Fatalf("CONFIG SET: %q", got)
		}
		const many = 2000
		var refused, served int
		conns := make([]net.Conn, 0, many)
		for range many {
			conns = append(conns, dial(t, n.Clients))
		}
		for _, c := range conns {
			_, _ = c.Write([]byte("PING\r\n")) // a refused one is closed already
			b := make([]byte, 100)
			_ = c.SetReadDeadline(time.Now().Add(patience))
			got, err := c.Read(b)
			switch {
			case strings.HasPrefix(string(b[:got]), "+PONG"):
				served++
			case strings.HasPrefix(string(b[:got]), "-ERR max number of clients reached"):
				refused++
			default:
				t.Errorf("neither served nor refused: %q, %v", b[:got], err)
			}
		}
		t.Logf("%d served, %d refused", served, refused)
		if served > 100 || served+refused != many {
			t.Errorf("%d served, %d refused of %d with maxclients 100", served, refused, many)
		}
		for _, c := range conns {
			_ = c.Close()
		}
		if got := control.Do("CONFIG", "SET", "maxclients", "30000"); got != "+OK\r\n" {
			t.Errorf("CONFIG SET: %q", got)
		}
		_ = control.Close()
	})
	n.scenario(t, "connections thrown away", 16*mb, func(t *testing.T) {
		begins := []string{"", "P", "*1\r\n$4\r\nPI", "PING\r\n", "*2\r\n$3\r\nGET\r\n$3\r\nbig\r\n"}
		const many = 5000
		for i := range many {
			c := dial(t, n.Clients)
			_, _ = c.Write([]byte(begins[i%len(begins)]))
			if i%2 == 0 {
				_ = c.SetLinger(0) // a reset instead of an end
			}
			_ = c.Close()
		}
		t.Logf("%d connections", many)
	})
}
