//go:build blackbox

package clients

import (
	"errors"

	"github.com/gomodule/redigo/redis"
)

func redigoProbe(p *probe) string {
	c, err := redis.Dial("tcp", p.addr)
	p.step("connect", func() error { return err })
	if err == nil {
		defer func() { _ = c.Close() }() // the steps have what they wanted
	}
	redigoSteps(p, c)
	return moduleVersion("github.com/gomodule/redigo")
}

func redigoSteps(p *probe, c redis.Conn) {
	p.step("set", func() error {
		got, err := redis.String(c.Do("SET", p.key("k"), "v"))
		return want("SET", err, got, "OK")
	})
	p.step("get", func() error {
		if got, err := redis.String(c.Do("GET", p.key("k"))); err != nil || got != "v" {
			return want("GET", err, got, "v")
		}
		_, err := redis.String(c.Do("GET", p.key("none")))
		return want("GET of no key", nil, err, redis.ErrNil)
	})
	p.step("expire", func() error {
		if n, err := redis.Int(c.Do("EXPIRE", p.key("k"), 100)); err != nil || n != 1 {
			return want("EXPIRE", err, n, 1)
		}
		ttl, err := redis.Int(c.Do("TTL", p.key("k")))
		return wantTTL(err, float64(ttl))
	})
	p.step("pipeline", func() error {
		keys := p.many("pipe", 100)
		for _, k := range keys {
			if err := errors.Join(c.Send("SET", k, "v"), c.Send("GET", k)); err != nil {
				return err
			}
		}
		if err := c.Flush(); err != nil {
			return err
		}
		for i := range 2 * len(keys) {
			expected := []string{"OK", "v"}[i%2]
			if got, err := redis.String(c.Receive()); err != nil || got != expected {
				return want("a reply in the pipeline", err, got, expected)
			}
		}
		return nil
	})
	p.step("multi", func() error {
		if err := errors.Join(c.Send("MULTI"), c.Send("SET", p.tagged("m"), 41), c.Send("INCR", p.tagged("m"))); err != nil {
			return err
		}
		got, err := redis.Values(c.Do("EXEC"))
		return want("EXEC", err, got, []any{"OK", 42})
	})
	p.step("watch", func() error { return redigoWatch(p, c) })
	p.step("scan", func() error {
		var found []string
		for cursor, first := "0", true; first || cursor != "0"; first = false {
			page, err := redis.Values(c.Do("SCAN", cursor, "MATCH", p.key("pipe:")+"*", "COUNT", 7))
			if err != nil {
				return err
			}
			var names []string
			if _, err := redis.Scan(page, &cursor, &names); err != nil {
				return err
			}
			found = append(found, names...)
		}
		return wantKeys(found, p.many("pipe", 100))
	})
	p.step("mget", func() error {
		if _, err := c.Do("MSET", p.tagged("1"), "a", p.tagged("2"), "b"); err != nil {
			return err
		}
		got, err := redis.Strings(c.Do("MGET", p.tagged("1"), p.tagged("none"), p.tagged("2")))
		return want("MGET", err, got, []string{"a", "", "b"})
	})
	p.step("mget slots", func() error {
		got, err := redis.Strings(c.Do("MGET", redis.Args{}.AddFlat(p.many("pipe", 3))...))
		return want("MGET", err, got, []string{"v", "v", "v"})
	})
	p.step("incr", func() error {
		if n, err := redis.Int(c.Do("INCRBY", p.key("n"), 41)); err != nil || n != 41 {
			return want("INCRBY", err, n, 41)
		}
		n, err := redis.Int(c.Do("INCR", p.key("n")))
		return want("INCR", err, n, 42)
	})
	p.step("del", func() error {
		n, err := redis.Int(c.Do("DEL", p.key("n")))
		return want("DEL", err, n, 1)
	})
}

// redigoWatch has another write come between WATCH and EXEC the first time.
func redigoWatch(p *probe, c redis.Conn) error {
	other, err := redis.Dial("tcp", p.addr)
	if err != nil {
		return err
	}
	defer func() { _ = other.Close() }() // the step has what it wanted
	k := p.tagged("w")
	for _, disturbed := range []bool{true, false} {
		if _, err := c.Do("WATCH", k); err != nil {
			return err
		}
		if disturbed {
			if _, err := other.Do("SET", k, "other"); err != nil {
				return err
			}
		}
		if err := errors.Join(c.Send("MULTI"), c.Send("SET", k, "mine")); err != nil {
			return err
		}
		reply, err := c.Do("EXEC")
		if err := want("EXEC is null", err, reply == nil, disturbed); err != nil {
			return err
		}
	}
	got, err := redis.String(c.Do("GET", k))
	return want("the watched key", err, got, "mine")
}
