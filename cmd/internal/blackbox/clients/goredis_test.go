//go:build blackbox

package clients

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

func goRedis(p *probe) string {
	c := redis.NewClient(&redis.Options{Addr: p.addr})
	goRedisSteps(p, c)
	return redis.Version()
}

func goRedisCluster(p *probe) string {
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{p.addr}})
	goRedisSteps(p, c)
	return redis.Version()
}

func goRedisSteps(p *probe, c redis.UniversalClient) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	defer func() { _ = c.Close() }() // the steps have what they wanted
	p.step("connect", func() error {
		got, err := c.Ping(ctx).Result()
		return want("PING", err, got, "PONG")
	})
	p.step("set", func() error {
		got, err := c.Set(ctx, p.key("k"), "v", 0).Result()
		return want("SET", err, got, "OK")
	})
	p.step("get", func() error {
		if got, err := c.Get(ctx, p.key("k")).Result(); err != nil || got != "v" {
			return want("GET", err, got, "v")
		}
		_, err := c.Get(ctx, p.key("none")).Result()
		return want("GET of no key", nil, err, redis.Nil)
	})
	p.step("expire", func() error {
		if ok, err := c.Expire(ctx, p.key("k"), 100*time.Second).Result(); err != nil || !ok {
			return want("EXPIRE", err, ok, true)
		}
		ttl, err := c.TTL(ctx, p.key("k")).Result()
		return wantTTL(err, ttl.Seconds())
	})
	p.step("pipeline", func() error { return goRedisPipeline(ctx, p, c) })
	p.step("multi", func() error {
		var n *redis.IntCmd
		_, err := c.TxPipelined(ctx, func(tx redis.Pipeliner) error {
			tx.Set(ctx, p.tagged("m"), 41, 0)
			n = tx.Incr(ctx, p.tagged("m"))
			return nil
		})
		return want("INCR in MULTI", err, n.Val(), 42)
	})
	p.step("watch", func() error { return goRedisWatch(ctx, p, c) })
	p.step("scan", func() error { return goRedisScan(ctx, p, c) })
	p.step("mget", func() error {
		if err := c.MSet(ctx, p.tagged("1"), "a", p.tagged("2"), "b").Err(); err != nil {
			return err
		}
		got, err := c.MGet(ctx, p.tagged("1"), p.tagged("none"), p.tagged("2")).Result()
		return want("MGET", err, got, []any{"a", nil, "b"})
	})
	p.step("mget slots", func() error {
		got, err := c.MGet(ctx, p.many("pipe", 3)...).Result()
		return want("MGET", err, got, []any{"v", "v", "v"})
	})
	p.step("incr", func() error {
		if n, err := c.IncrBy(ctx, p.key("n"), 41).Result(); err != nil || n != 41 {
			return want("INCRBY", err, n, 41)
		}
		n, err := c.Incr(ctx, p.key("n")).Result()
		return want("INCR", err, n, 42)
	})
	p.step("del", func() error {
		n, err := c.Del(ctx, p.key("n")).Result()
		return want("DEL", err, n, 1)
	})
}

func goRedisPipeline(ctx context.Context, p *probe, c redis.UniversalClient) error {
	keys := p.many("pipe", 100)
	cmds, err := c.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for _, k := range keys {
			pipe.Set(ctx, k, "v", 0)
			pipe.Get(ctx, k)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, cmd := range cmds {
		if get, ok := cmd.(*redis.StringCmd); ok && (get.Err() != nil || get.Val() != "v") {
			return want(keys[i/2], get.Err(), get.Val(), "v")
		}
	}
	return nil
}

// goRedisWatch has another write come between WATCH and EXEC the first time.
func goRedisWatch(ctx context.Context, p *probe, c redis.UniversalClient) error {
	k := p.tagged("w")
	change := func(meanwhile func() error) error {
		return c.Watch(ctx, func(tx *redis.Tx) error {
			if err := meanwhile(); err != nil {
				return err
			}
			_, err := tx.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
				pipe.Set(ctx, k, "mine", 0)
				return nil
			})
			return err
		}, k)
	}
	err := change(func() error { return c.Set(ctx, k, "other", 0).Err() })
	if err := want("EXEC after another's write", nil, err, redis.TxFailedErr); err != nil {
		return err
	}
	if err := change(func() error { return nil }); err != nil {
		return err
	}
	got, err := c.Get(ctx, k).Result()
	return want("the watched key", err, got, "mine")
}

func goRedisScan(ctx context.Context, p *probe, c redis.UniversalClient) error {
	var mu sync.Mutex
	var found []string
	scan := func(ctx context.Context, c redis.Cmdable) error {
		it := c.Scan(ctx, 0, p.key("pipe:")+"*", 7).Iterator()
		for it.Next(ctx) {
			mu.Lock()
			found = append(found, it.Val())
			mu.Unlock()
		}
		return it.Err()
	}
	var err error
	if cluster, ok := c.(*redis.ClusterClient); ok {
		err = cluster.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error { return scan(ctx, c) })
	} else {
		err = scan(ctx, c)
	}
	if err != nil {
		return err
	}
	return wantKeys(found, p.many("pipe", 100))
}
