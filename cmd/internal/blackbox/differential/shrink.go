package differential

import "slices"

// shrink returns a short script that still shows what failing looks for, by
// taking out ever smaller runs of steps. It calls failing at most tries times.
func shrink(steps []Step, tries int, failing func([]Step) bool) []Step {
	for size := (len(steps) + 1) / 2; size >= 1; {
		smaller := false
		for from := 0; from < len(steps) && tries > 0; {
			to := min(from+size, len(steps))
			rest := make([]Step, 0, len(steps))
			rest = append(append(rest, steps[:from]...), steps[to:]...)
			tries--
			if failing(rest) {
				steps, smaller = rest, true
			} else {
				from = to
			}
		}
		if size == 1 && (!smaller || tries == 0) {
			break
		}
		size = max(1, size/2)
	}
	return steps
}

// related keeps the steps that name one of the keys of the step at fault, and
// those that name none: they may open a transaction, choose a database, empty
// it.
func related(steps []Step, fault Step) []Step {
	named := keysOf(fault.command())
	var out []Step
	for _, s := range steps {
		keys := keysOf(s.command())
		if len(keys) == 0 || slices.ContainsFunc(keys, func(k string) bool { return slices.Contains(named, k) }) {
			out = append(out, s)
		}
	}
	return out
}

// separate gives every step a batch of its own: no pipelines.
func separate(steps []Step) []Step {
	out := make([]Step, len(steps))
	for i, s := range steps {
		s.Batch = i
		out[i] = s
	}
	return out
}
