package bench

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// target is the set of clients of one run. Workers share them; with Forward,
// worker i uses client i modulo their number.
type target struct {
	clients []redis.UniversalClient
}

// dial opens the clients and checks that each answers PING.
func dial(ctx context.Context, o Options) (*target, error) {
	t := &target{}
	switch o.Topology {
	case Cluster:
		t.clients = append(t.clients, redis.NewClusterClient(clientOptions(o, o.Addrs, o.Clients).Cluster()))
	case Forward:
		share := (o.Clients + len(o.Addrs) - 1) / len(o.Addrs)
		for _, addr := range o.Addrs {
			t.clients = append(t.clients, redis.NewClient(clientOptions(o, []string{addr}, share).Simple()))
		}
	default:
		t.clients = append(t.clients, redis.NewClient(clientOptions(o, o.Addrs[:1], o.Clients).Simple()))
	}
	for i, c := range t.clients {
		if err := c.Ping(ctx).Err(); err != nil {
			return nil, errors.Join(fmt.Errorf("bench: ping %s: %w", o.Addrs[i], err), t.close())
		}
	}
	return t, nil
}

func (t *target) client(worker int) redis.UniversalClient { return t.clients[worker%len(t.clients)] }

func (t *target) close() error {
	var errs []error
	for _, c := range t.clients {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// clientOptions gives each worker a connection of its own and switches off
// retries: a failure that the client hid would be missing from the report.
// (A cluster client still follows MOVED and ASK.)
func clientOptions(o Options, addrs []string, conns int) *redis.UniversalOptions {
	u := &redis.UniversalOptions{
		Addrs:            addrs,
		DB:               o.DB,
		Protocol:         o.Protocol,
		Username:         o.Username,
		Password:         o.Password,
		MaxRetries:       -1,
		DialTimeout:      o.Timeout,
		ReadTimeout:      o.Timeout,
		WriteTimeout:     o.Timeout,
		PoolTimeout:      o.Timeout,
		PoolSize:         conns,
		MaxActiveConns:   conns,
		PipelinePoolSize: -1, // pipelines on the counted connections, too
	}
	if o.Level != "" {
		u.OnConnect = func(ctx context.Context, cn *redis.Conn) error {
			return cn.Process(ctx, redis.NewCmd(ctx, "CONSISTENCY", o.Level))
		}
	}
	if o.Topology == Cluster {
		u.MaxActiveConns = 0 // a pool a node; workers bound it
	}
	return u
}
