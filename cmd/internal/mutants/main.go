package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// options are the command line and what it stands for.
type options struct {
	root     string // of the module
	patches  string // directory
	table    string // document
	command  string // the simulator's
	first    uint64
	seeds    int
	parallel int
	limit    time.Duration
	only     []string
	quick    bool
	open     bool
	record   bool
	refresh  bool
}

const (
	defaultSeeds = 300
	quickMutants = 4
	quickSeeds   = 40 // at least: a change of the core moves the seeds that find something
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := parse(ctx, os.Args[1:])
	if err == nil {
		err = run(ctx, o, os.Stdout)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		stop()
		os.Exit(1)
	}
}

func parse(ctx context.Context, args []string) (o options, err error) {
	f := flag.NewFlagSet("mutants", flag.ContinueOnError)
	f.Uint64Var(&o.first, "seed", 1, "the first seed")
	f.IntVar(&o.seeds, "seeds", defaultSeeds, "within how many seeds each must be caught")
	f.IntVar(&o.parallel, "parallel", 2, "how many are tried at once")
	f.DurationVar(&o.limit, "limit", 10*time.Minute, "how long one may take")
	only := f.String("only", "", "names, parted by commas: those alone")
	f.BoolVar(&o.quick, "quick", false, fmt.Sprintf("the %d that are caught soonest alone", quickMutants))
	f.BoolVar(&o.open, "open", false, "those that the simulator does not catch yet, in place of the others")
	f.BoolVar(&o.record, "record", false, "write the table in the documentation when all are caught")
	f.BoolVar(&o.refresh, "refresh", false, "write the patches anew, against the sources as they are; run nothing")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("what is %q?", f.Arg(0))
	case o.seeds < 1 || o.parallel < 1:
		return o, errors.New("-seeds and -parallel are at least 1")
	case o.record && (o.quick || o.open || *only != ""):
		return o, errors.New("-record is of all mutants")
	case o.quick && (o.open || *only != ""):
		return o, errors.New("-quick chooses by itself")
	}
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	root, err := output(ctx, ".", nil, "go", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return o, err
	}
	o.root = strings.TrimSpace(string(root))
	o.patches = filepath.Join(o.root, "cmd", "internal", "mutants", "testdata")
	if o.open {
		o.patches = filepath.Join(o.patches, "open")
	}
	o.table = filepath.Join(o.root, "docs", "design", "mutants.md")
	o.command = "./cmd/internal/sim"
	return o, nil
}

// run does what the options say. The error says what is wrong with the mutants or with the checks.
func run(ctx context.Context, o options, out io.Writer) error {
	patches, err := readPatches(o.patches)
	if err != nil {
		return err
	}
	if o.quick {
		rows, err := readTable(o.table)
		if err != nil {
			return err
		}
		names, needed := soonest(rows, quickMutants)
		o.only, o.seeds = names, max(quickSeeds, 2*needed)
	}
	if patches, err = choose(patches, o.only); err != nil {
		return err
	}
	t, err := readTree(ctx, o.root, o.command)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "mutants-*")
	if err != nil {
		return fmt.Errorf("make room for copies: %w", err)
	}
	defer os.RemoveAll(work)
	if t, err = t.freeze(filepath.Join(work, "sources")); err != nil {
		return err
	}
	if o.refresh {
		return refresh(ctx, o.patches, t, work, patches, out)
	}
	return attack(ctx, o, t, work, patches, out)
}

// choose returns the patches of those names; without names all.
func choose(patches []*patch, names []string) ([]*patch, error) {
	if len(names) == 0 {
		return patches, nil
	}
	var some []*patch
	for _, name := range names {
		found := false
		for _, p := range patches {
			if p.name == name {
				some, found = append(some, p), true
			}
		}
		if !found {
			return nil, fmt.Errorf("no mutant is called %q", name)
		}
	}
	return some, nil
}
