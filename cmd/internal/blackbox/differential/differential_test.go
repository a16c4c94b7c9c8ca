//go:build blackbox

package differential

import (
	"cmp"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

const (
	allCommands    = 200_000
	shortCommands  = 20_000 // with -short
	defaultSeed    = 1
	maxDifferences = 12 // kinds of difference that a run shrinks and prints
	shrinkTries    = 250
)

func againstItself() bool { return os.Getenv("BLACKBOX_SUBJECT") == "redis" }

// startPair starts two servers to compare. BLACKBOX_SUBJECT=redis compares
// redis-server with itself, which shows what is wrong with the comparison.
func startPair(t *testing.T, face Face) *Pair {
	t.Helper()
	p := &Pair{Face: face, Timeout: 10 * time.Second, Excused: map[string]int{}}
	redis := func() string {
		if face == Cluster {
			return harness.StartRedisCluster(t, "--enable-debug-command", "yes").Addr
		}
		return harness.StartRedis(t, "--enable-debug-command", "yes").Addr
	}
	p.Redis = redis()
	if againstItself() {
		p.Rondo = redis()
		return p
	}
	node := harness.StartRondo(t, harness.Options{})
	if p.Rondo = node.Forward; face == Cluster {
		p.Rondo = node.Clients
	}
	return p
}

// TestRandomCommands plays DIFF_COMMANDS random commands of DIFF_SEED, half on
// each face; DIFF_EPOCH plays that epoch only, SOAK=1h plays on for an hour.
func TestRandomCommands(t *testing.T) {
	commands := harness.Number(t, "DIFF_COMMANDS", allCommands, shortCommands)
	seed := uint64(harness.Number(t, "DIFF_SEED", defaultSeed, defaultSeed))
	only := harness.Number(t, "DIFF_EPOCH", -1, -1)
	soak, err := time.ParseDuration(cmp.Or(os.Getenv("SOAK"), "0s"))
	if err != nil {
		t.Fatalf("SOAK: %v", err)
	}
	for _, face := range []Face{Forward, Cluster} {
		t.Run(face.String(), func(t *testing.T) {
			t.Parallel()
			pair := startPair(t, face)
			began, played := time.Now(), 0
			kinds := map[string]int{}
			for n := 0; played < commands/2 || time.Since(began) < soak; n++ {
				if only >= 0 && n != only {
					if n > only {
						break
					}
					continue
				}
				e := NewEpoch(face, seed, n)
				if left := commands/2 - played; left < len(e.Steps) && only < 0 && soak == 0 {
					e.Steps = e.Steps[:left]
				}
				d, steps, err := pair.Run(e.Steps, e.Conns)
				played += steps
				if err != nil {
					t.Fatalf("epoch %d: %v", n, err)
				}
				if d == nil {
					continue
				}
				if kinds[d.signature()]++; kinds[d.signature()] == 1 {
					explain(t, pair, seed, e, d)
				}
				if len(kinds) == maxDifferences {
					t.Error("there may be more kinds of difference")
					break
				}
			}
			t.Logf("%s face: %d commands in %v, seed %d; differences by command: %v", face, played, time.Since(began).Round(time.Second), seed, kinds)
			printReasons(t, pair)
		})
	}
}

// explain shrinks a script and fails the test with what is left of it.
func explain(t *testing.T, pair *Pair, seed uint64, e Epoch, d *Difference) {
	t.Helper()
	end := d.Index + 1
	for end < len(e.Steps) && e.Steps[end].Batch == d.Step.Batch {
		end++ // the whole pipeline is part of it
	}
	whole := e.Steps[:end]
	last := d
	scratch := &Pair{Face: pair.Face, Redis: pair.Redis, Rondo: pair.Rondo, Timeout: 2 * time.Second, Excused: map[string]int{}}
	failing := func(steps []Step) bool {
		got, _, err := scratch.Run(steps, e.Conns)
		if err != nil || got == nil || got.signature() != d.signature() {
			return false
		}
		last = got
		return true
	}
	script := whole
	if r := related(script, d.Step); failing(r) {
		script = r
	}
	script = shrink(script, shrinkTries, failing)
	pipelined := true
	if s := separate(script); failing(s) {
		script, pipelined = s, false
	} else if !failing(script) {
		t.Error("the difference below does not show again on the same servers: it depends on time, or on what came before")
		script, last = whole, d
	}
	t.Error(report(pair.Face, seed, e, script, last, pipelined))
}

func printReasons(t *testing.T, pair *Pair) {
	t.Helper()
	var b strings.Builder
	for _, r := range reasons() {
		if n := pair.Excused[r.Name]; n > 0 {
			b.WriteString("  " + strconv.Itoa(n) + " " + r.Name + ": " + r.Text + "\n")
		}
	}
	names := slices.Collect(maps.Keys(pair.Excused))
	t.Logf("%d reasons excused replies:\n%s", len(names), b.String())
}
