package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// loadPipeline is the least depth that Load uses: filling the key space is
// not what is measured.
const loadPipeline = 64

// Load sets every key 0..Keys-1 once, in order but for the workers' overlap,
// with values as o asks, and writes one line to out. It uses no rate. The first
// failed command ends it with an error: a key space with holes would
// make the numbers that follow wrong.
func Load(ctx context.Context, o Options, out io.Writer) (Report, error) {
	if err := o.Validate(); err != nil {
		return Report{}, err
	}
	o = o.withDefaults()
	o.Rate = 0
	o.Pipeline = max(o.Pipeline, min(loadPipeline, max(1, 4<<20/o.ValueMax)))
	t, err := dial(ctx, o)
	if err != nil {
		return Report{}, err
	}
	r, err := load(ctx, o, t)
	if err = errors.Join(err, t.close()); err != nil {
		return r, err
	}
	_, err = fmt.Fprintf(out, "loaded %d keys of %s in %.1f s, %.0f/s\n",
		o.Keys, sizeRange(o), r.Elapsed.Seconds(), r.Throughput)
	return r, err
}

func sizeRange(o Options) string {
	if o.ValueMin == o.ValueMax {
		return fmt.Sprintf("%d bytes", o.ValueMin)
	}
	return fmt.Sprintf("%d to %d bytes", o.ValueMin, o.ValueMax)
}

func load(ctx context.Context, o Options, t *target) (Report, error) {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	workers := int(min(int64(o.Clients), (o.Keys+int64(o.Pipeline)-1)/int64(o.Pipeline)))
	rec := newRecorder(workers)
	pool := newPool(o)
	total := newTally()
	var next, stored atomic.Int64

	begin := time.Now()
	var wg sync.WaitGroup
	for i := range workers {
		l := &loader{
			worker: newWorker(o, i, pool, t.client(i), rec.shard(i)),
			next:   &next,
			stored: &stored,
		}
		wg.Go(func() {
			if err := l.run(ctx); err != nil {
				fail(err)
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	watchLoad(o, done, begin, &stored)

	rec.drain(total)
	r := newReport("load", o, total, time.Since(begin))
	if err := context.Cause(ctx); err != nil {
		return r, fmt.Errorf("bench: load stopped after %d of %d keys: %w", stored.Load(), o.Keys, err)
	}
	return r, nil
}

// loader takes runs of key numbers until none is left.
type loader struct {
	*worker
	next, stored *atomic.Int64 // shared by all loaders
}

func (l *loader) run(ctx context.Context) error {
	step := int64(l.o.Pipeline)
	for ctx.Err() == nil {
		first := l.next.Add(step) - step
		if first >= l.o.Keys {
			return nil
		}
		last := min(first+step, l.o.Keys)
		from := time.Now()
		pipe := l.client.Pipeline()
		for n := first; n < last; n++ {
			pipe.Set(ctx, string(appendKey(make([]byte, 0, 64), l.o.KeyPrefix, n)), l.values.next(), 0)
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return err
		}
		l.batch = batch{latency: time.Since(from)}
		l.batch.done[writes] = last - first
		l.shard.record(&l.batch)
		l.stored.Add(last - first)
	}
	return nil
}

// watchLoad prints a line a second until done is closed.
func watchLoad(o Options, done <-chan struct{}, begin time.Time, stored *atomic.Int64) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case now := <-tick.C:
			if o.Progress == nil {
				continue
			}
			n, spent := stored.Load(), now.Sub(begin).Seconds()
			left := spent * float64(o.Keys-n) / float64(max(n, 1))
			fmt.Fprintf(o.Progress, "load %5.1f%%  %d of %d keys  %.0f/s  %.0f s left\n",
				100*float64(n)/float64(o.Keys), n, o.Keys, float64(n)/spent, left)
		}
	}
}
