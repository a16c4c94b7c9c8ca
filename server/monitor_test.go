package server

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/rondokv/rondo/resp"
)

func words(s ...string) [][]byte {
	out := make([][]byte, len(s))
	for i := range s {
		out[i] = []byte(s[i])
	}
	return out
}

// The line is what redis-server 7.0.15 sent for the same command.
func TestMonitorLine(t *testing.T) {
	at := time.Unix(1795295621, 5126_000)
	got := string(monitorLine(at, 3, "127.0.0.1:51132", words("SET", "a\x00\"\n\\\xff\t\x07", "b")))
	want := `1795295621.005126 [3 127.0.0.1:51132] "SET" "a\x00\"\n\\\xff\t\a" "b"`
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestRedactArgs(t *testing.T) {
	for _, c := range []struct{ cmd, in, want string }{
		{"auth", "auth pw", "[auth (redacted)]"},
		{"auth", "auth user pw", "[auth (redacted) (redacted)]"},
		{"hello", "HELLO 3 AUTH default x SETNAME n", "[HELLO 3 AUTH (redacted) (redacted) SETNAME n]"},
		{"hello", "hello 3 setname auth", "[hello 3 setname auth]"},
		{"hello", "hello 3 auth u", "[hello 3 auth (redacted)]"},
		{"config|set", "config set maxclients 3 RequirePass x", "[config set maxclients 3 RequirePass (redacted)]"},
		{"config|set", "config set maxclients requirepass", "[config set maxclients requirepass]"},
		{"get", "get auth", "[get auth]"},
	} {
		in := bytes.Fields([]byte(c.in))
		before := fmt.Sprintf("%s", in)
		if got := fmt.Sprintf("%s", redactArgs(&resp.Command{Name: c.cmd}, in)); got != c.want {
			t.Errorf("%s: got %s, want %s", c.in, got, c.want)
		}
		if after := fmt.Sprintf("%s", in); after != before {
			t.Errorf("%s: the command's own arguments became %s", c.in, after)
		}
	}
}

func TestMonitorFeedKeepsOrder(t *testing.T) {
	var h monitorHub
	if h.active() {
		t.Error("active without a monitor")
	}
	f := h.subscribe(7)
	if !h.active() || !h.has(7) || h.has(8) {
		t.Error("the monitor is not known")
	}
	for i := range 100 {
		h.publish([]byte(fmt.Sprint(i)))
	}
	var got []byte
	stop := errors.New("enough")
	err := f.run(func(b []byte) error {
		if got = append(got, b...); bytes.Count(got, []byte("\n")) == 100 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) {
		t.Errorf("run: %v", err)
	}
	var want []byte
	for i := range 100 {
		want = fmt.Appendf(want, "+%d\r\n", i)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	h.unsubscribe(f)
	h.unsubscribe(f)
	if h.active() || h.has(7) {
		t.Error("still there")
	}
	if err := f.run(func([]byte) error { return nil }); err != nil {
		t.Errorf("a stopped feed: %v", err)
	}
}

// A monitor that does not read is cut at the bound; the others go on.
func TestSlowMonitorIsCut(t *testing.T) {
	var h monitorHub
	slow, quick := h.subscribe(1), h.subscribe(2)
	line := make([]byte, 1<<20)
	for range monitorQueueBytes/len(line) + 1 {
		h.publish(line)
		quick.take(nil, <-quick.lines)
	}
	select {
	case <-slow.done:
	default:
		t.Error("the slow monitor goes on")
	}
	if !slow.slow.Load() || quick.slow.Load() {
		t.Errorf("slow %v, quick %v", slow.slow.Load(), quick.slow.Load())
	}
	if n := slow.bytes.Load(); n > monitorQueueBytes {
		t.Errorf("%d bytes are queued", n)
	}
	h.publish(line)
	if len(quick.lines) != 1 {
		t.Error("the quick monitor missed a line")
	}
	for range monitorQueueLines + 1 {
		h.publish([]byte("x"))
	}
	if !quick.slow.Load() {
		t.Error("many short lines are not bounded")
	}
}
