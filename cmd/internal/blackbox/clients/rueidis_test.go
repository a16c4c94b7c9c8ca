//go:build blackbox

package clients

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/rueidis"
)

// rueidisProbe lets the library find out by itself what it talks to, as it
// does on its defaults: its cluster client on the cluster face, its single
// client on the forward face. single asks for the latter.
func rueidisProbe(single bool, set func(*rueidis.ClientOption)) func(*probe) string {
	return func(p *probe) string {
		o := rueidis.ClientOption{InitAddress: []string{p.addr}, ForceSingleClient: single}
		if set != nil {
			set(&o)
		}
		c, err := rueidis.NewClient(o)
		p.step("connect", func() error { return err })
		if err == nil {
			defer c.Close()
		}
		rueidisSteps(p, c)
		return moduleVersion("github.com/redis/rueidis")
	}
}

func rueidisWithoutCache(o *rueidis.ClientOption) { o.DisableCache = true }

func rueidisSteps(p *probe, c rueidis.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	text := func(words ...string) (string, error) {
		return c.Do(ctx, c.B().Arbitrary(words[0]).Keys(words[1]).Args(words[2:]...).Build()).ToString()
	}
	number := func(words ...string) (int64, error) {
		return c.Do(ctx, c.B().Arbitrary(words[0]).Keys(words[1]).Args(words[2:]...).Build()).AsInt64()
	}
	p.step("set", func() error {
		got, err := text("SET", p.key("k"), "v")
		return want("SET", err, got, "OK")
	})
	p.step("get", func() error {
		if got, err := text("GET", p.key("k")); err != nil || got != "v" {
			return want("GET", err, got, "v")
		}
		_, err := text("GET", p.key("none"))
		return want("GET of no key", nil, rueidis.IsRedisNil(err), true)
	})
	p.step("expire", func() error {
		if n, err := number("EXPIRE", p.key("k"), "100"); err != nil || n != 1 {
			return want("EXPIRE", err, n, 1)
		}
		ttl, err := number("TTL", p.key("k"))
		return wantTTL(err, float64(ttl))
	})
	p.step("pipeline", func() error {
		var cmds rueidis.Commands
		for _, k := range p.many("pipe", 100) {
			cmds = append(cmds, c.B().Set().Key(k).Value("v").Build(), c.B().Get().Key(k).Build())
		}
		for i, r := range c.DoMulti(ctx, cmds...) {
			expected := []string{"OK", "v"}[i%2]
			if got, err := r.ToString(); err != nil || got != expected {
				return want("a reply in the pipeline", err, got, expected)
			}
		}
		return nil
	})
	p.step("multi", func() error {
		return c.Dedicated(func(d rueidis.DedicatedClient) error {
			k := p.tagged("m")
			replies := d.DoMulti(ctx, d.B().Multi().Build(), d.B().Set().Key(k).Value("41").Build(), d.B().Incr().Key(k).Build(), d.B().Exec().Build())
			got, err := replies[len(replies)-1].ToArray()
			if err != nil || len(got) != 2 {
				return want("replies of EXEC", err, len(got), 2)
			}
			n, err := got[1].AsInt64()
			return want("INCR in MULTI", err, n, 42)
		})
	})
	p.step("watch", func() error { return rueidisWatch(ctx, p, c) })
	p.step("scan", func() error {
		var found []string
		for _, node := range c.Nodes() {
			for cursor, first := uint64(0), true; first || cursor != 0; first = false {
				page, err := node.Do(ctx, node.B().Scan().Cursor(cursor).Match(p.key("pipe:")+"*").Count(7).Build()).AsScanEntry()
				if err != nil {
					return err
				}
				found, cursor = append(found, page.Elements...), page.Cursor
			}
		}
		return wantKeys(found, p.many("pipe", 100))
	})
	p.step("mget", func() error {
		if err := c.Do(ctx, c.B().Mset().KeyValue().KeyValue(p.tagged("1"), "a").KeyValue(p.tagged("2"), "b").Build()).Error(); err != nil {
			return err
		}
		got, err := c.Do(ctx, c.B().Mget().Key(p.tagged("1"), p.tagged("none"), p.tagged("2")).Build()).AsStrSlice()
		return want("MGET", err, got, []string{"a", "", "b"})
	})
	p.step("mget slots", func() error {
		got, err := rueidis.MGet(c, ctx, p.many("pipe", 3)) // the library's own way over slots
		if err != nil {
			return err
		}
		for k, v := range got {
			if s, err := v.ToString(); err != nil || s != "v" {
				return want(k, err, s, "v")
			}
		}
		return want("number of values", nil, len(got), 3)
	})
	p.step("incr", func() error {
		if n, err := number("INCRBY", p.key("n"), "41"); err != nil || n != 41 {
			return want("INCRBY", err, n, 41)
		}
		n, err := number("INCR", p.key("n"))
		return want("INCR", err, n, 42)
	})
	p.step("del", func() error {
		n, err := number("DEL", p.key("n"))
		return want("DEL", err, n, 1)
	})
}

// rueidisWatch has another write come between WATCH and EXEC the first time.
func rueidisWatch(ctx context.Context, p *probe, c rueidis.Client) error {
	k := p.tagged("w")
	for _, disturbed := range []bool{true, false} {
		err := c.Dedicated(func(d rueidis.DedicatedClient) error {
			if err := d.Do(ctx, d.B().Watch().Key(k).Build()).Error(); err != nil {
				return err
			}
			if disturbed {
				if err := c.Do(ctx, c.B().Set().Key(k).Value("other").Build()).Error(); err != nil {
					return err
				}
			}
			replies := d.DoMulti(ctx, d.B().Multi().Build(), d.B().Set().Key(k).Value("mine").Build(), d.B().Exec().Build())
			return want(fmt.Sprintf("EXEC is null (another wrote: %v)", disturbed), nil, rueidis.IsRedisNil(replies[2].Error()), disturbed)
		})
		if err != nil {
			return err
		}
	}
	got, err := c.Do(ctx, c.B().Get().Key(k).Build()).ToString()
	return want("the watched key", err, got, "mine")
}
