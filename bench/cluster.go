package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// MeasureCluster starts a Rondo cluster and what it is compared with, loads each over all its slots, and prints what an
// operation costs all processes of a system together. In each round every cell of every system has a turn, the systems next
// to each other, in the opposite order every other round.
//
// Unlike Compare it neither pins nor freezes anybody: nodes that stand still would be taken for dead. What a system does in the
// background between its turns is measured and printed apart.
func MeasureCluster(ctx context.Context, o ClusterOptions, out io.Writer) (ClusterReport, error) {
	if err := o.Validate(); err != nil {
		return ClusterReport{}, err
	}
	o = o.withDefaults()
	work, err := os.MkdirTemp(o.TempDir, "rondo-bench-")
	if err != nil {
		return ClusterReport{}, fmt.Errorf("bench: work directory: %w", err)
	}
	r, err := measureCluster(ctx, o, work)
	if err != nil {
		return r, fmt.Errorf("bench: %w (logs are kept in %s)", err, work)
	}
	if err := errors.Join(os.RemoveAll(work), r.Write(out)); err != nil {
		return r, err
	}
	return r, writeJSON(o.JSONPath, r)
}

// What systems are called in the table.
const (
	redisName   = "redis"
	againstName = "against"
	rondoName   = "rondo"
)

func measureCluster(ctx context.Context, o ClusterOptions, work string) (r ClusterReport, err error) {
	var loads []*clusterLoad
	defer func() {
		for _, l := range loads {
			err = errors.Join(err, l.system.end())
		}
	}()
	add := func(s *system, err error) error {
		if err == nil {
			loads = append(loads, newClusterLoad(o, s))
		}
		return err
	}
	if o.Redis != "" {
		err = add(startReplicated(ctx, o, redisName, filepath.Join(work, redisName)))
	}
	if err == nil && o.Against != "" {
		err = add(startRondo(ctx, o, againstName, o.Against, filepath.Join(work, againstName)))
	}
	if err == nil {
		err = add(startRondo(ctx, o, rondoName, o.Rondo, filepath.Join(work, rondoName)))
	}
	if err != nil {
		return r, err
	}
	for _, l := range loads {
		if err := l.fill(ctx); err != nil {
			return r, fmt.Errorf("%s: load: %w", l.system.name, err)
		}
	}
	if err := rounds(ctx, o, loads); err != nil {
		return r, err
	}
	r = newClusterReport(o, loads)
	rondo := loads[len(loads)-1]
	if o.RedisBenchmark != "" {
		if r.OneSlot, err = rondo.oneSlot(ctx); err != nil {
			return r, err
		}
	}
	if o.Profile != "" {
		r.Profiles, err = rondo.profile(ctx)
	}
	return r, err
}

// rounds gives every system its turns. The order of cells and systems is turned about every other round.
func rounds(ctx context.Context, o ClusterOptions, loads []*clusterLoad) error {
	for round := range o.Rounds {
		cells := o.cells()
		order := slices.Clone(loads)
		if round%2 == 1 {
			slices.Reverse(cells)
			slices.Reverse(order)
		}
		for _, cell := range cells {
			for _, l := range order {
				if err := l.turns(ctx, cell); err != nil {
					return fmt.Errorf("%s: %s: %w", l.system.name, cell, err)
				}
			}
		}
		if o.Progress != nil {
			fmt.Fprintf(o.Progress, "round %d of %d done\n", round+1, o.Rounds)
		}
	}
	return nil
}

// clusterLoad is one system under measurement.
type clusterLoad struct {
	o      ClusterOptions
	system *system
	slots  *slotMap  // nil: all keys are at the entry
	keys   [][]int64 // by the slot map's addresses
	pool   []byte
	cells  []ClusterCellReport

	seen   bool // a turn has ended
	last   cpuTimes
	idle   time.Duration // CPU between turns
	writes int64         // SETs in turns
	voided int           // turns that were had again
}

func newClusterLoad(o ClusterOptions, s *system) *clusterLoad {
	l := &clusterLoad{o: o, system: s, pool: newPool(Options{Seed: 1, ValueMax: o.ValueSize})}
	for _, c := range o.cells() {
		if s.levels || c.Level == o.lastLevel(c.Cell) {
			l.cells = append(l.cells, ClusterCellReport{ClusterCell: c})
		}
	}
	return l
}

// cell is the report of a cell; nil when the system is not measured there. One without levels is measured once a round, beside
// the last level.
func (l *clusterLoad) cell(c ClusterCell) *ClusterCellReport {
	at := slices.IndexFunc(l.cells, func(r ClusterCellReport) bool { return r.ClusterCell == c })
	if at < 0 {
		return nil
	}
	return &l.cells[at]
}

// route learns which key is whose.
func (l *clusterLoad) route(ctx context.Context) error {
	if !l.system.slotted {
		return nil
	}
	m, err := askSlots(ctx, l.system.entry)
	if err != nil {
		return err
	}
	if l.slots == nil || !l.slots.same(m) {
		l.slots, l.keys = m, m.split(l.o.KeyPrefix, l.o.Keys)
	}
	return nil
}

// addrs are where connections go, in turn.
func (l *clusterLoad) addrs() []string {
	if l.slots == nil {
		return []string{l.system.entry}
	}
	return l.slots.addrs
}

// requests makes what is sent to each of the addresses.
func (l *clusterLoad) requests(c Command) []*requests {
	o := CompareOptions{Keys: l.o.Keys, KeyPrefix: l.o.KeyPrefix, ValueSize: l.o.ValueSize}
	all := make([]*requests, len(l.addrs()))
	for i := range all {
		all[i] = newRequests(c, o, l.pool)
		if l.slots != nil {
			all[i].subset = l.keys[i]
		}
	}
	return all
}

// fill sets every key once: node by node, for each connection takes its keys from its node's list. A node whose replies were
// not all good gets its keys again.
func (l *clusterLoad) fill(ctx context.Context) error {
	begin := time.Now()
	for i := 0; ; i++ {
		if err := l.route(ctx); err != nil {
			return err
		}
		if i >= len(l.addrs()) {
			break
		}
		for try := 1; ; try++ {
			err := l.fillNode(ctx, i)
			if err == nil {
				break
			}
			if try == turnTries || !errors.Is(err, errReplies) {
				return err
			}
			l.progress("%s: the load of node %d is repeated: %v", l.system.name, i+1, err)
		}
	}
	l.progress("%-8s loaded %d keys in %.1f s", l.system.name, l.o.Keys, time.Since(begin).Seconds())
	return nil
}

// fillNode sets the keys of one of the addresses.
func (l *clusterLoad) fillNode(ctx context.Context, i int) error {
	r, count := l.requests(Set)[i], l.o.Keys
	if l.slots != nil {
		count = int64(len(l.keys[i]))
	}
	r.ordered = true
	client, err := dialRaw(l.addrs()[i:i+1], l.o.Clients)
	if err != nil {
		return err
	}
	defer client.close()
	res, err := client.run(ctx, rawLoad{requests: []*requests{r}, pipeline: clusterFillDepth, count: count})
	if err == nil && res.moved > 0 {
		err = fmt.Errorf("%w: %d keys were not set, but sent elsewhere", errReplies, res.moved)
	}
	return errors.Join(err, res.check())
}

// clusterFillDepth is the pipeline that fills the key space.
const clusterFillDepth = 16

func (l *clusterLoad) progress(format string, args ...any) {
	if l.o.Progress != nil {
		fmt.Fprintf(l.o.Progress, format+"\n", args...)
	}
}

// turns measures a cell once. A turn in which a reply was an error is void and has to be had again: on a busy machine a
// node may be taken for dead for a moment, its slots go to another, and connections are told so.
func (l *clusterLoad) turns(ctx context.Context, cell ClusterCell) error {
	report := l.cell(cell)
	if report == nil {
		return nil
	}
	for try := 1; ; try++ {
		sample, err := l.turn(ctx, cell)
		if err == nil {
			report.Samples = append(report.Samples, sample)
			return nil
		}
		if try == turnTries || !errors.Is(err, errReplies) {
			return err
		}
		l.voided++
		l.progress("%s: %s: a turn is void: %v", l.system.name, cell, err)
	}
}

// turnTries is how often a turn is tried.
const turnTries = 5

// turn is one turn of a cell.
func (l *clusterLoad) turn(ctx context.Context, cell ClusterCell) (Sample, error) {
	before, err := l.system.cpu()
	if err != nil {
		return Sample{}, err
	}
	if l.seen {
		l.idle += before.sub(l.last).total
	}
	client, err := l.connect(ctx, cell)
	if err != nil {
		return Sample{}, err
	}
	defer client.close()
	if l.o.WarmUp > 0 {
		if _, err := client.run(ctx, l.o.WarmUp); err != nil && !errors.Is(err, errReplies) {
			return Sample{}, err
		}
	}
	sample, err := l.sample(func() (Sample, error) { return client.run(ctx, l.o.Duration) })
	var after error
	l.last, after = l.system.cpu()
	l.seen = true
	if cell.Command == Set {
		l.writes += sample.Operations
	}
	return sample, errors.Join(err, after)
}

// sample runs a load and adds what it cost.
func (l *clusterLoad) sample(run func() (Sample, error)) (Sample, error) {
	before, err := l.system.cpu()
	calls, cerr := l.system.calls()
	if err = errors.Join(err, cerr); err != nil {
		return Sample{}, err
	}
	begin, own := time.Now(), ownCPU()
	s, err := run()
	if err != nil {
		return s, err
	}
	after, err := l.system.cpu()
	span, used, client := time.Since(begin).Seconds(), after.sub(before), ownCPU()-own
	callsAfter, cerr := l.system.calls()
	s.CPUPerOp, s.SystemPerOp = perOp(used.total, s.Operations), perOp(used.system, s.Operations)
	s.CallsPerOp = float64(callsAfter-calls) / float64(max(s.Operations, 1))
	s.ServerBusy, s.ClientBusy = used.total.Seconds()/span, client.Seconds()/span
	return s, errors.Join(err, cerr)
}
