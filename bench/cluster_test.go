package bench

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func TestKeySlot(t *testing.T) {
	for key, want := range map[string]int{
		"123456789":            0x31c3,
		"user1000":             3443,
		"{user1000}.following": 3443,
		"{user1000}.followers": 3443,
		"foo{}{bar}":           int(crc16([]byte("foo{}{bar}")) % slotCount),
		"foo{{bar}}zap":        int(crc16([]byte("{bar")) % slotCount),
		"foo{bar}{zap}":        int(crc16([]byte("bar")) % slotCount),
		"foo{bar":              int(crc16([]byte("foo{bar")) % slotCount),
	} {
		if got := keySlot([]byte(key)); got != want {
			t.Errorf("slot of %q is %d, want %d", key, got, want)
		}
	}
}

func slotsOf(ranges ...redis.ClusterSlot) []redis.ClusterSlot { return ranges }

func slotRange(first, last int, addrs ...string) redis.ClusterSlot {
	s := redis.ClusterSlot{Start: first, End: last}
	for _, a := range addrs {
		s.Nodes = append(s.Nodes, redis.ClusterNode{Addr: a})
	}
	return s
}

func TestSlotMap(t *testing.T) {
	m, err := newSlotMap(slotsOf(slotRange(0, 99, "a:1", "b:1"), slotRange(200, 16383, "b:1"), slotRange(100, 199, "a:1")))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a:1", "b:1"}; !slices.Equal(m.addrs, want) || m.of[150] != 0 || m.of[200] != 1 {
		t.Errorf("addresses %v, slot 150 at %d, slot 200 at %d", m.addrs, m.of[150], m.of[200])
	}
	turned, err := newSlotMap(slotsOf(slotRange(200, 16383, "b:1"), slotRange(0, 199, "a:1")))
	if err != nil || !m.same(turned) {
		t.Errorf("the same owners in another order: %v", err)
	}
	moved, err := newSlotMap(slotsOf(slotRange(0, 198, "a:1"), slotRange(199, 16383, "b:1")))
	if err != nil || m.same(moved) {
		t.Errorf("a slot moved and the maps are the same: %v", err)
	}
}

func TestSlotMapRefuses(t *testing.T) {
	for name, slots := range map[string][]redis.ClusterSlot{
		"nothing":    nil,
		"a gap":      slotsOf(slotRange(0, 99, "a:1"), slotRange(101, 16383, "a:1")),
		"an overlap": slotsOf(slotRange(0, 100, "a:1"), slotRange(100, 16383, "a:1")),
		"too far":    slotsOf(slotRange(0, 16384, "a:1")),
		"backwards":  slotsOf(slotRange(0, 16383, "a:1"), slotRange(7, 3, "a:1")),
		"nobody":     slotsOf(slotRange(0, 16383)),
	} {
		if _, err := newSlotMap(slots); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestSplitGivesEachKeyToItsNode(t *testing.T) {
	m, err := newSlotMap(slotsOf(slotRange(0, 5000, "a:1"), slotRange(5001, 9000, "b:1"), slotRange(9001, 16383, "c:1")))
	if err != nil {
		t.Fatal(err)
	}
	const keys = 5000
	seen := map[int64]bool{}
	for at, list := range m.split("k:", keys) {
		for _, n := range list {
			if slot := keySlot(appendKey(nil, "k:", n)); m.of[slot] != at || seen[n] {
				t.Fatalf("key %d of slot %d at %s, seen before: %t", n, slot, m.addrs[at], seen[n])
			}
			seen[n] = true
		}
	}
	if len(seen) != keys {
		t.Errorf("%d of %d keys", len(seen), keys)
	}
	r := newRequests(Get, CompareOptions{Keys: keys, KeyPrefix: "k:", ValueSize: 1}, newPool(Options{Seed: 1, ValueMax: 1}))
	r.subset, r.ordered = []int64{7, 42}, true
	if got := string(r.append(r.append(r.append(nil)))); strings.Count(got, "000007") != 2 || strings.Count(got, "000042") != 1 {
		t.Errorf("requests of two keys in turn: %q", got)
	}
}

func TestClusterCells(t *testing.T) {
	o := DefaultClusterOptions()
	if got := len(o.cells()); got != 8 {
		t.Errorf("%d cells", got)
	}
	for only, want := range map[string]string{
		"quorum/set/16": "quorum/set/16",
		"one/get":       "one/get/1 one/get/16",
		"get/16":        "one/get/16 quorum/get/16",
		"ping":          "",
		"set/1/quorum":  "quorum/set/1",
	} {
		o.Only = []string{only}
		var got []string
		for _, c := range o.cells() {
			got = append(got, c.String())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("--only %s: %v, want %s", only, got, want)
		}
	}
	o.Only = []string{"one/set", "set/16"}
	if a, b := o.lastLevel(Cell{Set, 1}), o.lastLevel(Cell{Set, 16}); a != "ONE" || b != "QUORUM" {
		t.Errorf("last levels %s, %s", a, b)
	}
}

func TestClusterOptionsRefuse(t *testing.T) {
	for name, change := range map[string]func(*ClusterOptions){
		"no rondo":     func(o *ClusterOptions) { o.Rondo = "" },
		"no cells":     func(o *ClusterOptions) { o.Only = []string{"ping"} },
		"a level":      func(o *ClusterOptions) { o.Levels = []string{"ONE\r\n"} },
		"a pipeline":   func(o *ClusterOptions) { o.Pipelines = []int{0} },
		"few clients":  func(o *ClusterOptions) { o.Clients = 2 },
		"few keys":     func(o *ClusterOptions) { o.Keys = 10 },
		"no time":      func(o *ClusterOptions) { o.Duration = -time.Second },
		"many nodes":   func(o *ClusterOptions) { o.Nodes = 65 },
		"value length": func(o *ClusterOptions) { o.ValueSize = -1 },
	} {
		o := DefaultClusterOptions()
		o.Rondo = "rondo"
		if err := o.Validate(); err != nil {
			t.Fatal(err)
		}
		change(&o)
		if err := o.Validate(); err == nil {
			t.Errorf("%s: not refused", name)
		}
	}
}

func TestParseDev(t *testing.T) {
	nodes, err := parseDev([]byte(`{"name":"dev","nodes":[{"node":1,"pid":7,"clients":"127.0.0.1:1","admin":"127.0.0.1:2","dir":"d"}]}` + "\n"))
	if err != nil || len(nodes) != 1 || nodes[0] != (systemNode{addr: "127.0.0.1:1", pid: 7, dir: "d", admin: "127.0.0.1:2"}) {
		t.Errorf("%+v, %v", nodes, err)
	}
	for _, bad := range []string{"", "starting\n", `{"nodes":[]}`, `{"nodes":[{"pid":0,"clients":"127.0.0.1:1","dir":"d"}]}`, `{"nodes":[{"pid":7,"clients":"127.0.0.1:1"}]}`} {
		if _, err := parseDev([]byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestRedisBenchmarkOfACluster(t *testing.T) {
	out := "Cluster has 3 master nodes:\n\nMaster 0: 5ee6 127.0.0.1:1\n\"test\",\"rps\",\"avg_latency_ms\"\nsomething\n\"SET\",\"1000.5\",\"0.25\"\n"
	s, err := parseRedisBenchmark(csvOf([]byte(out)))
	if err != nil || s.Throughput != 1000.5 || s.Latency.Mean != 250*time.Microsecond {
		t.Errorf("%+v, %v", s, err)
	}
}

const someTraces = `File: rondo
Type: cpu
Duration: 4s, Total samples = 100ms
-----------+-------------------------------------------------------
      10ms   internal/runtime/syscall/linux.Syscall6
             internal/poll.(*FD).Write
             github.com/rondokv/rondo/cluster/peer.(*writer).put (inline)
             github.com/rondokv/rondo/cluster/peer.(*link).write
-----------+-------------------------------------------------------
       label:x
      60ms   hash/crc32.update
             github.com/rondokv/rondo/cluster/wire.Decode
             github.com/rondokv/rondo/cluster/peer.(*reader).message
             github.com/rondokv/rondo/cluster/peer.(*reader).run
-----------+-------------------------------------------------------
      20ms   runtime.memmove
             github.com/cockroachdb/pebble/v2/vfs.(*syncingFile).Write
             github.com/cockroachdb/pebble/v2.(*DB).flush1
-----------+-------------------------------------------------------
      10ms   strange.Function (inline)
-----------+-------------------------------------------------------
`

func TestReadTraces(t *testing.T) {
	byPart, top := readTraces([]byte(someTraces))
	want := []Part{
		{"frames: encode, decode, checksum", 0.6, 0.6}, {"flush and compaction", 0.2, 0}, {"the rest", 0.1, 0}, {"write to peers", 0.1, 0},
	}
	if !slices.Equal(byPart, want) {
		t.Errorf("%v", byPart)
	}
	if len(top) != 4 || top[0].Name != "hash/crc32.update" || math.Abs(top[0].Share-0.6) > 1e-9 || top[3].Name != "strange.Function" {
		t.Errorf("%v", top)
	}
	if byPart, top := readTraces(nil); len(byPart) != 0 || len(top) != 0 {
		t.Errorf("of nothing: %v %v", byPart, top)
	}
}

// testLoad is a system that was measured: cpu are its figures by round, the same in every cell.
func testLoad(o ClusterOptions, name string, cpu ...float64) *clusterLoad {
	l := newClusterLoad(o, &system{name: name, levels: name != redisName})
	for i := range l.cells {
		for _, us := range cpu {
			l.cells[i].Samples = append(l.cells[i].Samples, Sample{Operations: 100, CPUPerOp: us, Throughput: 1000, Latency: Latency{P50: time.Millisecond}})
		}
	}
	return l
}

func TestClusterReport(t *testing.T) {
	o := DefaultClusterOptions()
	o.Only = []string{"set/16"}
	rondo := testLoad(o, rondoName, 30, 10, 20)
	rondo.idle, rondo.writes = 2*time.Second, 1_000_000
	r := newClusterReport(o, []*clusterLoad{testLoad(o, redisName, 8, 8, 8), testLoad(o, againstName, 10, 10, 40), rondo})
	last := r.Systems[2].Cells[1]
	if last.CPU != (Ratio{15, 20, 25}) || last.ToAgainst != (Ratio{0.75, 1, 2}) {
		t.Errorf("CPU %v, against %v", last.CPU, last.ToAgainst)
	}
	if last.ToRedis != (Ratio{1.875, 2.5, 3.125}) || r.Systems[2].Cells[0].ToRedis != (Ratio{}) {
		t.Errorf("to Redis %v, at ONE %v", last.ToRedis, r.Systems[2].Cells[0].ToRedis)
	}
	if r.Systems[0].Cells[0].ToAgainst != (Ratio{}) || r.Systems[0].Cells[0].ToRedis != (Ratio{}) {
		t.Errorf("ratios of Redis: %+v", r.Systems[0].Cells[0])
	}
	if r.Systems[2].BetweenPerSet != 2 {
		t.Errorf("%v us between turns a SET", r.Systems[2].BetweenPerSet)
	}
	if n := len(r.Systems[0].Cells); n != 1 {
		t.Errorf("%d cells of a system without levels", n)
	}
	r.OneSlot = []OneSlotReport{{Cell: Cell{Set, 16}, Sample: Sample{Throughput: 5}}}
	var out bytes.Buffer
	if err := r.Write(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"async", "15.00-25.00", "1.00x (0.75-2.00)", "Taken elsewhere", "SET 59, 38", "not the cluster's figure"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if got := aimOf(rondoName, last.ClusterCell); got != "25" {
		t.Errorf("aim %q", got)
	}
	if got := aimOf(rondoName, ClusterCell{"ONE", Cell{Set, 16}}); got != "" {
		t.Errorf("aim at ONE %q", got)
	}
}

func TestCheckOfReplies(t *testing.T) {
	for name, tc := range map[string]struct {
		r    rawResult
		void bool
	}{
		"good":               {rawResult{done: 1000}, false},
		"an error":           {rawResult{done: 1000, errors: 1}, true},
		"some are moved":     {rawResult{done: 1000, errors: 2, moved: 2}, false},
		"many are moved":     {rawResult{done: 1000, errors: 3, moved: 3}, true},
		"moved and an error": {rawResult{done: 1000, errors: 2, moved: 1}, true},
		"a miss":             {rawResult{done: 1000, misses: 1}, true},
	} {
		if err := tc.r.check(); errors.Is(err, errReplies) != tc.void {
			t.Errorf("%s: %v", name, err)
		}
	}
}
