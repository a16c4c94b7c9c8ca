package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Run drives the mix of SET and GET that o describes and writes the final
// table to out. With o.LoadFirst every key is set once before. Cancelling ctx
// ends the run early; the report then covers what was done and the error is
// nil unless nothing was.
func Run(ctx context.Context, o Options, out io.Writer) (Report, error) {
	if err := o.Validate(); err != nil {
		return Report{}, err
	}
	o = o.withDefaults()
	if o.LoadFirst {
		if _, err := Load(ctx, o, out); err != nil {
			return Report{}, err
		}
	}
	t, err := dial(ctx, o)
	if err != nil {
		return Report{}, err
	}
	r, err := drive(ctx, o, t)
	if err = errors.Join(err, t.close()); err != nil {
		return r, err
	}
	return r, r.Write(out)
}

// OpenLoop reads uniformly chosen keys at a constant rate, o.Rate, for
// o.Duration. The other choices of o stand, except that it never writes.
func OpenLoop(ctx context.Context, o Options, out io.Writer) (Report, error) {
	if o.Rate <= 0 {
		return Report{}, optionError("rate", o.Rate, "more than 0 for an open loop")
	}
	o.Distribution = Uniform
	o.ReadRatio = 1
	o.Pipeline = 1
	return Run(ctx, o, out)
}

// drive runs the workers to the end of the run and reports.
func drive(ctx context.Context, o Options, t *target) (Report, error) {
	runCtx := ctx
	if o.Duration > 0 {
		var stop context.CancelFunc
		runCtx, stop = context.WithTimeout(ctx, o.Duration)
		defer stop()
	}
	rec := newRecorder(o.Clients)
	pool := newPool(o)
	total := newTally()
	title := fmt.Sprintf("%d clients, pipeline %d, %.0f%% GET, %d %s keys", o.Clients, o.Pipeline, o.ReadRatio*100, o.Keys, o.Distribution)

	begin := time.Now()
	sched := newSchedule(o)
	var wg sync.WaitGroup
	for i := range o.Clients {
		w := newWorker(o, i, pool, t.client(i), rec.shard(i))
		wg.Go(func() { w.run(ctx, runCtx, sched) })
	}
	if o.Rate > 0 {
		wg.Go(func() { sched.dispatch(runCtx, begin) })
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	watch(o.Progress, done, begin, rec, total)

	elapsed := time.Since(begin)
	rec.drain(total)
	r := newReport(title, o, total, elapsed)
	r.Unsent = sched.unsent(min(elapsed, orDefault(o.Duration, elapsed)))
	if r.All.Count == 0 {
		return r, fmt.Errorf("bench: no command was answered, errors: %s", errorList(r.Errors))
	}
	return r, nil
}

// worker is one connection's loop.
type worker struct {
	o      Options
	client redis.UniversalClient
	shard  *shard
	rng    *rand.Rand
	keys   chooser
	values *values
	batch  batch
}

func newWorker(o Options, id int, pool []byte, c redis.UniversalClient, s *shard) *worker {
	rng := rand.New(rand.NewPCG(o.Seed, uint64(id)+1))
	return &worker{o: o, client: c, shard: s, rng: rng, keys: newChooser(o, rng), values: newValues(o, pool, rng)}
}

// run sends pipelines until runCtx ends or the schedule is used up. What is
// under way when runCtx ends is awaited; only callCtx cuts it short.
func (w *worker) run(callCtx, runCtx context.Context, sched *schedule) {
	for {
		n, from, ok := sched.next(runCtx)
		if !ok {
			return
		}
		w.send(callCtx, n, from)
		if callCtx.Err() != nil {
			return // the failures of a cancelled call are not the server's
		}
		w.shard.record(&w.batch)
		if len(w.batch.errs) > 0 {
			w.backOff(runCtx)
		}
	}
}

// backOff keeps a server that is gone from costing a core of dialling.
func (w *worker) backOff(ctx context.Context) {
	t := time.NewTimer(time.Duration(1+w.rng.IntN(10)) * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// send does one pipeline of n commands and leaves its outcome in w.batch.
func (w *worker) send(ctx context.Context, n int, from time.Time) {
	w.batch = batch{errs: w.batch.errs[:0]}
	if n == 1 {
		w.count(w.command(ctx, w.client))
	} else {
		pipe := w.client.Pipeline()
		cmds := make([]redis.Cmder, n)
		for i := range cmds {
			cmds[i] = w.command(ctx, pipe)
		}
		_, _ = pipe.Exec(ctx) // each command carries its own error
		for _, c := range cmds {
			w.count(c)
		}
	}
	w.batch.latency = time.Since(from)
}

func (w *worker) command(ctx context.Context, c redis.Cmdable) redis.Cmder {
	key := string(appendKey(make([]byte, 0, 64), w.o.KeyPrefix, w.keys.next()))
	if w.o.ReadRatio > 0 && w.rng.Float64() < w.o.ReadRatio {
		return c.Get(ctx, key)
	}
	return c.Set(ctx, key, w.values.next(), 0)
}

func (w *worker) count(c redis.Cmder) {
	k := writes
	if _, get := c.(*redis.StringCmd); get {
		k = reads
	}
	switch err := c.Err(); {
	case err == nil:
		w.batch.done[k]++
	case errors.Is(err, redis.Nil):
		w.batch.done[k]++
		w.batch.misses++
	default:
		w.batch.errs = append(w.batch.errs, err)
	}
}
