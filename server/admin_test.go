package server

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rondokv/rondo/resp"
)

// realRedis starts redis-server where there is one.
func realRedis(t *testing.T, clusterFace bool) *client {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("no redis-server to compare with")
	}
	ln := listen(t)
	port := ln.Addr().(*net.TCPAddr).Port
	for port > 55535 { // the cluster bus takes port + 10000
		port -= 10000
	}
	_ = ln.Close()
	mode := "no"
	if clusterFace {
		mode = "yes"
	}
	cmd := exec.Command(path, "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--save", "", "--dir", t.TempDir(), "--cluster-enabled", mode)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "Ready to accept connections") {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return (&rig{t: t}).dial("127.0.0.1:" + strconv.Itoa(port))
		}
	}
	t.Skip("redis-server did not start")
	return nil
}

// addSlots makes a cluster of a Redis that is alone.
func addSlots(t *testing.T, c *client) {
	t.Helper()
	c.do("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
	eventually(t, "cluster_state:ok", func() bool { return strings.Contains(c.do("CLUSTER", "INFO").Str, "cluster_state:ok") })
}

// sortElems puts what is in an aggregate in one order, at every depth: Redis
// lists some things in the order of its hash tables.
func sortElems(v resp.Value) {
	for _, e := range v.Elems {
		sortElems(e)
	}
	slices.SortFunc(v.Elems, func(a, b resp.Value) int {
		return bytes.Compare(a.AppendTo(nil, 3), b.AppendTo(nil, 3))
	})
}

// Replies of both servers are compared as bytes. Lines after ~ are compared
// without regard to order.
func TestRepliesAreThoseOfRedis(t *testing.T) {
	b := newRig(t)
	for face, file := range map[string]string{"forward": forwardScript, "cluster": clusterScript} {
		t.Run(face, func(t *testing.T) {
			addr := b.forward
			if face == "cluster" {
				addr = b.cluster
			}
			theirs, ours := realRedis(t, face == "cluster"), b.dial(addr)
			if face == "cluster" {
				addSlots(t, theirs)
			}
			for _, line := range strings.Split(strings.TrimSpace(file), "\n") {
				line, anyOrder := strings.CutPrefix(line, "~ ")
				args := strings.Fields(line)
				for i := range args {
					args[i] = strings.ReplaceAll(args[i], "''", "")
				}
				want, got := theirs.do(args...), ours.do(args...)
				if anyOrder {
					sortElems(want)
					sortElems(got)
				}
				w, g := want.AppendTo(nil, 3), got.AppendTo(nil, 3)
				if !bytes.Equal(w, g) {
					t.Errorf("%s\n  got %q\n want %q", line, g, w)
				}
			}
		})
	}
}

const forwardScript = `
client
client foo
client foo bar
client id extra
client no-evict
client no-evict foo
client no-evict on
client getname
client setname ''
client setname x
client getname
client setname ''
client getname
client list foo
client list type foo
client list type normal extra
client list id foo
client list id 0
client list id
client list type
client list type pubsub
client list type master
client list type slave
client kill foo
client kill 1.2.3.4:5
client kill id foo
client kill id 0
client kill id 999
client kill id 999 type
client kill type foo
client kill type normal id 999
client kill user nobody
client kill user default addr 1.2.3.4:5
client kill skipme foo
client kill skipme yes id 999
client kill laddr 1.1.1.1:1
client kill a b c
client reply
client reply foo
client reply on
client pause
client pause foo
client pause -1
client pause 1 foo
client pause 1 all x
client pause 99999999999999999999
client pause 0
client unpause
client unpause x
client unblock
client unblock 999
client unblock foo
client unblock 999 foo
client unblock 999 timeout
client unblock 999 error x
config
config foo
config get
config get nosuch
config get databases
config get save
~ config get maxmemory maxmemory-policy
config set
config set a
config set maxmemory
config set nosuch b
config set nosuch b databases 3
config set databases 3 databases 3
config set databases 3
config set port 1 nosuch
config resetstat
config resetstat x
config rewrite
config rewrite x
slowlog
slowlog foo
slowlog len
slowlog len x
slowlog get
slowlog get 0
slowlog get -1
slowlog get -2
slowlog get x
slowlog get 1 2
slowlog reset
latency
latency foo
latency latest
latency history foo
latency history
latency reset
latency reset foo bar
latency histogram foo
memory
memory foo
memory usage
memory usage nosuch
memory purge
memory stats x
object
object foo
object help x
debug
role
role x
lastsave x
monitor x
module list
module
module foo
readonly
readwrite
asking
cluster
cluster info
cluster foo
cluster help
info nosuch
command foo
command count x
command info foo
command info get foo GET config|set client|nosuch
~ command info config
~ command info slowlog
command info copy
command info rename mset
command docs foo
~ command docs config|get slowlog
command docs get expire config|set
command list foo
command list filterby
command list filterby foo
command list filterby module
command list filterby module json
command list filterby foo x
command list filterby aclcat foo
command list filterby pattern GETR*
command list filterby pattern x y
command getkeys
command getkeys foo
command getkeys foo bar
command getkeys get
command getkeys get a
command getkeys get a b
command getkeys ping
command getkeys mset a b c d
command getkeys mset a b c
command getkeys config get x
command getkeys client list
command getkeys memory usage a
command getkeys object encoding a
command getkeysandflags set a b
command getkeysandflags set a b get
command getkeysandflags get a
command getkeysandflags mset a b c d
command getkeysandflags copy a b
command getkeysandflags rename a b
command getkeysandflags del a b
command getkeysandflags ping
command getkeysandflags foo a
command getkeysandflags exists a
command getkeysandflags append a b
command getkeysandflags getdel a
command getkeysandflags memory usage a
command getkeysandflags watch a
hello 3 auth
hello 3 setname
~ config get save databases
command info get
command docs get
command getkeysandflags get a
config get nosuch
latency histogram foo
role
`

const clusterScript = `
cluster
cluster foo
cluster info x
cluster keyslot
cluster keyslot foo
cluster keyslot {a}b
cluster keyslot {}b
cluster countkeysinslot x
cluster countkeysinslot 16384
cluster countkeysinslot -1
cluster countkeysinslot 5
set {a}1 x
cluster countkeysinslot 15495
cluster getkeysinslot 15495 0
cluster getkeysinslot 15495 -1
cluster getkeysinslot 15495 1
cluster getkeysinslot 15495 10
cluster getkeysinslot 99999 10
cluster getkeysinslot x 10
cluster getkeysinslot 5 y
cluster replicas foo
cluster slaves foo
cluster count-failure-reports foo
cluster links
cluster myshardid
config get cluster-enabled
readonly
readwrite
asking
`

var digits = regexp.MustCompile(`[0-9a-f]{40}|[0-9]+`)

// What names the node or counts its lives differs; the shape does not.
func TestClusterMapsHaveTheShapeOfRedis(t *testing.T) {
	b := newRig(t, func(o *Options) { o.PeerPort = 16379 })
	theirs, ours := realRedis(t, true), b.dial(b.cluster)
	theirs.do("CONFIG", "SET", "cluster-announce-ip", "127.0.0.1")
	addSlots(t, theirs)
	for _, proto := range []string{"2", "3"} {
		theirs.do("HELLO", proto)
		ours.do("HELLO", proto)
		for _, what := range []string{"SLOTS", "SHARDS", "NODES", "INFO", "MYID"} {
			shape := func(c *client) string {
				v := c.do("CLUSTER", what)
				return digits.ReplaceAllString(string(v.AppendTo(nil, 3)), "#")
			}
			if want, got := shape(theirs), shape(ours); got != want {
				t.Errorf("CLUSTER %s in RESP%s\n  got %q\n want %q", what, proto, got, want)
			}
		}
	}
	id := ours.do("CLUSTER", "MYID").Str
	nodes := ours.do("CLUSTER", "NODES").Str
	if !strings.HasPrefix(nodes, id+" 127.0.0.1:") || !strings.Contains(nodes, "@16379 myself,master - 0 0 1 connected 0-16383\n") {
		t.Errorf("NODES %q", nodes)
	}
	if got := ours.do("CLUSTER", "SLOTS").Elems[0].Elems[2].Elems[2].Str; got != id {
		t.Errorf("SLOTS names %s, MYID is %s", got, id)
	}
}

// infoFields reads INFO as clients do.
func infoFields(t *testing.T, text string) (sections []string, fields map[string]string) {
	t.Helper()
	fields = map[string]string{}
	for _, line := range strings.Split(text, "\r\n") {
		name, value, ok := strings.Cut(line, ":")
		switch {
		case line == "":
		case strings.HasPrefix(line, "# "):
			sections = append(sections, line[2:])
		case !ok:
			t.Errorf("no field: %q", line)
		default:
			if _, twice := fields[name]; twice {
				t.Errorf("%s is there twice", name)
			}
			fields[name] = value
		}
	}
	return sections, fields
}

func TestInfoSections(t *testing.T) {
	b := newRig(t)
	theirs, ours := realRedis(t, false), b.dial(b.forward)
	for _, args := range [][]string{{}, {"all"}, {"everything"}, {"default"}, {"server"}, {"CPU", "cpu", "nosuch"}, {"commandstats", "keyspace"}, {"all", "server"}} {
		cmd := append([]string{"INFO"}, args...)
		want, _ := infoFields(t, theirs.do(cmd...).Str)
		got, _ := infoFields(t, ours.do(cmd...).Str)
		got = slices.DeleteFunc(got, func(s string) bool { return s == "Rondo" })
		if !slices.Equal(got, want) {
			t.Errorf("INFO %v: sections %v, want %v", args, got, want)
		}
	}
}

// Every field of Redis that Rondo shows is of the same kind: a number stays one.
func TestInfoFieldsParse(t *testing.T) {
	b := newRig(t, func(o *Options) { o.EngineInfo = func() []Figure { return []Figure{{"disk_full", "0"}} } })
	theirs, ours := realRedis(t, false), b.dial(b.forward)
	ours.do("SET", "a", "b", "EX", "100")
	ours.do("GET", "a")
	ours.do("GET", "nosuch")
	ours.do("NOSUCH")
	_, want := infoFields(t, theirs.do("INFO", "everything").Str)
	_, got := infoFields(t, ours.do("INFO", "everything").Str)
	for name, theirs := range want {
		ours, ok := got[name]
		if !ok {
			continue
		}
		_, theirErr := strconv.ParseFloat(theirs, 64)
		_, ourErr := strconv.ParseFloat(ours, 64)
		if theirErr == nil && ourErr != nil && name != "redis_build_id" {
			t.Errorf("%s:%s, Redis has %s", name, ours, theirs)
		}
	}
	for name, value := range map[string]string{
		"redis_version": "7.0.15", "redis_mode": "standalone", "role": "master", "loading": "0", "connected_clients": "1",
		"maxmemory_policy": "noeviction", "keyspace_hits": "1", "keyspace_misses": "1", "cluster_enabled": "0",
		"db0": "keys=1,expires=1,avg_ttl=0", "rondo_version": "test", "errorstat_ERR": "count=1", "total_error_replies": "1",
		"disk_full": "0", "maxclients": "10000", "incarnation": "2",
	} {
		if got[name] != value {
			t.Errorf("%s:%s, want %s", name, got[name], value)
		}
	}
	for _, name := range []string{"used_memory", "used_memory_rss", "used_memory_peak", "total_system_memory", "process_id", "tcp_port", "uptime_in_seconds", "used_cpu_user"} {
		if _, err := strconv.ParseFloat(got[name], 64); err != nil {
			t.Errorf("%s:%s", name, got[name])
		}
	}
	if id := got["run_id"]; len(id) != 40 || strings.Trim(id, "0123456789abcdef") != "" {
		t.Errorf("run_id:%s", id)
	}
	if _, err := fmt.Sscanf(got["cmdstat_get"], "calls=2,"); err != nil {
		t.Errorf("cmdstat_get:%s", got["cmdstat_get"])
	}
	_, got = infoFields(t, b.dial(b.cluster).do("INFO").Str)
	if got["redis_mode"] != "cluster" || got["cluster_enabled"] != "1" {
		t.Errorf("on the cluster face: mode %s, enabled %s", got["redis_mode"], got["cluster_enabled"])
	}
}

// Rows of everything that is served decode, have ten elements, and are those
// that COUNT counts and LIST names.
func TestCommandRows(t *testing.T) {
	b := newRig(t)
	c := b.dial(b.cluster)
	c.do("HELLO", "3")
	rows, names := c.do("COMMAND").Elems, c.do("COMMAND", "LIST").Elems
	if n := c.do("COMMAND", "COUNT").Int; n != int64(len(rows)) || len(names) != len(rows) || n < 70 {
		t.Errorf("COUNT %d, %d rows, %d names", n, len(rows), len(names))
	}
	var row func(v resp.Value, container string)
	seen := map[string]bool{}
	row = func(v resp.Value, container string) {
		if len(v.Elems) != 10 {
			t.Fatalf("a row of %d elements", len(v.Elems))
		}
		name := v.Elems[0].Str
		if !strings.HasPrefix(name, container) || seen[name] {
			t.Errorf("row %q in %q", name, container)
		}
		seen[name] = true
		for _, sub := range v.Elems[9].Elems {
			row(sub, name+"|")
		}
	}
	for _, v := range rows {
		row(v, "")
	}
	for _, name := range []string{"get", "set", "client|kill", "memory|usage", "object|encoding", "cluster|slots", "exec"} {
		if !seen[name] {
			t.Errorf("no row for %s", name)
		}
	}
	for _, name := range []string{"save", "replicaof", "hset", "client|tracking", "cluster|meet", "object|idletime", "module|load"} {
		if seen[name] {
			t.Errorf("%s is listed and not served", name)
		}
	}
	for _, v := range rows {
		if got := c.do("COMMAND", "DOCS", v.Elems[0].Str); len(got.Elems) != 2 {
			t.Errorf("no documentation of %s", v.Elems[0].Str)
		}
	}
}

// What is not built is refused, whatever its arguments.
func TestNotBuiltIsRefused(t *testing.T) {
	b := newRig(t)
	c := b.dial(b.cluster)
	for _, line := range []string{
		"client tracking on", "client caching yes", "client trackinginfo", "client getredir", "latency doctor", "latency graph x",
		"memory doctor", "memory malloc-stats", "debug jmap", "debug sleep", "debug sleep 0 0", "module load x", "save", "bgsave", "bgrewriteaof",
		"replicaof no one", "slaveof no one", "sync", "psync x 1", "failover", "cluster meet 127.0.0.1 7000", "cluster addslots 1", "cluster setslot 1 stable",
		"cluster failover", "cluster replicate x", "cluster forget x", "cluster reset", "cluster saveconfig", "cluster bumpepoch", "cluster set-config-epoch 1",
		"cluster flushslots", "cluster delslots 1",
	} {
		if v := c.do(strings.Fields(line)...); !v.IsError() || !strings.HasPrefix(v.Str, "ERR ") {
			t.Errorf("%s: %+v", line, v)
		}
	}
	for _, container := range []string{"CLIENT", "CLUSTER", "COMMAND", "CONFIG", "LATENCY", "MEMORY", "MODULE", "OBJECT", "SLOWLOG"} {
		v := c.do(container, "HELP")
		if len(v.Elems) < 4 || !strings.HasPrefix(v.Elems[0].Str, container+" <subcommand>") {
			t.Errorf("%s HELP: %+v", container, v)
		}
	}
}

func TestClientCommands(t *testing.T) {
	b := newRig(t)
	a, o := b.dial(b.forward), b.dial(b.forward)
	a.want("OK", "CLIENT", "SETNAME", "alice")
	a.want("OK", "CLIENT", "SETINFO", "lib-name", "go-redis")
	a.want("OK", "CLIENT", "SETINFO", "LIB-VER", "9.0")
	a.want("-ERR Unrecognized option 'x'", "CLIENT", "SETINFO", "x", "y")
	a.want("-ERR lib-name cannot contain spaces, newlines or special characters.", "CLIENT", "SETINFO", "lib-name", "a b")
	a.want("OK", "CLIENT", "NO-TOUCH", "on")
	a.want("OK", "CLIENT", "NO-EVICT", "ON")
	a.want("OK", "SELECT", "3")
	a.want("OK", "MULTI")
	a.want("QUEUED", "GET", "x")
	id := strconv.FormatInt(o.do("CLIENT", "ID").Int, 10)
	list := o.do("CLIENT", "LIST").Str
	line := ""
	for _, l := range strings.Split(list, "\n") {
		if strings.Contains(l, " name=alice ") {
			line = l
		}
	}
	for _, want := range []string{"addr=" + a.conn.LocalAddr().String(), "laddr=" + b.forward, "flags=xeT", "db=3", "multi=1", "resp=2", "user=default", "lib-name=go-redis", "lib-ver=9.0"} {
		if !strings.Contains(line+" ", " "+want+" ") {
			t.Errorf("no %s in %q", want, line)
		}
	}
	if got := o.do("CLIENT", "LIST", "ID", id, "12345").Str; strings.Count(got, "\n") != 1 || !strings.HasPrefix(got, "id="+id+" ") {
		t.Errorf("LIST ID: %q", got)
	}
	if got := o.do("CLIENT", "INFO").Str; !strings.HasPrefix(got, "id="+id+" ") || !strings.Contains(got, " cmd=client|info ") {
		t.Errorf("INFO: %q", got)
	}
	o.want(":0", "CLIENT", "KILL", "ID", id)
	o.want(":1", "CLIENT", "KILL", "ADDR", a.conn.LocalAddr().String())
	a.wantEnd()
	o.send(append(encode("CLIENT", "KILL", "ID", id, "SKIPME", "no"), encode("PING")...))
	o.next(":1")
	o.wantEnd()

	p := b.dial(b.forward)
	p.want("OK", "CLIENT", "KILL", p.conn.LocalAddr().String())
	p.wantEnd()
}

func TestClientReply(t *testing.T) {
	b := newRig(t)
	c := b.dial(b.forward)
	var script []byte
	for _, cmd := range [][]string{
		{"CLIENT", "REPLY", "SKIP"}, {"ECHO", "a"}, {"ECHO", "b"}, {"CLIENT", "REPLY", "OFF"}, {"ECHO", "c"},
		{"CLIENT", "REPLY", "SKIP"}, {"ECHO", "d"}, {"ECHO", "e"}, {"CLIENT", "REPLY", "ON"}, {"ECHO", "f"},
	} {
		script = append(script, encode(cmd...)...)
	}
	c.send(script)
	for _, want := range []string{`"b"`, "OK", `"f"`} {
		c.next(want)
	}
}

func TestPauseHoldsWritesBack(t *testing.T) {
	b := newRig(t)
	c, o := b.dial(b.forward), b.dial(b.forward)
	o.want("OK", "CLIENT", "PAUSE", "60000", "WRITE")
	c.want("nil", "GET", "a")
	c.send(encode("SET", "a", "b"))
	o.want("nil", "GET", "a")
	o.want("OK", "CLIENT", "UNPAUSE")
	c.next("OK")
	o.want(`"b"`, "GET", "a")
}

func TestMonitor(t *testing.T) {
	b := newRig(t)
	m, c := b.dial(b.forward), b.dial(b.forward)
	m.send(append(encode("ECHO", "first"), encode("MONITOR")...))
	m.next(`"first"`)
	m.next("OK")
	for _, cmd := range [][]string{
		{"SELECT", "3"}, {"SET", "a\n", "b"}, {"NOSUCH", "x"}, {"GET"}, {"AUTH", "secret"}, {"HELLO", "3", "AUTH", "default", "secret"},
		{"CONFIG", "GET", "save"}, {"SLOWLOG", "LEN"}, {"CLIENT", "SETNAME", "x"}, {"PING"},
	} {
		c.do(cmd...)
	}
	addr := c.conn.LocalAddr().String()
	for _, want := range []string{
		`[0 ` + addr + `] "SELECT" "3"`, `[3 ` + addr + `] "SET" "a\n" "b"`, `[3 ` + addr + `] "AUTH" "(redacted)"`,
		`[3 ` + addr + `] "HELLO" "3" "AUTH" "(redacted)" "(redacted)"`, `[3 ` + addr + `] "CLIENT" "SETNAME" "x"`, `[3 ` + addr + `] "PING"`,
	} {
		v, err := m.read()
		if err != nil {
			t.Fatal(err)
		}
		at, line, _ := strings.Cut(v.Str, " ")
		if _, err := strconv.ParseFloat(at, 64); err != nil || line != want {
			t.Errorf("got %q, want %q", v.Str, want)
		}
	}
	if list := c.do("CLIENT", "LIST").Str; !strings.Contains(list, " flags=O ") {
		t.Errorf("no monitor in %q", list)
	}
	m.send(encode("RESET"))
	m.next("RESET")
	c.do("PING")
	m.want(`"after"`, "ECHO", "after")
}

func TestSlowlogAndLatency(t *testing.T) {
	b := newRig(t, func(o *Options) {
		o.Settings.SlowlogSlowerThan = 0
		o.Settings.LatencyThreshold = 1
	})
	c := b.dial(b.forward)
	c.want("OK", "CLIENT", "SETNAME", "me")
	c.want("OK", "DEBUG", "SLEEP", "0.02")
	c.do("AUTH", "secret")
	rows := c.do("SLOWLOG", "GET", "-1").Elems
	if len(rows) != 3 {
		t.Fatalf("%d rows", len(rows))
	}
	auth, sleep := rows[0].Elems, rows[1].Elems
	if got := show(auth[3]); got != `["AUTH" "(redacted)"]` {
		t.Errorf("arguments %s", got)
	}
	if sleep[0].Int != 1 || sleep[2].Int < 20000 || sleep[4].Str != c.conn.LocalAddr().String() || sleep[5].Str != "me" {
		t.Errorf("entry %s", show(rows[1]))
	}
	latest := c.do("LATENCY", "LATEST").Elems
	if len(latest) == 0 || latest[0].Elems[0].Str != "command" || latest[0].Elems[3].Int < 20 {
		t.Errorf("LATEST %+v", latest)
	}
	if h := c.do("LATENCY", "HISTORY", "command").Elems; len(h) == 0 {
		t.Error("no history")
	}
	hist := c.do("LATENCY", "HISTOGRAM", "debug").Elems
	if len(hist) != 2 || hist[0].Str != "debug" || hist[1].Elems[1].Int != 1 {
		t.Errorf("HISTOGRAM %+v", hist)
	}
	c.want("OK", "SLOWLOG", "RESET")
	c.want(":1", "SLOWLOG", "LEN") // RESET itself
}
