package paxos

import (
	"strings"
	"testing"
)

// TestSabotage breaks the driver in the ways that its rules forbid. Schedules that do not notice prove nothing of one that keeps
// them.
func TestSabotage(t *testing.T) {
	for _, c := range []struct {
		name string
		sabotage
		fault string // how it shows, "" for in any way
		most  uint64 // schedules
	}{
		{"promise not durable", sabotage{promiseLost: true}, "two bodies", 3000},
		{"accept not durable", sabotage{acceptLost: true}, "two bodies", 3000},
		{"own ballot not durable", sabotage{ballotLost: true}, "was used in life", 3000},
		{"messages before the state is durable", sabotage{sendFirst: true}, "two bodies", 3000},
		{"a Ready overtakes the one before", sabotage{outOfOrder: true}, "", 20_000},
		{"an older state over a newer one", sabotage{stateReplaced: true}, "", 3000},
		{"a lost disk and the old id", sabotage{diskLost: true}, "two bodies", 20_000},
		{"voters from the new epoch", sabotage{ownNewVoters: true}, "two bodies", 3000},
	} {
		t.Run(c.name, func(t *testing.T) {
			for seed := uint64(1); seed <= c.most; seed++ {
				w := play(seed, c.sabotage)
				if w.fault != "" && strings.Contains(w.fault, c.fault) {
					t.Logf("seed %d: %s", seed, w.fault)
					return
				}
			}
			t.Errorf("%d schedules did not notice", c.most)
		})
	}
}

func TestSameSeedSameSchedule(t *testing.T) {
	for seed := uint64(1); seed <= 50; seed++ {
		a, b := play(seed, sabotage{}), play(seed, sabotage{})
		if a.print != b.print || a.counts != b.counts {
			t.Fatalf("seed %d went two ways: %s and %s", seed, a.counts, b.counts)
		}
	}
}
