package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// seed makes every server see the same requests.
func (o CompareOptions) seed() uint64 { return 1 }

func (o CompareOptions) logf(format string, args ...any) {
	if o.Progress != nil {
		fmt.Fprintf(o.Progress, format+"\n", args...)
	}
}

// Compare starts all servers, fills their key spaces, and measures cell by
// cell: in each round every server has one turn, in the opposite order every
// other round (A B, B A, A B...), and all but the one whose turn it is are
// frozen. It writes the table to out, and the whole as JSON to o.JSONPath.
//
// Turns are short and close together because machines change under a
// benchmark: on virtual ones the host moves the two cores between places that
// share a cache and places that do not, every few seconds, and the kernel's
// part of a request then doubles or halves. A ratio is therefore taken within
// each round, and the median over the rounds is reported.
//
// Cancelling ctx stops all servers and returns the context's error. On any
// failure the servers' logs are kept and the error names them.
func Compare(ctx context.Context, o CompareOptions, out io.Writer) (CompareReport, error) {
	if err := o.Validate(); err != nil {
		return CompareReport{}, err
	}
	o = o.withDefaults()
	work, err := os.MkdirTemp(o.TempDir, "rondo-bench-")
	if err != nil {
		return CompareReport{}, fmt.Errorf("bench: work directory: %w", err)
	}
	r, err := compare(ctx, &o, work)
	if err != nil {
		return r, fmt.Errorf("bench: %w (server logs are kept in %s)", err, work)
	}
	if err := errors.Join(os.RemoveAll(work), r.Write(out)); err != nil {
		return r, err
	}
	return r, writeJSON(o.JSONPath, r)
}

// writeJSON writes a report to path, if there is one.
func writeJSON(path string, r any) error {
	if path == "" {
		return nil
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err == nil {
		err = os.WriteFile(path, append(b, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("bench: write %s: %w", path, err)
	}
	return nil
}

func compare(ctx context.Context, o *CompareOptions, work string) (r CompareReport, err error) {
	r = newCompareReport(*o)
	if o.ClientCore >= 0 {
		restore, err := pinSelf(o.ClientCore)
		if err != nil {
			return r, err
		}
		defer restore()
	}
	pool := newPool(Options{Seed: o.seed(), ValueMax: o.ValueSize, Compressible: o.Compressible})
	sides := make([]*side, len(o.Servers))
	for i, s := range o.Servers {
		sides[i] = &side{o: o, server: s, pool: pool, dir: filepath.Join(work, fmt.Sprintf("%d-%s", i, fileName(s.Name)))}
	}
	defer func() {
		for _, s := range sides {
			err = errors.Join(err, s.end())
		}
	}()
	for i, s := range sides {
		if err := s.start(ctx); err != nil {
			return r, fmt.Errorf("%s: %w", s.server.Name, err)
		}
		r.Servers[i].Version = s.version
	}
	for j := range o.Cells {
		if err := compareCell(ctx, sides, r.Servers, j); err != nil {
			return r, err
		}
	}
	r.finish()
	return r, nil
}

// compareCell runs all rounds of cell j.
func compareCell(ctx context.Context, sides []*side, reports []ServerReport, j int) error {
	o, cell := sides[0].o, sides[0].o.Cells[j]
	each := func(backwards bool, what func(s *side, c *CellReport) error) error {
		for i := range sides {
			if backwards {
				i = len(sides) - 1 - i
			}
			if err := what(sides[i], &reports[i].Cells[j]); err != nil {
				return fmt.Errorf("%s: %s: %w", sides[i].server.Name, cell, err)
			}
		}
		return nil
	}
	if err := each(false, func(s *side, _ *CellReport) error { return s.enter(ctx, cell) }); err != nil {
		return err
	}
	for round := range o.Rounds {
		err := each(round%2 == 1, func(s *side, c *CellReport) error {
			sample, err := s.measure(ctx, cell)
			c.Samples = append(c.Samples, sample)
			return err
		})
		if err != nil {
			return err
		}
	}
	return each(false, func(s *side, c *CellReport) error {
		if err := s.finish(ctx, c); err != nil {
			return err
		}
		m := medianSample(c.Samples)
		o.logf("%-12s %-8s %9.0f ops/s  %6.2f us CPU/op  p99 %s ms", s.server.Name, cell, m.Throughput, m.CPUPerOp, millis(m.Latency.P99))
		return nil
	})
}

// fileName makes a server's name fit for a directory.
func fileName(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' {
			return r
		}
		return '_'
	}, name)
}
