//go:build blackbox

package clients

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

// TestRingSteps takes the steps of every client on a steady ring: those that know of clusters on the cluster face, the others
// on the forward face of one node.
func TestRingSteps(t *testing.T) {
	node := newModules(t.TempDir())
	for _, size := range ringSizes() {
		t.Run(fmt.Sprintf("%d_nodes", size), func(t *testing.T) {
			ring := harness.StartRing(t, size, harness.Options{})
			addrs := map[Face]string{Forward: ring.Nodes[0].Forward, Cluster: ring.Nodes[0].Clients}
			var results []Result
			for _, c := range allClients(node) {
				for _, face := range c.faces {
					if face == Cluster && !knowsClusters(c.name) || c.name == "rueidis" && c.options == "" {
						continue
					}
					name := strings.NewReplacer(" ", "_", ",", "").Replace(c.name + "/" + string(face))
					t.Run(name, func(t *testing.T) {
						r := Result{Client: c.name, Face: face, Nodes: size, Options: c.options, Errors: map[string]error{}}
						defer func() { results = append(results, r) }()
						r.Version = c.run(t, &probe{addr: addrs[face], name: name, errors: r.Errors})
						for _, step := range slices.Sorted(maps.Keys(r.Errors)) {
							if r.cell(step) == "FAILED" {
								t.Errorf("%s: %v", step, r.Errors[step])
							}
						}
					})
				}
			}
			t.Logf("\n%s", Table(results))
		})
	}
}

// knowsClusters says whether a client of the table follows a cluster's map or its redirections.
func knowsClusters(name string) bool {
	return slices.Contains([]string{"redis-cli -c", "redis-benchmark --cluster", "go-redis ClusterClient", "rueidis", "ioredis Cluster",
		"node-redis cluster", "redis-py RedisCluster"}, name)
}

// TestRingTools is what redis-cli and redis-benchmark say of a steady ring, and what MOVED there is.
func TestRingTools(t *testing.T) {
	path := harness.Tool(t, "redis-cli")
	for _, size := range ringSizes() {
		t.Run(fmt.Sprintf("%d_nodes", size), func(t *testing.T) {
			ring := harness.StartRing(t, size, harness.Options{})
			addr := ring.Nodes[0].Clients
			host, port := harness.HostPort(t, addr)
			c := cli{path: path}
			check, err := c.output("", "--cluster", "check", addr)
			wantWords(t, "check", err, check, "[OK] All nodes agree about slots configuration.", "[OK] All 16384 slots covered.")
			info, err := c.output("", "--cluster", "info", addr)
			wantWords(t, "info", err, info, fmt.Sprintf("keys in %d masters", size))
			if n := strings.Count(info, " slots | "); n != size {
				t.Errorf("--cluster info names %d nodes:\n%s", n, info)
			}
			t.Logf("redis-cli --cluster info:\n%s", info)
			followed(t, cli{path: path, flags: []string{"-h", host, "-p", strconv.Itoa(port), "-c"}})
			movedFrom(t, ring, size)
			sizes(t, addr)
			bench := []string{"-h", host, "-p", strconv.Itoa(port), "--cluster", "-n", "20000", "-r", "10000", "--csv", "-t", "set,get,incr"}
			if err := benchmarked(harness.Tool(t, "redis-benchmark"), bench, "SET GET INCR"); err != nil {
				t.Error(err)
			}
		})
	}
}

func wantWords(t *testing.T, what string, err error, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if err != nil || !strings.Contains(text, w) {
			t.Errorf("redis-cli --cluster %s: %v, without %q:\n%s", what, err, w, text)
		}
	}
}

// followed sets and reads keys in every partition with redis-cli -c, which sends all to one node at first.
func followed(t *testing.T, c cli) {
	t.Helper()
	var commands strings.Builder
	keys := EvenKeys()
	for i, k := range keys {
		fmt.Fprintf(&commands, "SET %s %d\nGET %s\n", k, i, k)
	}
	out, err := c.output(commands.String(), "-e")
	if err != nil {
		t.Error(err)
		return
	}
	hops := len(redirections().FindAllString(out, -1))
	replies := redirections().ReplaceAllString(out, "")
	for i, line := range strings.Split(strings.TrimSpace(replies), "\n") {
		if expected := []string{"OK", strconv.Itoa(i / 2)}[i%2]; line != expected {
			t.Errorf("reply %d of redis-cli -c is %q, not %q", i, line, expected)
			return
		}
	}
	t.Logf("redis-cli -c: %d commands, %d redirections, every reply right", 2*len(keys), hops)
}

// movedFrom sends commands on keys of every partition to one node and counts those that it answers with MOVED: on a ring of
// as many nodes as copies all but a nudge are served, on a larger one those of which it has no copy are not.
func movedFrom(t *testing.T, ring *harness.Ring, size int) {
	t.Helper()
	c := harness.Dial(t, ring.Nodes[1].Clients)
	moved := 0
	for _, k := range EvenKeys() {
		if strings.HasPrefix(c.Do("GET", k), "-MOVED ") {
			moved++
		}
	}
	stats := c.Do("INFO", "errorstats")
	counted := 0
	if m := regexp.MustCompile(`errorstat_MOVED:count=(\d+)`).FindStringSubmatch(stats); m != nil {
		counted, _ = strconv.Atoi(m[1]) // digits
	}
	t.Logf("%d of %d commands to one node were answered with MOVED; INFO errorstats counts %d", moved, partitions, counted)
	if lacking := partitions * (size - 3) / size; moved < lacking-1 || moved > lacking+1+partitions/50 || counted < moved {
		t.Errorf("want about %d, and as many counted", lacking)
	}
}

// sizes prints how large the maps are.
func sizes(t *testing.T, addr string) {
	t.Helper()
	c := harness.Dial(t, addr)
	for _, what := range []string{"SLOTS", "SHARDS", "NODES"} {
		reply := c.Do("CLUSTER", what)
		rows := ""
		if what == "SLOTS" {
			rows = ", " + strings.TrimSpace(strings.SplitN(reply, "\r\n", 2)[0][1:]) + " rows"
		}
		t.Logf("CLUSTER %s: %d bytes%s", what, len(reply), rows)
	}
}
