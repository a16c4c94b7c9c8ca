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
			defer func() { t.Logf("%d nodes:\n%s", size, Table(s.figures)) }()
			possible := s.possible()
			s.crew.begin()
			pass(time.Second)
			s.report("steady", "")
			length := lengthOf(t) / time.Duration(len(sizes))
			for end := time.Now().Add(length); ; {
				// All of them, in an order that is another each time.
				for _, i := range s.rng.Perm(len(possible)) {
					s.suffer(possible[i])
					if s.broken() || length > 0 && !time.Now().Before(end) {
						return
					}
				}
				if length == 0 {
					return
				}
			}
		})
	}
}

// broken tells whether anything was lost or stale: what comes after it would be hard to read.
func (s *scene) broken() bool {
	for _, f := range s.figures {
		if f.Breaches[Lost]+f.Breaches[Stale] > 0 {
			return true
		}
	}
	return false
}

// suffer has one fault happen, waits until it has healed, and checks.
func (s *scene) suffer(f fault) {
	s.crew.begin()
	began := time.Now()
	what := f.run(s)
	during := s.crew.tallies()
	late := s.crew.metronome.Late()
	// A client waits for two answers at the worst, and for the machine each time.
	if gap := s.crew.of(moving, during); f.gap && gap.Gap > maxGap+2*late {
		s.t.Errorf("%s: a client that knows all nodes had no success for %v, from %v on; the machine was late by up to %v", f.name, gap.Gap,
			gap.GapFrom.Sub(began), late)
	}
	if f.planned {
		for _, k := range []kind{moving, staying, routed} {
			if sum := s.crew.of(k, during); sum.Counts[Timeout]+sum.Counts[Other] > 0 {
				s.t.Errorf("%s: planned, and yet: %s", f.name, &sum)
			}
		}
	}
	healed := s.whole()
	figures := s.report(f.name, what)
	found := s.settle()
	figures.Apart += found.loose
	for b, n := range s.crew.breached() {
		figures.Breaches[b] += n
	}
	s.t.Logf("%-8s the machine was late by up to %v; whole again after %v; %d keys read from every node, %d of those at QUORUM and %d of those at ANY and ONE differed at ONE before", f.name,
		late.Round(time.Millisecond), healed.Round(time.Millisecond), found.keys, found.apart, found.loose)
}

// report adds what the workers met to the figures of a fault.
func (s *scene) report(name, what string) *Figures {
	tallies := s.crew.tallies()
	forward, cluster := s.crew.of(moving, tallies), s.crew.of(routed, tallies)
	s.t.Logf("%-8s %s", name, what)
	s.t.Logf("%-8s forward faces: %s", name, &forward)
	s.t.Logf("%-8s cluster faces: %s", name, &cluster)
	for i := range s.nodes {
		at, free := s.crew.at(staying, i, tallies), s.crew.at(loose, i, tallies)
		s.t.Logf("%-8s at node %d: %s; at ANY and ONE: %s", name, i+1, &at, &free)
	}
	if forward.Counts[OK] == 0 {
		s.t.Errorf("%s: nothing succeeded", name)
	}
	figures := s.figuresOf(name)
	figures.Runs++
	figures.Forward.Add(forward)
	figures.Cluster.Add(cluster)
	figures.Staying.Add(s.crew.of(staying, tallies))
	figures.Loose.Add(s.crew.of(loose, tallies))
	return figures
}

func (s *scene) figuresOf(name string) *Figures {
	for _, f := range s.figures {
		if f.Name == name {
			return f
		}
	}
	s.figures = append(s.figures, &Figures{Name: name})
	return s.figures[len(s.figures)-1]
}

// possible are the faults that can be had here and were asked for.
func (s *scene) possible() []fault {
	only := os.Getenv("CHAOS_ONLY")
	return slices.DeleteFunc(faults(), func(f fault) bool {
		asked := slices.Contains(strings.Split(only, ","), f.name)
		if only == "" {
			asked = f.short || !testing.Short()
		}
		if asked && f.apart && !s.net.apart {
			if os.Getenv("REQUIRE_TOOLS") == "1" {
				s.t.Errorf("%s needs network namespaces and REQUIRE_TOOLS=1", f.name)
			}
			s.t.Logf("SKIPPED: %s needs network namespaces and mounts: root, ip, nsenter", f.name)
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
