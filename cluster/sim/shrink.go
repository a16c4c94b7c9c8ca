package sim

import (
	"fmt"
	"io"
)

// Failure is a seed that failed, and how it was run.
type Failure struct {
	Result Result
	Config Config
	Runs   int // that were made to find it
}

// maxHistory is how many operations of a key are printed.
const maxHistory = 60

// maxShrink bounds the runs that Shrink makes.
const maxShrink = 80

// Shrink looks for a smaller config under which the seed still breaks the same invariant: fewer faults, fewer clients, fewer
// operations.
func Shrink(r Result, c Config) Failure {
	c.Trace = nil
	best := Failure{Result: r, Config: c}
	try := func(c Config) bool {
		if best.Runs >= maxShrink {
			return false
		}
		best.Runs++
		got := Run(r.Seed, c)
		if got.Violation == nil || got.Violation.Invariant != r.Violation.Invariant {
			return false
		}
		best.Result, best.Config = got, c
		return true
	}
	shrinkOps(&best, try)
	for f := range faultEnd {
		if smaller := best.Config; !smaller.Without.has(f) {
			smaller.Without |= 1 << f
			try(smaller)
		}
	}
	for n := 1; n < 8; n++ {
		smaller := best.Config
		smaller.Clients = n
		if try(smaller) {
			break
		}
	}
	shrinkOps(&best, try)
	return best
}

// shrinkOps halves the steps by which it lowers the number of operations. A run with fewer is the same until they are used up.
func shrinkOps(best *Failure, try func(Config) bool) {
	ops := best.Config.Ops
	if ops == 0 {
		ops = 1200
	}
	for step := ops / 2; step > 0 && best.Runs < maxShrink; {
		smaller := best.Config
		smaller.Ops = ops - step
		if smaller.Ops > 0 && try(smaller) {
			ops = smaller.Ops
			step = min(step, ops/2)
		} else {
			step /= 2
		}
	}
}

// Print tells what failed, how to see it again, and the history of the key.
func (f Failure) Print(out io.Writer) {
	r := &f.Result
	fmt.Fprintf(out, "FAILED seed %d: %v\n", r.Seed, r.Violation)
	fmt.Fprintf(out, "  again: sim -seeds 1 -seed %d%v   (with -trace for every event)\n", r.Seed, f.Config)
	fmt.Fprintf(out, "  plan: %s\n", r.Plan)
	history := r.Violation.History
	if len(history) > maxHistory {
		fmt.Fprintf(out, "  ... %d operations before\n", len(history)-maxHistory)
		history = history[len(history)-maxHistory:]
	}
	for _, line := range history {
		fmt.Fprintf(out, "  %s\n", line)
	}
}
