package server

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rondokv/rondo/resp"
)

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
		got = slices.DeleteFunc(got, func(s string) bool { return s == "Rondo" || s == "Ring" || s == "Consistency" })
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
		`[3 ` + addr + `] "SELECT" "3"`, `[3 ` + addr + `] "SET" "a\n" "b"`, `[3 ` + addr + `] "AUTH" "(redacted)"`,
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
