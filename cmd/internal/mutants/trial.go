package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// outcome is what became of a mutant.
type outcome uint8

const (
	survived outcome = iota // no seed found anything
	caught
	failed // it was not tried: the patch does not fit, or does not build, or the simulator did not end
)

// result is how one trial went.
type result struct {
	outcome   outcome
	invariant string // caught: what was violated
	seed      uint64 // caught: the first seed that found it
	err       error  // failed
	took      time.Duration
}

// trial runs mutants in directories of its own.
type trial struct {
	tree    *tree
	command string // the simulator's, as go build takes it
	first   uint64 // seed
	seeds   int
	limit   time.Duration // for one mutant
}

// simViolation is how the simulator names what it found.
var simViolation = regexp.MustCompile(`(?m)^seed (\d+): ([^:\n]+):`)

// run tries one patch in dir; nil is the code as it is.
func (t *trial) run(ctx context.Context, dir string, p *patch) (res result) {
	start := time.Now()
	defer func() { res.took = time.Since(start) }()
	ctx, cancel := context.WithTimeout(ctx, t.limit)
	defer cancel()
	binary, err := t.build(ctx, dir, p)
	if err != nil {
		return result{outcome: failed, err: err}
	}
	cmd := exec.CommandContext(ctx, binary, "-seed", strconv.FormatUint(t.first, 10), "-seeds", strconv.Itoa(t.seeds), "-stop-at-first", "-shrink=false", "-workers", "1")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1") // the other processors have mutants of their own
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return result{outcome: failed, err: fmt.Errorf("the simulator: %w", context.Cause(ctx))}
	case err == nil:
		return result{outcome: survived}
	case !errors.As(err, &exit) || exit.ExitCode() != 1:
		return result{outcome: failed, err: fmt.Errorf("the simulator: %w: %s", err, clip(string(out)))}
	}
	return parseViolation(out)
}

// parseViolation reads what the simulator says when it found something.
func parseViolation(out []byte) result {
	m := simViolation.FindSubmatch(out)
	if m == nil {
		return result{outcome: failed, err: fmt.Errorf("the simulator failed and names no violation: %s", clip(string(out)))}
	}
	seed, err := strconv.ParseUint(string(m[1]), 10, 64)
	if err != nil {
		return result{outcome: failed, err: fmt.Errorf("the simulator names seed %s: %w", m[1], err)}
	}
	return result{outcome: caught, invariant: string(bytes.TrimSpace(m[2])), seed: seed}
}

// build makes the simulator's command from a fresh copy with the patch. Paths are trimmed, so that the packages that no
// patch has touched are compiled once.
func (t *trial) build(ctx context.Context, dir string, p *patch) (binary string, err error) {
	if err := t.tree.copyTo(dir); err != nil {
		return "", err
	}
	if p != nil {
		if err := p.apply(ctx, dir); err != nil {
			return "", err
		}
	}
	binary = filepath.Join(dir, "simulator")
	_, err = output(ctx, dir, nil, "go", "build", "-trimpath", "-buildvcs=false", "-o", binary, t.command)
	return binary, err
}
