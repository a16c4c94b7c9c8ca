package server

import (
	"strconv"
	"strings"
	"testing"

	"github.com/rondokv/rondo/resp"
)

func TestBasics(t *testing.T) {
	r := newRig(t)
	for _, addr := range []string{r.cluster, r.forward} {
		c := r.dial(addr)
		c.want("PONG", "PING")
		c.want(`"hi"`, "ping", "hi")
		c.want("-ERR wrong number of arguments for 'ping' command", "PING", "a", "b")
		c.want(`"x"`, "EcHo", "x")
		c.want("OK", "SET", "k", "v")
		c.want(`"v"`, "GET", "k")
		c.want("nil", "GET", "none")
		c.want("-ERR wrong number of arguments for 'get' command", "GET")
		c.want("-ERR unknown command 'nope', with args beginning with: 'a' 'b' ", "nope", "a", "b")
		c.want("-ERR unknown subcommand 'nope'. Try CLIENT HELP.", "client", "nope")
		c.want("-ERR syntax error", "SET", "k", "v", "BAD")
		c.want(":1", "DEL", "k")
		c.want(":0", "WAIT", "1", "0")
		c.want("-ERR timeout is negative", "WAIT", "1", "-1")
		if v := c.do("TIME"); len(v.Elems) != 2 {
			t.Errorf("TIME: %s", show(v))
		}
		c.want("OK", "QUIT")
		c.wantEnd()
	}
}

func TestFaces(t *testing.T) {
	r := newRig(t)
	c, f := r.dial(r.cluster), r.dial(r.forward)
	c.want("OK", "SELECT", "0")
	c.want("-ERR SELECT is not allowed in cluster mode", "SELECT", "1")
	c.want("OK", "READONLY")
	c.want("OK", "ASKING")
	c.want("-CROSSSLOT Keys in request don't hash to the same slot", "MGET", "a", "b")
	c.want("OK", "MSET", "{t}a", "1", "{t}b", "2")
	c.want(`["1" "2"]`, "MGET", "{t}a", "{t}b")

	f.want("-ERR This instance has cluster support disabled", "READONLY")
	f.want("-ERR This instance has cluster support disabled", "ASKING")
	f.want("-ERR This instance has cluster support disabled", "READWRITE")
	f.want("-ERR This instance has cluster support disabled", "CLUSTER", "SLOTS")
	f.want("-ERR DB index is out of range", "SELECT", "16")
	f.want("-ERR value is not an integer or out of range", "SELECT", "x")
	f.want("OK", "SELECT", "15")
	f.want("OK", "MSET", "a", "1", "b", "2", "c", "3")
	f.want(`["1" nil "3" "2" "1"]`, "MGET", "a", "zz", "c", "b", "a")
	f.want(":3", "EXISTS", "a", "b", "b", "zz")
	f.want(":2", "TOUCH", "a", "b", "zz")
	f.want("-CROSSSLOT Keys in request don't hash to the same slot", "MSETNX", "a", "1", "b", "2")
	f.want("-CROSSSLOT Keys in request don't hash to the same slot", "RENAME", "a", "b")
	f.want("-ERR wrong number of arguments for 'mset' command", "MSET", "a", "1", "b")
	f.want(":2", "DEL", "a", "c", "zz")
	f.want(":1", "UNLINK", "b", "zz")
	f.want("OK", "SELECT", "0")
	f.want(`"1"`, "GET", "{t}a")
	if n := r.srv.totals.scattered.Load(); n != 6 {
		t.Errorf("%d commands counted as scattered, want 6", n)
	}
}

func TestPipelineOrder(t *testing.T) {
	r := newRig(t)
	c := r.dial(r.forward)
	const n = 5000
	var b []byte
	for i := range n {
		k := strconv.Itoa(i % 7)
		b = append(b, encode("SET", k, strconv.Itoa(i))...)
		b = append(b, encode("GET", k)...)
		switch i % 5 {
		case 0:
			b = append(b, encode("PING", k)...)
		case 1:
			b = append(b, encode("MGET", "0", k)...)
		case 2:
			b = append(b, encode("DBSIZE")...)
		case 3:
			b = append(b, encode("NOSUCH")...)
		}
	}
	go c.send(b)
	for i := range n {
		k := strconv.Itoa(i % 7)
		c.next("OK")
		c.next(strconv.Quote(strconv.Itoa(i)))
		switch i % 5 {
		case 0:
			c.next(strconv.Quote(k))
		case 1:
			if v, err := c.read(); err != nil || v.Elems[1].Str != strconv.Itoa(i) {
				t.Fatalf("MGET %d: %s %v", i, show(v), err)
			}
		case 2:
			c.next(":" + strconv.Itoa(min(i+1, 7)))
		case 3:
			c.next("-ERR unknown command 'NOSUCH', with args beginning with: ")
		}
	}
}

func TestHello(t *testing.T) {
	r := newRig(t)
	c := r.dial(r.cluster)
	c.want("-NOPROTO unsupported protocol version", "HELLO", "4")
	c.want("-ERR Protocol version is not an integer or out of range", "HELLO", "x")
	c.want("-ERR Syntax error in HELLO option 'FOO'", "HELLO", "3", "FOO")
	got := show(c.do("HELLO", "3", "SETNAME", "me"))
	want := `{"server" "redis" "version" "7.0.15" "proto" :3 "id" :1 "mode" "cluster" "role" "master" "modules" []}`
	if got != want {
		t.Errorf("HELLO: %s, want %s", got, want)
	}
	c.want(`"me"`, "CLIENT", "GETNAME")
	c.want("nil", "GET", "none")
	c.send(encode("GET", "none"))
	if _, err := c.read(); err != nil {
		t.Fatal(err)
	}
	if got := show(r.dial(r.forward).do("HELLO")); !strings.Contains(got, `"mode" "standalone"`) || !strings.Contains(got, `"proto" :2`) {
		t.Errorf("HELLO on the forward face: %s", got)
	}
	c.want("RESET", "RESET")
	c.want("nil", "CLIENT", "GETNAME")
}

func TestAuth(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Settings.RequirePass = "secret" })
	c := r.dial(r.cluster)
	c.want("-NOAUTH Authentication required.", "GET", "k")
	c.want("-NOAUTH Authentication required.", "PING")
	c.want("-ERR unknown command 'nosuch', with args beginning with: ", "nosuch")
	c.want("-ERR wrong number of arguments for 'get' command", "GET")
	c.want("-WRONGPASS invalid username-password pair or user is disabled.", "AUTH", "wrong")
	c.want("-WRONGPASS invalid username-password pair or user is disabled.", "AUTH", "other", "secret")
	if got := show(c.do("HELLO", "3")); !strings.HasPrefix(got, "-NOAUTH HELLO must be called") {
		t.Error(got)
	}
	c.want("OK", "AUTH", "default", "secret")
	c.want("PONG", "PING")
	c.want("RESET", "RESET")
	c.want("-NOAUTH Authentication required.", "PING")
	c.send(append(encode("AUTH", "secret"), encode("SET", "k", strings.Repeat("x", 20000))...))
	c.next("OK")
	c.next("OK")
	d := r.dial(r.cluster)
	if got := show(d.do("HELLO", "2", "AUTH", "default", "secret")); !strings.HasPrefix(got, `["server"`) {
		t.Error(got)
	}

	open := newRig(t).dialAny()
	open.want("-ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?", "AUTH", "x")
	open.want("OK", "AUTH", "default", "anything")
	open.want("-WRONGPASS invalid username-password pair or user is disabled.", "AUTH", "you", "anything")
}

func (r *rig) dialAny() *client { return r.dial(r.cluster) }

func TestReplyModes(t *testing.T) {
	c := newRig(t).dialAny()
	var b []byte
	for _, words := range [][]string{
		{"CLIENT", "REPLY", "SKIP"}, {"SET", "k", "1"}, {"GET", "k"},
		{"CLIENT", "REPLY", "OFF"}, {"SET", "k", "2"}, {"GET", "k"}, {"NOSUCH"}, {"CLIENT", "REPLY", "ON"}, {"GET", "k"},
	} {
		b = append(b, encode(words...)...)
	}
	c.send(b)
	c.next(`"1"`)
	c.next("OK")
	c.next(`"2"`)
}

func TestScanKeysFlush(t *testing.T) {
	c := newRig(t).dialAny()
	for i := range 100 {
		c.want("OK", "SET", "key:"+strconv.Itoa(i), "v")
	}
	c.want(":100", "DBSIZE")
	seen := make(map[string]bool)
	cursor := "0"
	for range 1000 {
		v := c.do("SCAN", cursor, "COUNT", "7", "MATCH", "key:*")
		for _, k := range v.Elems[1].Elems {
			seen[k.Str] = true
		}
		if cursor = v.Elems[0].Str; cursor == "0" {
			break
		}
	}
	if len(seen) != 100 || cursor != "0" {
		t.Errorf("SCAN saw %d of 100 keys, cursor %s", len(seen), cursor)
	}
	if v := c.do("KEYS", "key:1?"); len(v.Elems) != 10 {
		t.Errorf("KEYS: %s", show(v))
	}
	if v := c.do("KEYS", "*"); len(v.Elems) != 100 {
		t.Errorf("KEYS *: %d", len(v.Elems))
	}
	c.want(`["0" []]`, "SCAN", "0", "TYPE", "list", "COUNT", "100000")
	c.want("-ERR invalid cursor", "SCAN", "x")
	c.want("-ERR syntax error", "SCAN", "0", "COUNT", "0")
	c.want("-ERR syntax error", "SCAN", "0", "COUNT")
	if v := c.do("RANDOMKEY"); !strings.HasPrefix(v.Str, "key:") {
		t.Errorf("RANDOMKEY: %s", show(v))
	}
	c.want("-ERR syntax error", "FLUSHALL", "NOW")
	c.want("OK", "FLUSHALL", "ASYNC")
	c.want(":0", "DBSIZE")
	c.want("nil", "RANDOMKEY")
	c.want("OK", "FLUSHDB")
}

func TestSubcommandsThatAreOperations(t *testing.T) {
	r := newRig(t)
	c, f := r.dial(r.cluster), r.dial(r.forward)
	c.want("OK", "SET", "k", "12")
	c.want(`"int"`, "OBJECT", "ENCODING", "k")
	c.want("nil", "MEMORY", "USAGE", "none")
	c.want("-ERR wrong number of arguments for 'object|encoding' command", "OBJECT", "ENCODING")
	c.want("-ERR wrong number of arguments for 'object' command", "OBJECT")
	c.want("-ERR Copying to another database is not allowed in cluster mode", "COPY", "k", "k", "DB", "1")
	f.want(":1", "COPY", "k", "k", "DB", "1")
	f.want("OK", "SELECT", "1")
	f.want(`"12"`, "GET", "k")
	if v := c.do("OBJECT", "HELP"); v.Kind != resp.KindArray {
		t.Errorf("OBJECT HELP: %s", show(v))
	}
	c.want("PONG", "PING") // no table is left in between
}

func TestPause(t *testing.T) {
	r := newRig(t)
	c, d := r.dial(r.cluster), r.dial(r.cluster)
	c.want("OK", "CLIENT", "PAUSE", "100000", "WRITE")
	before, _ := r.srv.netBytes()
	held := append(encode("GET", "k"), encode("SET", "k", "v")...)
	d.send(held)
	d.next("nil") // what came before the held command is answered
	eventually(t, "the write was read", func() bool { in, _ := r.srv.netBytes(); return in >= before+int64(len(held)) })
	c.want("nil", "GET", "k")
	c.want("OK", "CLIENT", "UNPAUSE")
	d.next("OK")
	c.want(`"v"`, "GET", "k")

	c.want("OK", "CLIENT", "PAUSE", "30")
	d.want("PONG", "PING") // once the time is over
}

func TestCommandStats(t *testing.T) {
	r := newRig(t)
	c := r.dialAny()
	c.send(append(append(encode("SET", "k", "v"), encode("GET", "k")...), encode("GET", "k")...))
	c.next("OK")
	c.next(`"v"`)
	c.next(`"v"`)
	c.want("-ERR value is not an integer or out of range", "INCR", "k")
	c.want("-ERR wrong number of arguments for 'get' command", "GET")
	find := func(name string) *commandStats { return &r.srv.table.find([]byte(name)).stats }
	if n := find("get").calls.Load(); n != 2 {
		t.Errorf("get: %d calls, want 2", n)
	}
	if n := find("GET").rejected.Load(); n != 1 {
		t.Errorf("get: %d rejected, want 1", n)
	}
	if n := find("Incr").failed.Load(); n != 1 {
		t.Errorf("incr: %d failed, want 1", n)
	}
	if n := r.srv.totals.commands.Load(); n != 4 {
		t.Errorf("%d commands, want 4", n)
	}
}
