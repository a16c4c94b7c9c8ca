//go:build blackbox

package clients

import (
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

// client is a row of the table, once for each face it can use.
type client struct {
	name  string
	faces []Face
	// run takes the steps and returns the client's version. It ends the test
	// when something is not installed.
	run func(t *testing.T, p *probe) string
	// options, when not empty, is what run sets beside the address.
	options string
}

func goClient(run func(*probe) string) func(*testing.T, *probe) string {
	return func(_ *testing.T, p *probe) string { return run(p) }
}

func allClients(node modules) []client {
	both, cluster := []Face{Forward, Cluster}, []Face{Cluster}
	return []client{
		{name: "redis-cli", faces: both, run: redisCLI()},
		{name: "redis-cli -3", faces: both, run: redisCLI("-3")},
		{name: "redis-cli -c", faces: cluster, run: redisCLI("-c")},
		{name: "redis-benchmark", faces: both, run: redisBenchmark()},
		{name: "redis-benchmark --cluster", faces: cluster, run: redisBenchmark("--cluster")},
		{name: "go-redis Client", faces: both, run: goClient(goRedis)},
		{name: "go-redis ClusterClient", faces: cluster, run: goClient(goRedisCluster)},
		{name: "rueidis", faces: both, run: goClient(rueidisProbe(false, nil))},
		{name: "rueidis", faces: both, run: goClient(rueidisProbe(false, rueidisWithoutCache)), options: "DisableCache"},
		{name: "rueidis single", faces: cluster, run: goClient(rueidisProbe(true, rueidisWithoutCache)), options: "DisableCache, ForceSingleClient"},
		{name: "redigo", faces: both, run: goClient(redigoProbe)},
		{name: "ioredis", faces: both, run: node.script("ioredis.js", "plain")},
		{name: "ioredis Cluster", faces: cluster, run: node.script("ioredis.js", "cluster")},
		{name: "node-redis", faces: both, run: node.script("noderedis.js", "plain")},
		{name: "node-redis cluster", faces: cluster, run: node.script("noderedis.js", "cluster")},
		{name: "redis-py Redis", faces: both, run: pythonScript("plain")},
		{name: "redis-py RedisCluster", faces: cluster, run: pythonScript("cluster")},
	}
}

// TestClients fails for each step that does not work and is not written down
// as a finding. BLACKBOX_SUBJECT=redis puts two redis-servers in place of the
// faces, which shows what is wrong with the steps.
func TestClients(t *testing.T) {
	addrs := startSubject(t)
	var results []Result
	for _, c := range allClients(newModules(t.TempDir())) {
		for _, face := range c.faces {
			name := strings.NewReplacer(" ", "_", ",", "").Replace(c.name + "_" + c.options + "/" + string(face))
			t.Run(name, func(t *testing.T) {
				r := Result{Client: c.name, Face: face, Options: c.options, Errors: map[string]error{}}
				defer func() {
					if t.Skipped() {
						r.Skipped = "not installed"
					}
					results = append(results, r)
				}()
				p := &probe{addr: addrs[face], name: name, errors: r.Errors}
				r.Version = c.run(t, p)
				for _, step := range slices.Sorted(maps.Keys(r.Errors)) {
					if r.cell(step) == "FAILED" {
						t.Errorf("%s: %v", step, r.Errors[step])
					}
				}
				if len(r.Errors) == 0 {
					t.Error("no step was taken")
				}
			})
		}
	}
	t.Logf("\n%s", Table(results))
	if os.Getenv("BLACKBOX_SUBJECT") != "redis" {
		text, err := os.ReadFile("../../../../docs/clients.md")
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range Undocumented(results, string(text)) {
			t.Errorf("docs/clients.md does not have the row\n%s", line)
		}
	}
	for _, f := range findings() {
		if os.Getenv("BLACKBOX_SUBJECT") != "redis" && !f.seen(results) {
			t.Errorf("the finding about %s was not seen: it works now, so take it out of findings.go and docs/clients.md", f.Client)
		}
	}
}

func startSubject(t *testing.T) map[Face]string {
	t.Helper()
	if os.Getenv("BLACKBOX_SUBJECT") == "redis" {
		return map[Face]string{Forward: harness.StartRedis(t).Addr, Cluster: harness.StartRedisCluster(t).Addr}
	}
	node := harness.StartRondo(t, harness.Options{})
	return map[Face]string{Forward: node.Forward, Cluster: node.Clients}
}

// moduleVersion is that of a Go module the test is built with.
func moduleVersion(path string) string {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", path).Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimPrefix(strings.TrimSpace(string(out)), "v")
}
