package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// errSurvivors says that something is wrong with the mutants or with the checks. What, was printed.
var errSurvivors = errors.New("not every mutant was caught")

// attack tries the code as it is and then all patches, a few at a time, and prints a line for each in their order.
func attack(ctx context.Context, o options, t *tree, work string, patches []*patch, out io.Writer) error {
	trial := &trial{tree: t, command: o.command, first: o.first, seeds: o.seeds, limit: o.limit}
	fmt.Fprintf(out, "seeds %d to %d\n", o.first, o.first+uint64(o.seeds)-1)
	res := trial.run(ctx, filepath.Join(work, "0"), nil)
	switch res.outcome {
	case failed:
		return fmt.Errorf("the code as it is: %w", res.err)
	case caught:
		return fmt.Errorf("the code as it is fails at seed %d (%s): nothing can be proven with these seeds", res.seed, res.invariant)
	}
	fmt.Fprintf(out, "the code as it is: clean, %.1f s\n\n", res.took.Seconds())
	fmt.Fprintf(out, "%-*s  %-14s %5s %6s  %s\n", width(patches), "mutant", "caught by", "seeds", "s", "what it breaks")
	results := trial.runAll(ctx, o.parallel, work, patches, func(p *patch, r result) {
		fmt.Fprintln(out, line(p, r, width(patches), o.first))
	})
	bad := summarize(out, patches, results)
	if bad > 0 {
		return errSurvivors
	}
	if o.record {
		return writeTable(o.table, recordsOf(patches, results, o.first))
	}
	return nil
}

// runAll tries the patches, parallel of them at once, each worker in a directory of its own. done is called for each, in
// the order of the patches, as soon as it and all before it have been tried.
func (t *trial) runAll(ctx context.Context, parallel int, work string, patches []*patch, done func(*patch, result)) []result {
	results := make([]result, len(patches))
	var mu sync.Mutex
	next, told := 0, 0
	finished := make([]bool, len(patches))
	worker := func(dir string) {
		for {
			mu.Lock()
			i := next
			next++
			mu.Unlock()
			if i >= len(patches) {
				return
			}
			r := t.run(ctx, dir, patches[i])
			mu.Lock()
			results[i], finished[i] = r, true
			for ; told < len(patches) && finished[told]; told++ {
				done(patches[told], results[told])
			}
			mu.Unlock()
		}
	}
	var wait sync.WaitGroup
	for w := range parallel {
		wait.Go(func() { worker(filepath.Join(work, strconv.Itoa(w))) })
	}
	wait.Wait()
	return results
}

// needed is how many seeds it took to find something.
func (r *result) needed(first uint64) int { return int(r.seed-first) + 1 }

func line(p *patch, r result, width int, first uint64) string {
	by, seeds := "SURVIVED", "-"
	switch r.outcome {
	case caught:
		by, seeds = r.invariant, strconv.Itoa(r.needed(first))
	case failed:
		by = "ERROR"
	}
	text := fmt.Sprintf("%-*s  %-14s %5s %6.1f  %s", width, p.name, by, seeds, r.took.Seconds(), p.breaks)
	if r.err != nil {
		text += "\n    " + r.err.Error()
	}
	return text
}

func width(patches []*patch) (n int) {
	for _, p := range patches {
		n = max(n, len(p.name))
	}
	return n
}

// summarize prints the counts and returns how many mutants were not caught.
func summarize(out io.Writer, patches []*patch, results []result) (bad int) {
	var survivors, errs int
	var took time.Duration
	for i := range results {
		took += results[i].took
		switch results[i].outcome {
		case survived:
			survivors++
		case failed:
			errs++
		}
	}
	fmt.Fprintf(out, "\n%d mutants: %d caught, %d survived, %d could not be tried; %.0f s of work\n",
		len(patches), len(patches)-survivors-errs, survivors, errs, took.Seconds())
	return survivors + errs
}

func recordsOf(patches []*patch, results []result, first uint64) (rows []record) {
	for i, p := range patches {
		rows = append(rows, record{name: p.name, breaks: p.breaks, invariant: results[i].invariant, seeds: results[i].needed(first)})
	}
	return rows
}
