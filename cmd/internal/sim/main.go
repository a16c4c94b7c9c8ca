package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/rondokv/rondo/cluster/sim"
)

// options are the command line.
type options struct {
	seeds   uint64
	first   uint64
	workers int
	long    time.Duration
	stop    bool
	shrink  bool
	trace   bool
	config  sim.Config
}

func main() {
	o, err := parse(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	os.Exit(run(o, os.Stdout))
}

func parse(args []string) (o options, err error) {
	f := flag.NewFlagSet("sim", flag.ContinueOnError)
	f.Uint64Var(&o.seeds, "seeds", 100, "how many seeds")
	f.Uint64Var(&o.first, "seed", 1, "the first of them")
	f.IntVar(&o.workers, "workers", runtime.GOMAXPROCS(0), "how many run at once")
	f.DurationVar(&o.long, "for", 0, "run for so long, whatever -seeds says")
	f.BoolVar(&o.stop, "stop-at-first", false, "end at the first failure")
	f.BoolVar(&o.shrink, "shrink", true, "make the first failure smaller before it is shown")
	f.BoolVar(&o.trace, "trace", false, "print the trace of each run")
	f.IntVar(&o.config.Ops, "ops", 0, "at most so many operations a run")
	f.IntVar(&o.config.Clients, "clients", 0, "at most so many clients")
	profile := f.String("profile", "drawn", "drawn, chaos, stable or calm")
	without := f.String("without", "", "faults that do not happen, with commas")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("what is %q?", f.Arg(0))
	}
	if o.config.Profile, err = sim.ParseProfile(*profile); err != nil {
		return o, err
	}
	o.config.Without, err = sim.ParseFaults(*without)
	return o, err
}

// tally gathers the results of the workers.
type tally struct {
	mu       sync.Mutex
	next     uint64
	totals   sim.Totals
	failed   []sim.Result
	finished uint64
}

// run runs the seeds and returns the exit status.
func run(o options, out io.Writer) int {
	start := time.Now()
	if o.trace {
		o.workers = 1
		buffered := bufio.NewWriter(out)
		defer buffered.Flush()
		out, o.config.Trace = buffered, buffered
	}
	t := tally{next: o.first}
	var wait sync.WaitGroup
	for range max(1, o.workers) {
		wait.Go(func() { t.work(o, start) })
	}
	wait.Wait()
	return t.print(o, out, time.Since(start))
}

func (t *tally) work(o options, start time.Time) {
	for {
		t.mu.Lock()
		seed := t.next
		t.next++
		enough := seed-o.first >= o.seeds
		if o.long > 0 {
			enough = time.Since(start) > o.long
		}
		if enough || o.stop && len(t.failed) > 0 {
			t.mu.Unlock()
			return
		}
		t.mu.Unlock()
		r := sim.Run(seed, o.config)
		t.mu.Lock()
		t.finished++
		t.totals.Add(&r.Totals)
		if r.Violation != nil {
			t.failed = append(t.failed, r)
		}
		t.mu.Unlock()
	}
}

// print tells of the failures, the first in full, and of the quantities. It returns the exit status.
func (t *tally) print(o options, out io.Writer, took time.Duration) (status int) {
	first := -1
	for i := range t.failed {
		if first < 0 || t.failed[i].Seed < t.failed[first].Seed {
			first = i
		}
	}
	if first >= 0 {
		status = 1
		r := t.failed[first]
		if o.shrink && !o.trace {
			sim.Shrink(r, o.config).Print(out)
		} else {
			sim.Failure{Result: r, Config: o.config}.Print(out)
		}
		for i := range t.failed {
			fmt.Fprintf(out, "seed %d: %.200s\n", t.failed[i].Seed, t.failed[i].Violation.Error())
		}
		fmt.Fprintf(out, "seeds needed: %d\n", t.failed[first].Seed-o.first+1)
	}
	if _, err := t.totals.WriteTo(out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	fmt.Fprintf(out, "%d seeds from %d on, %d failed, %.1f s\n", t.finished, o.first, len(t.failed), took.Seconds())
	return status
}
