package server

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
)

// cutRig is a rig with low limits.
func cutRig(t *testing.T) *rig {
	return newRig(t, func(o *Options) {
		o.Settings.MaxBulk = 1 << 20
		o.Settings.QueryBufferLimit = 2 << 20
		o.Settings.WriteTimeout = 300 * time.Millisecond
		o.Settings.CommandTimeout = 300 * time.Millisecond
	})
}

func TestClientThatNeverReads(t *testing.T) {
	r := cutRig(t)
	other := r.dial(r.cluster)
	other.want("OK", "SET", "big", strings.Repeat("x", 1<<20))
	c := r.dial(r.cluster)
	_ = c.conn.(*net.TCPConn).SetReadBuffer(4096)
	b := bytes.Repeat(encode("GET", "big"), 500)
	go func() { _, _ = c.conn.Write(b) }()
	eventually(t, "the client that never reads is cut", func() bool { return r.srv.totals.cutUnread.Load() == 1 })
	eventually(t, "its connection is gone", func() bool { return r.srv.sessions.count() == 1 })
	other.want("PONG", "PING")
}

// A client that reads slowly, but reads, is not cut.
func TestClientThatReadsSlowly(t *testing.T) {
	r := cutRig(t)
	c := r.dial(r.cluster)
	c.want("OK", "SET", "big", strings.Repeat("x", 1<<20))
	c.send(bytes.Repeat(encode("GET", "big"), 8))
	total, buf := 0, make([]byte, 32<<10)
	want := 8 * (len("$1048576\r\n\r\n") + 1<<20)
	for total < want {
		n, err := c.conn.Read(buf)
		if err != nil {
			t.Fatalf("cut after %d of %d bytes: %v", total, want, err)
		}
		if total += n; total%(1<<20) < n {
			time.Sleep(100 * time.Millisecond) // the client is slow; nothing is ordered by it
		}
	}
}

func TestUnfinishedCommandTooLong(t *testing.T) {
	r := cutRig(t)
	c := r.dial(r.cluster)
	_, _ = c.conn.Write([]byte("*100\r\n"))
	arg := encode(strings.Repeat("y", 1<<20))[4:]
	for range 100 {
		if _, err := c.conn.Write(arg); err != nil {
			break
		}
	}
	c.wantEnd()
	if n := r.srv.totals.cutQuery.Load(); n != 1 {
		t.Errorf("%d connections cut for their query buffer, want 1", n)
	}
}

func TestByteASecond(t *testing.T) {
	r := cutRig(t)
	stuck, slow, idle := r.dial(r.cluster), r.dial(r.cluster), r.dial(r.cluster)
	stuck.send([]byte("*2\r\n$3\r\nGE"))
	go func() {
		for _, b := range encode("GET", strings.Repeat("k", 200)) {
			if _, err := slow.conn.Write([]byte{b}); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond) // the client is slow; nothing is ordered by it
		}
	}()
	stuck.wantEnd()
	slow.wantEnd()
	if n := r.srv.totals.cutSlow.Load(); n != 2 {
		t.Errorf("%d connections cut as slow, want 2", n)
	}
	// A connection between commands may stay for ever, after an empty line too.
	idle.send([]byte("\r\n*0\r\n"))
	time.Sleep(400 * time.Millisecond) // longer than the command timeout
	idle.want("PONG", "PING")
}

func TestIdleTimeout(t *testing.T) {
	r := newRig(t)
	c := r.dial(r.cluster)
	c.want("PONG", "PING")
	set := r.srv.Settings()
	set.IdleTimeout = 100 * time.Millisecond
	r.srv.apply(set) // the connection waits without a deadline by now
	c.wantEnd()
	if n := r.srv.totals.cutIdle.Load(); n != 1 {
		t.Errorf("%d connections cut as idle, want 1", n)
	}
}

func TestMaxClients(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Settings.MaxClients = 2 })
	a, b := r.dial(r.cluster), r.dial(r.forward)
	a.want("PONG", "PING")
	b.want("PONG", "PING")
	c := r.dial(r.cluster)
	c.next("-ERR max number of clients reached")
	c.wantEnd()
	_ = a.conn.Close()
	eventually(t, "the closed connection makes room", func() bool { return r.srv.sessions.count() == 1 })
	r.dial(r.cluster).want("PONG", "PING")
}

// strangerListener hands out connections that seem to come from another machine.
type strangerListener struct{ net.Listener }

type strangerConn struct{ net.Conn }

func (strangerConn) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 1234}
}

func (l strangerListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return strangerConn{c}, nil
}

func TestProtectedMode(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Cluster = strangerListener{o.Cluster} })
	c := r.dial(r.cluster)
	c.next("-" + string(resp.ErrProtected))
	c.wantEnd()
	set := r.srv.Settings()
	set.RequirePass = "x"
	r.srv.apply(set)
	r.dial(r.cluster).want("OK", "AUTH", "x")
	set.RequirePass, set.ProtectedMode = "", false
	r.srv.apply(set)
	r.dial(r.cluster).want("PONG", "PING")
}

func TestHTTPOnClientPort(t *testing.T) {
	r := newRig(t)
	c := r.dial(r.cluster)
	c.send([]byte("POST / HTTP/1.1\r\nHost: x\r\n\r\nSET a b\r\n"))
	c.wantEnd()
	r.dial(r.cluster).want("nil", "GET", "a")
}

func TestInlineOverTCP(t *testing.T) {
	c := newRig(t).dialAny()
	c.send([]byte("SET k 'a b'\r\nGET k\r\n\r\nPING\n"))
	c.next("OK")
	c.next(`"a b"`)
	c.next("PONG")
	c.send([]byte("GET k\r\nGET \"k\r\nGET k\r\n"))
	c.next(`"a b"`)
	c.next("-ERR Protocol error: unbalanced quotes in request")
	c.wantEnd()
}

func TestLargeValues(t *testing.T) {
	c := newRig(t).dialAny()
	for _, n := range []int{3000, 4090, 4096, 5000, 16384, 65535, 65536, 300000, 3 << 20} {
		v := strings.Repeat("ab", n/2)
		c.send(append(append(encode("SET", "k", v), encode("GET", "k")...), encode("MGET", "k", "k")...))
		c.next("OK")
		for range 2 {
			got, err := c.read()
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range got.Elems {
				if e.Str != v {
					t.Errorf("%d bytes: wrong element", n)
				}
			}
			if got.Elems == nil && got.Str != v {
				t.Errorf("%d bytes: wrong value of %d", n, len(got.Str))
			}
		}
	}
}

func TestShutdownAnswersWhatWasRead(t *testing.T) {
	r := newRig(t)
	busy, idle, half := r.dial(r.cluster), r.dial(r.cluster), r.dial(r.cluster)
	half.send([]byte("*2\r\n$3\r\n"))
	idle.want("PONG", "PING")
	busy.want("OK", "CLIENT", "PAUSE", "60000", "WRITE")
	before, _ := r.srv.netBytes()
	// Held back by the pause until the server closes: by then it is in flight.
	held := append(encode("SET", "k", "w"), encode("GET", "k")...)
	busy.send(held)
	eventually(t, "the command is in flight", func() bool {
		in, _ := r.srv.netBytes()
		return in >= before+int64(len(held))
	})
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := r.srv.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	busy.next("OK")
	busy.next(`"w"`)
	busy.wantEnd()
	idle.wantEnd()
	half.wantEnd()
	if _, err := net.DialTimeout("tcp", r.cluster, time.Second); err == nil {
		t.Error("the listener is still open")
	}
}

func TestShutdownCutsOffWhatTakesTooLong(t *testing.T) {
	r := newRig(t)
	c := r.dial(r.cluster)
	big := strings.Repeat("x", 8<<20)
	c.want("OK", "SET", "big", big)
	_ = c.conn.(*net.TCPConn).SetReadBuffer(4096)
	before, _ := r.srv.netBytes()
	c.send(bytes.Repeat(encode("GET", "big"), 20))
	eventually(t, "the batch is in flight", func() bool { in, _ := r.srv.netBytes(); return in > before })
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := r.srv.Shutdown(ctx); err == nil {
		t.Error("Shutdown told nothing of the connection that it cut off")
	}
}

func TestShutdownCommand(t *testing.T) {
	asked := make(chan struct{})
	c := newRig(t, func(o *Options) { o.OnShutdown = func() { close(asked) } }).dialAny()
	c.want("-ERR syntax error", "SHUTDOWN", "SAVE", "NOSAVE")
	c.want("-ERR No shutdown in progress.", "SHUTDOWN", "ABORT")
	c.send(encode("SHUTDOWN", "NOSAVE"))
	<-asked
}

// panicNode panics where it is told to.
type panicNode struct {
	Node
	Keyspace
}

func (panicNode) Keys(cluster.Scope, uint8, func([]byte) bool) error    { panic("keys") }
func (panicNode) SlotKeys(object.Slot, int) (names [][]byte, err error) { panic("slot") }

func TestPanicCostsOneConnection(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Node = panicNode{Node: o.Node} })
	c, d := r.dial(r.cluster), r.dial(r.cluster)
	d.want("PONG", "PING")
	c.send(append(append(encode("SET", "k", "v"), encode("KEYS", "*")...), encode("GET", "k")...))
	c.next("OK")
	c.next("-ERR internal error")
	c.wantEnd()
	d.want(`"v"`, "GET", "k")
	if n := r.srv.totals.panics.Load(); n != 1 {
		t.Errorf("%d panics counted, want 1", n)
	}
}

func TestAdminPages(t *testing.T) {
	ln := listen(t)
	r := newRig(t, func(o *Options) { o.Admin = ln })
	c := r.dialAny()
	for i := range 20 {
		c.want("OK", "SET", "k"+strconv.Itoa(i), "v")
	}
	c.want(`"v"`, "GET", "k1")
	c.want("nil", "GET", "none")
	for path, want := range map[string][]string{
		"/healthz": {"ok"},
		"/readyz":  {"ready"},
		"/metrics": {`rondo_commands_total{command="set"} 20`, `rondo_command_latency_seconds_count{family="string"} 22`,
			"rondo_connected_clients 1", "rondo_keyspace_hits_total 1", "rondo_keyspace_misses_total 1",
			`rondo_connections_cut_total{limit="idle"} 0`},
		"/debug/pprof/cmdline": {"server.test"},
	} {
		res, err := http.Get("http://" + ln.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %v", path, res.StatusCode, err)
		}
		for _, w := range want {
			if !strings.Contains(string(body), w) {
				t.Errorf("%s lacks %q:\n%s", path, w, body)
			}
		}
	}
}

func TestReplyOverOutputLimit(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Settings.OutputBufferLimit = 1 << 20 })
	c := r.dial(r.cluster)
	c.want("OK", "SET", "k", strings.Repeat("x", 300<<10))
	if v := c.do("MGET", "k", "k", "k"); len(v.Elems) != 3 || len(v.Elems[2].Str) != 300<<10 {
		t.Errorf("a reply within the limit: %d elements", len(v.Elems))
	}
	c.send(append(encode("PING"), encode("MGET", "k", "k", "k", "k")...))
	c.next("PONG")
	c.wantEnd()
	if n := r.srv.totals.cutOutput.Load(); n != 1 {
		t.Errorf("%d connections cut at the output limit, want 1", n)
	}
}
