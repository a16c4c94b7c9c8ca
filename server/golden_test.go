package server

import (
	"bufio"
	"bytes"
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
