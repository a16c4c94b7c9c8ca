package differential

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

// related keeps the steps that name one of the keys of the last one, and those
// that name none: they may open a transaction, choose a database, empty it.
func related(steps []Step) []Step {
	last := steps[len(steps)-1]
	named := map[string]bool{}
	for _, k := range keysOf(last.command()) {
		named[k] = true
	}
	var out []Step
	for _, s := range steps[:len(steps)-1] {
		keys := keysOf(s.command())
		keep := len(keys) == 0
		for _, k := range keys {
			keep = keep || named[k]
		}
		if keep {
			out = append(out, s)
		}
	}
	return append(out, last)
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
