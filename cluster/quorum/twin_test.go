package quorum

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
)

// enough is the dumb twin: whether the nodes in set satisfy the requirement, by its words, with maps and lists and no masks.
func enough(r Requirement, set []bool) bool {
	if r.Choice.Level == Any && r.Write {
		for i := range r.Nodes {
			if set[i] {
				return true
			}
		}
		return false
	}
	for _, list := range []Lists{Before, After} {
		home, got := map[string]int{}, map[string]int{} // by datacenter
		n, total := 0, 0
		for i, node := range r.Nodes {
			if node.Of&list == 0 {
				continue
			}
			if !node.Fallback {
				home[node.DC]++
				n++
			}
			if set[i] && (!node.Fallback || r.Choice.Sloppy) {
				got[node.DC]++
				total++
			}
		}
		if n > 0 && !enoughOfList(r, home, got, n, total) {
			return false
		}
	}
	return true
}

func enoughOfList(r Requirement, home, got map[string]int, n, total int) bool {
	switch r.Choice.Level {
	case Any:
		return total >= 1
	case Quorum:
		return 2*total > n
	case All:
		return total >= n
	case LocalOne:
		return got[r.Local] >= 1
	case LocalQuorum:
		return 2*got[r.Local] > home[r.Local]
	case EachQuorum:
		for dc, n := range home {
			if 2*got[dc] <= n {
				return false
			}
		}
		return true
	}
	return total >= int(r.Choice.Level)
}

var allLevels = []Level{Any, One, Two, Three, 4, Quorum, All, LocalOne, LocalQuorum, EachQuorum}

func randomRequirement(rng *rand.Rand) Requirement {
	r := Requirement{
		Choice: Choice{Level: allLevels[rng.IntN(len(allLevels))], Sloppy: rng.IntN(2) == 0},
		Write:  rng.IntN(2) == 0,
		Local:  "dc0",
	}
	moving, dcs := rng.IntN(3) == 0, 1+rng.IntN(3)
	for range 1 + rng.IntN(6) {
		n := Node{DC: "dc" + strconv.Itoa(rng.IntN(dcs)), Of: Before, Fallback: rng.IntN(4) == 0}
		if moving {
			n.Of = Lists(1 + rng.IntN(3))
		}
		r.Nodes = append(r.Nodes, n)
	}
	return r
}

// twinVerdict asks the twin: state is 0 silent, 1 acked, 2 failed, by node.
func twinVerdict(r Requirement, state []int) Verdict {
	acked, left := make([]bool, len(state)), make([]bool, len(state))
	for i, s := range state {
		acked[i], left[i] = s == 1, s != 2
	}
	switch {
	case enough(r, acked):
		return Won
	case !enough(r, left):
		return Lost
	}
	return Pending
}

// Every state of answers of many small requirements: the verdict is the twin's, and no further answer changes it once it
// is final.
func TestTallyAgainstTwin(t *testing.T) {
	const seed = 1
	rng := rand.New(rand.NewPCG(seed, 0))
	started, verdicts := 0, map[Verdict]int{}
	for round := range 4000 {
		r := randomRequirement(rng)
		var start Tally
		if err := start.Start(r); (err != nil) != impossible(r) {
			t.Fatalf("seed %d round %d: %+v: %v, but impossible is %v", seed, round, r, err, impossible(r))
		} else if err != nil {
			continue
		}
		started++
		states := 1
		for range r.Nodes {
			states *= 3
		}
		for s := range states {
			state := make([]int, len(r.Nodes))
			for i, rest := 0, s; i < len(state); i, rest = i+1, rest/3 {
				state[i] = rest % 3
			}
			tally := start
			checkPath(t, fmt.Sprintf("seed %d round %d", seed, round), r, &tally, state, rng.Perm(len(state)))
			verdicts[tally.Verdict()]++
		}
	}
	if started < 1000 || verdicts[Pending] == 0 || verdicts[Won] == 0 || verdicts[Lost] == 0 {
		t.Errorf("too little was tried: %d requirements, %v", started, verdicts)
	}
}

// impossible says whether the ring can never satisfy the level: home replicas are missing, on any list or in the
// datacenter. All nodes here have a datacenter.
func impossible(r Requirement) bool {
	somewhere := false
	for _, list := range []Lists{Before, After} {
		n, local := 0, 0
		for _, node := range r.Nodes {
			if node.Fallback || node.Of&list == 0 {
				continue
			}
			n++
			if node.DC == r.Local {
				local++
			}
		}
		if n == 0 {
			continue
		}
		somewhere = true
		switch r.Choice.Level {
		case LocalOne, LocalQuorum:
			if local == 0 {
				return true
			}
		case Any, Quorum, All, EachQuorum:
		default:
			if int(r.Choice.Level) > n {
				return true
			}
		}
	}
	return !somewhere
}

// checkPath gives the answers of state in an order and holds each verdict against the twin's and the one before.
func checkPath(t *testing.T, at string, r Requirement, tally *Tally, state, order []int) {
	t.Helper()
	soFar, last := make([]int, len(state)), tally.Verdict()
	for _, i := range order {
		soFar[i] = state[i]
		var got Verdict
		switch state[i] {
		case 0:
			continue
		case 1:
			got = tally.Ack(i)
		case 2:
			got = tally.Fail(i)
		}
		if want := twinVerdict(r, soFar); got != want || got != tally.Verdict() {
			t.Fatalf("%s: %+v with answers %v: %v; want %v", at, r, soFar, got, want)
		}
		if last != Pending && got != last {
			t.Fatalf("%s: %+v with answers %v: %v after %v", at, r, soFar, got, last)
		}
		if last = got; (tally.Check() != nil) != (got == Lost) {
			t.Fatalf("%s: %+v with answers %v: %v, but Check says %v", at, r, soFar, got, tally.Check())
		}
	}
}
