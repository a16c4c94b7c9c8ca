//go:build blackbox

package chaos

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

func TestChaos(t *testing.T) {
	seed := uint64(harness.Number(t, "SEED", int(time.Now().UnixNano()%1e6), 1))
	t.Logf("SEED=%d", seed)
	sizes := sizesOf(t)
	for _, size := range sizes {
		t.Run(fmt.Sprintf("%d nodes", size), func(t *testing.T) {
			c := startCluster(t, size)
			s := &scene{cluster: c, crew: newCrew(t, c, seed), rng: rand.New(rand.NewPCG(seed, 1<<32))}
			possible := s.possible()
			s.crew.begin()
			pass(time.Second)
			s.report("steady", "")
			if length := lengthOf(t); length > 0 {
				for end := time.Now().Add(length / time.Duration(len(sizes))); time.Now().Before(end) && !t.Failed(); {
					s.suffer(possible[s.rng.IntN(len(possible))])
				}
				return
			}
			for _, f := range possible {
				s.suffer(f)
			}
		})
	}
}

// suffer has one fault happen, waits until it has healed, and checks.
func (s *scene) suffer(f fault) {
	s.crew.begin()
	what := f.run(s)
	moving, _ := s.crew.tallies()
	if f.gap && moving.Gap > maxGap {
		s.t.Errorf("%s: a client that knows all nodes had no success for %v", f.name, moving.Gap)
	}
	healed := s.whole()
	s.report(f.name, what)
	keys, apart := s.settle()
	s.t.Logf("%-8s whole again after %v; %d keys read from every node, %d differed at ONE before", f.name, healed.Round(time.Millisecond), keys, apart)
}

func (s *scene) report(name, what string) {
	moving, staying := s.crew.tallies()
	s.t.Logf("%-8s %s", name, what)
	s.t.Logf("%-8s moving workers: %s", name, &moving)
	for i := range staying {
		s.t.Logf("%-8s staying with node %d: %s", name, i+1, &staying[i])
	}
	if moving.Counts[OK] == 0 {
		s.t.Errorf("%s: nothing succeeded", name)
	}
}

// possible are the faults that can be had here and were asked for.
func (s *scene) possible() []fault {
	only := os.Getenv("CHAOS_ONLY")
	if only == "" && testing.Short() {
		only = "kill,pause,cut"
	}
	return slices.DeleteFunc(faults(), func(f fault) bool {
		asked := only == "" || slices.Contains(strings.Split(only, ","), f.name)
		if asked && f.apart && !s.net.apart {
			if os.Getenv("REQUIRE_TOOLS") == "1" {
				s.t.Errorf("%s needs network namespaces and REQUIRE_TOOLS=1", f.name)
			}
			s.t.Logf("SKIPPED: %s needs network namespaces: root, ip, nsenter", f.name)
		}
		return !asked || f.apart && !s.net.apart || len(s.nodes) < f.atLeast
	})
}

func sizesOf(t *testing.T) []int {
	text := os.Getenv("CHAOS_NODES")
	switch {
	case text != "":
	case testing.Short():
		text = "3"
	default:
		text = "3,5"
	}
	var sizes []int
	for _, one := range strings.Split(text, ",") {
		n, err := strconv.Atoi(one)
		if err != nil || n < 3 {
			t.Fatalf("CHAOS_NODES=%s: expected sizes from 3 on, such as 3,5", text)
		}
		sizes = append(sizes, n)
	}
	return sizes
}

func lengthOf(t *testing.T) time.Duration {
	text := os.Getenv("CHAOS")
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		t.Fatalf("CHAOS=%s: expected a duration such as 30m", text)
	}
	return d
}
