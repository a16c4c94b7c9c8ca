package server

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/rondokv/rondo/cluster"
)

func TestLevelsReachTheNode(t *testing.T) {
	r := newRingRig(t, view(3, 3), func(o *Options) { o.Levels.Read = cluster.Level{Level: 1} })
	c := r.dial(r.forward)
	steps := []struct{ reply, saw, words string }{
		{"nil", "read ONE QUORUM", "GET k"},
		{"OK", "", "CONSISTENCY WRITE all"},
		{"OK", "write ONE ALL", "SET k v"},
		{"OK", "", "CONSISTENCY 2/SLOPPY"},
		{`["read" "TWO/SLOPPY" "write" "TWO/SLOPPY" "read_from" "connection" "write_from" "connection" "user" "default" "keyspaces" []]`, "", "CONSISTENCY"},
		{"OK", "write ANY ANY", "AT any SET k v"},
		{`"v"`, "read TWO/SLOPPY TWO/SLOPPY", "GET k"},
		{"OK", "", "CONSISTENCY READ ONE WRITE LOCAL_QUORUM"},
		{"OK", "", "MULTI"},
		{"QUEUED", "", "SET k w"},
		{"[OK]", "write ONE LOCAL_QUORUM", "EXEC"},
		{"[" + `"w"` + " nil]", "read ONE LOCAL_QUORUM", "MGET k nosuch"},
		{"RESET", "", "RESET"},
		{`"w"`, "read ONE QUORUM", "GET k"},
		{"OK", "", "CONSISTENCY ALL"},
	}
	for _, s := range steps {
		c.want(s.reply, strings.Fields(s.words)...)
		if s.saw != "" && r.node.last() != s.saw {
			t.Errorf("%s: the node saw %q, want %q", s.words, r.node.last(), s.saw)
		}
	}
	c.do("HELLO", "2")
	c.want(`"w"`, "GET", "k")
	if got := r.node.last(); got != "read ONE QUORUM" {
		t.Errorf("after HELLO: %s", got)
	}
	c.want("OK", "AT", "EACH_QUORUM", "FLUSHALL")
	if got := r.node.flush.String(); got != "EACH_QUORUM" {
		t.Errorf("FLUSHALL at %s", got)
	}
}

func TestLevelMisuse(t *testing.T) {
	c := newRig(t).dialAny()
	const syntax = "-" + string(errConsistencySyntax)
	for _, s := range []struct{ reply, words string }{
		{syntax, "CONSISTENCY READ"},
		{syntax, "CONSISTENCY ONE ALL"},
		{syntax, "CONSISTENCY READ ONE WRITE"},
		{syntax, "CONSISTENCY READ ONE READ ONE"},
		{"-ERR LINEAR needs consensus, which this version does not offer; the strongest level is ALL", "CONSISTENCY linear"},
		{"-ERR LINEAR needs consensus, which this version does not offer; the strongest level is ALL", "AT LINEAR GET k"},
		{"-ERR AT takes a command that reads or writes keys, not 'at'", "AT ONE AT ONE GET k"},
		{"-ERR AT takes a command that reads or writes keys, not 'multi'", "AT ONE MULTI"},
		{"-ERR AT takes a command that reads or writes keys, not 'exec'", "AT ONE EXEC"},
		{"-ERR AT takes a command that reads or writes keys, not 'auth'", "AT ONE AUTH x"},
		{"-ERR AT takes a command that reads or writes keys, not 'hello'", "AT ONE HELLO 3"},
		{"-ERR AT takes a command that reads or writes keys, not 'watch'", "AT ONE WATCH k"},
		{"-ERR wrong number of arguments for 'at' command", "AT ONE"},
		{"-ERR wrong number of arguments for 'get' command", "AT ONE GET"},
		{"-ERR unknown command 'nosuch', with args beginning with: 'k' ", "AT ONE nosuch k"},
		{"-ERR TWO needs 2 home replicas, the ring has 1", "AT 2 GET k"},
		{"-ERR LOCAL_QUORUM needs datacenters, the ring has none", "AT local_quorum SET k v"},
		{"OK", "MULTI"},
		{"-ERR Command not allowed inside a transaction", "AT ONE GET k"},
		{"-EXECABORT Transaction discarded because of previous errors.", "EXEC"},
	} {
		c.want(s.reply, strings.Fields(s.words)...)
	}
	for _, words := range []string{"CONSISTENCY 17", "CONSISTENCY 0", "AT quorom GET k", "CONSISTENCY one/", "AT BLPOP k 0"} {
		if got := show(c.do(strings.Fields(words)...)); !strings.HasPrefix(got, "-ERR \"") || !strings.Contains(got, "is no consistency level: ANY, ONE") {
			t.Errorf("%s: %s", words, got)
		}
	}
	if got := show(c.do("AT", "ONE", "SUBSCRIBE", "c")); !strings.HasPrefix(got, "-ERR unknown command") {
		t.Errorf("SUBSCRIBE inside AT: %s", got)
	}
}

// The slow log, MONITOR and the counters see the command inside AT.
func TestInnerCommandIsSeen(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Settings.SlowlogSlowerThan = 0 })
	m := r.dial(r.cluster)
	m.want("OK", "MONITOR")
	c := r.dial(r.cluster)
	c.want("OK", "AT", "ONE", "SET", "k", "v")
	line, err := m.read()
	if err != nil || !strings.HasSuffix(line.Str, `] "SET" "k" "v"`) {
		t.Errorf("MONITOR: %+v %v", line, err)
	}
	if got := show(c.do("SLOWLOG", "GET", "1").Elems[0].Elems[3]); got != `["SET" "k" "v"]` {
		t.Errorf("SLOWLOG: %s", got)
	}
	stats := c.do("INFO", "commandstats").Str
	if !strings.Contains(stats, "cmdstat_set:calls=1,") || strings.Contains(stats, "cmdstat_at") {
		t.Errorf("INFO commandstats: %s", stats)
	}
	if got := show(c.do("COMMAND", "GETKEYS", "AT", "ONE", "MSET", "a", "1", "b", "2")); got != `["a" "b"]` {
		t.Errorf("COMMAND GETKEYS: %s", got)
	}
}

func TestLevelFigures(t *testing.T) {
	ln := listen(t)
	r := newRingRig(t, view(3, 3, 2), func(o *Options) {
		o.Admin = ln
		o.ReplicationInfo = func() []Figure { return []Figure{{"hints_stored", "7"}} }
	})
	c := r.dial(r.forward)
	c.want("OK", "SET", "k", "v")
	c.want(`"v"`, "AT", "ALL", "GET", "k")
	r.node.fail("k", timedOut(1, 2))
	c.do("SET", "k", "v")
	info := c.do("INFO").Str
	for _, want := range []string{
		"level_default:read=QUORUM,write=QUORUM\r\n", "level_read_ALL:operations=1,unavailable=0,timeouts=0,", "level_write_QUORUM:operations=2,unavailable=0,timeouts=1,",
		"ring_nodes_alive:2\r\n", "ring_slots_without_home:0\r\n", "replicas_effective:3\r\n", "hints_stored:7\r\n",
		"member1:id=" + ClientNodeID(2) + ",address=10.0.0.2:7002,state=fail,primary_of_slots=0\r\n",
	} {
		if !strings.Contains(info, want) {
			t.Errorf("INFO has no %q", want)
		}
	}
	page := fetch(t, "http://"+ln.Addr().String()+"/metrics")
	for _, want := range []string{
		`rondo_operations_timeout_total{kind="write",level="QUORUM"} 1`, `rondo_operation_latency_seconds_count{kind="read",level="ALL"} 1`,
		"rondo_ring_members 3", "rondo_ring_members_alive 2", "rondo_ring_epoch 1",
	} {
		if !strings.Contains(page, want+"\n") {
			t.Errorf("/metrics has no %q", want)
		}
	}
}

// Every level has an index of its own and comes back from it.
func TestLevelIndex(t *testing.T) {
	seen := map[uint8]cluster.Level{}
	for _, sloppy := range []bool{false, true} {
		var all []cluster.Level
		for n := range cluster.MaxReplicas {
			all = append(all, cluster.Level{Level: cluster.LevelName(n + 1), Sloppy: sloppy})
		}
		for n := cluster.LevelAny; n <= cluster.LevelEachQuorum; n++ {
			all = append(all, cluster.Level{Level: n, Sloppy: sloppy})
		}
		for _, l := range all {
			i := levelIndex(l)
			if old, twice := seen[i]; twice || i == 0 || int(i) >= levelIndexes || levelAt(int(i)) != l {
				t.Errorf("%v: index %d, also of %v, is %v", l, i, old, levelAt(int(i)))
			}
			seen[i] = l
		}
	}
	if i := levelIndex(cluster.Level{}); i != 0 {
		t.Errorf("no level has index %d", i)
	}
}

func BenchmarkLevelLookup(b *testing.B) {
	s := &session{srv: &Server{opt: Options{Levels: defaultLevels()}}, ring: threeNodes()}
	s.setLevels(Levels{})
	t := new(step)
	b.ReportAllocs()
	for b.Loop() {
		s.ready(t, panickingOp{}, 1, true)
	}
}

// fetch is the body of a page.
func fetch(t testing.TB, url string) string {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", url, res.Status, err)
	}
	return string(body)
}
