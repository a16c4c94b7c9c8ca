package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// clusterClient loads a system with the requests of one cell. What it returns with errReplies was measured, but is void.
type clusterClient interface {
	run(ctx context.Context, span time.Duration) (Sample, error)
	close()
}

// connect opens the connections of a turn, which have the cell's level.
func (l *clusterLoad) connect(ctx context.Context, cell ClusterCell) (clusterClient, error) {
	if err := l.route(ctx); err != nil {
		return nil, err
	}
	if l.o.Driver == GoRedis {
		return l.connectGoRedis(ctx, cell)
	}
	client, err := dialRaw(l.addrs(), l.o.Clients)
	if err != nil {
		return nil, err
	}
	if l.system.levels {
		if err := l.setLevel(ctx, client, cell.Level); err != nil {
			client.close()
			return nil, err
		}
	}
	return &rawCluster{client, rawLoad{requests: l.requests(cell.Command), pipeline: cell.Pipeline}}, nil
}

// setLevel sets the level of every connection.
func (l *clusterLoad) setLevel(ctx context.Context, client *rawClient, level string) error {
	say := make([]*requests, len(l.addrs()))
	for i := range say {
		say[i] = &requests{fixed: fmt.Appendf(nil, "*2\r\n$11\r\nCONSISTENCY\r\n$%d\r\n%s\r\n", len(level), level)}
	}
	// Each connection fires once at first, and then there is nothing left to send.
	res, err := client.run(ctx, rawLoad{requests: say, pipeline: 1, count: int64(l.o.Clients)})
	if err = errors.Join(err, res.check()); err != nil {
		return fmt.Errorf("set the level: %w", err)
	}
	return nil
}

// rawCluster is the raw client: each connection is to one node and asks for keys of that node alone, so a pipeline is never split.
type rawCluster struct {
	client *rawClient
	load   rawLoad
}

func (c *rawCluster) close() { c.client.close() }

func (c *rawCluster) run(ctx context.Context, span time.Duration) (Sample, error) {
	c.load.span = span
	res, err := c.client.run(ctx, c.load)
	if err != nil {
		return Sample{}, err
	}
	s := Sample{Operations: res.done, Elapsed: res.elapsed}
	if res.done > 0 {
		s.Throughput = float64(res.done) / res.elapsed.Seconds()
		s.Latency = summarize(res.hist)
	}
	return s, res.check()
}

// goRedisCluster is go-redis, as an application would use it: it splits a pipeline by nodes and waits for all parts.
type goRedisCluster struct {
	o Options
	t *target
}

func (l *clusterLoad) connectGoRedis(ctx context.Context, cell ClusterCell) (clusterClient, error) {
	o := Options{
		Addrs: slices.Clone(l.addrs()), Clients: l.o.Clients, Pipeline: cell.Pipeline,
		Keys: l.o.Keys, KeyPrefix: l.o.KeyPrefix, ValueMin: l.o.ValueSize, ValueMax: l.o.ValueSize,
	}
	if l.slots != nil {
		o.Topology = Cluster
	}
	if l.system.levels {
		o.Level = cell.Level
	}
	if cell.Command == Get {
		o.ReadRatio = 1
	}
	o = o.withDefaults()
	t, err := dial(ctx, o)
	return &goRedisCluster{o, t}, err
}

func (c *goRedisCluster) close() { _ = c.t.close() } // the measurement is over

func (c *goRedisCluster) run(ctx context.Context, span time.Duration) (Sample, error) {
	c.o.Duration = span
	r, err := drive(ctx, c.o, c.t)
	if err != nil {
		return Sample{}, err
	}
	s := Sample{Operations: r.All.Count, Elapsed: r.Elapsed, Throughput: r.Throughput, Latency: r.All}
	if n := r.ErrorCount() + r.Misses; n > 0 {
		return s, fmt.Errorf("%w: errors %s, missing keys %d", errReplies, errorList(r.Errors), r.Misses)
	}
	return s, nil
}
