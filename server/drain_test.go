package server

import (
	"net"
	"strings"
	"testing"
)

// A client that sends its commands and closes its side at once is answered, and the connection ends: also when commands and end
// came in together, of which the poller tells once.
func TestEndRightBehindCommands(t *testing.T) {
	r := newRig(t)
	var all []*client
	for range 200 {
		c := r.dial(r.cluster)
		c.send(encode("PING"))
		if err := c.conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	for _, c := range all {
		c.next("PONG")
		c.wantEnd()
	}
	eventually(t, "the connections are gone", func() bool { return r.srv.sessions.count() == 0 })
}

// However the bytes of commands fall into the socket, and whatever is there already when the server looks, each is answered: a
// reader that waits must have read all that came before.
func TestNoCommandIsSleptOver(t *testing.T) {
	r := newRig(t)
	c := r.dial(r.cluster)
	value := strings.Repeat("v", 5000) // longer than the room of a first read
	stream := append(append(encode("SET", "k", value), encode("GET", "k")...), encode("PING")...)
	for cut := 1; cut < len(stream); cut += 1 + cut/7 {
		c.send(stream[:cut])
		c.send(stream[cut:])
		c.next("OK")
		c.next(`"` + value + `"`)
		c.next("PONG")
	}
	whole := encode("SET", "k", strings.Repeat("v", 4096-len("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4062\r\n\r\n")))
	if len(whole) != 4096 {
		t.Fatalf("%d bytes, want those of a first read", len(whole))
	}
	for range 20 {
		c.send(whole)
		c.next("OK")
	}
}
