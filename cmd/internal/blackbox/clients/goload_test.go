//go:build blackbox

package clients

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	redigo "github.com/gomodule/redigo/redis"
	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"
)

// callWithin is after how long a call is said to hang.
const callWithin = 30 * time.Second

// caller is a client library of Go.
type caller struct {
	version string
	set     func(ctx context.Context, key, value string) error
	get     func(ctx context.Context, key string) (string, error) // empty for no key
	close   func()
}

func loadGoRedis(addr string, face Face) (caller, error) {
	var c redis.UniversalClient = redis.NewClient(&redis.Options{Addr: addr})
	if face == Cluster {
		c = redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{addr}})
	}
	return caller{
		version: redis.Version(),
		set:     func(ctx context.Context, key, value string) error { return c.Set(ctx, key, value, 0).Err() },
		get: func(ctx context.Context, key string) (string, error) {
			got, err := c.Get(ctx, key).Result()
			if errors.Is(err, redis.Nil) {
				err = nil
			}
			return got, err
		},
		close: func() { _ = c.Close() }, // the calls have told
	}, nil
}

func loadRueidis(retryable bool) func(string, Face) (caller, error) {
	return func(addr string, _ Face) (caller, error) { return newLoadRueidis(addr, retryable) }
}

func newLoadRueidis(addr string, retryable bool) (caller, error) {
	c, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{addr}, DisableCache: true})
	if err != nil {
		return caller{}, err
	}
	return caller{
		version: moduleVersion("github.com/redis/rueidis"),
		set: func(ctx context.Context, key, value string) error {
			set := c.B().Set().Key(key).Value(value).Build()
			if retryable {
				set = set.ToRetryable()
			}
			return c.Do(ctx, set).Error()
		},
		get: func(ctx context.Context, key string) (string, error) {
			got, err := c.Do(ctx, c.B().Get().Key(key).Build()).ToString()
			if rueidis.IsRedisNil(err) {
				err = nil
			}
			return got, err
		},
		close: c.Close,
	}, nil
}

func loadRedigo(addr string, _ Face) (caller, error) {
	pool := &redigo.Pool{Dial: func() (redigo.Conn, error) { return redigo.Dial("tcp", addr) }}
	do := func(words ...any) (any, error) {
		c := pool.Get()
		defer func() { _ = c.Close() }() // back to the pool
		return c.Do(words[0].(string), words[1:]...)
	}
	return caller{
		version: moduleVersion("github.com/gomodule/redigo"),
		set: func(_ context.Context, key, value string) error {
			_, err := do("SET", key, value)
			return err
		},
		get: func(_ context.Context, key string) (string, error) {
			got, err := redigo.String(do("GET", key))
			if errors.Is(err, redigo.ErrNil) {
				err = nil
			}
			return got, err
		},
		close: func() { _ = pool.Close() }, // the calls have told
	}, nil
}

// goLoad runs a load with a library of Go.
func goLoad(open func(string, Face) (caller, error)) startLoad {
	return func(t *testing.T, addr string, face Face, load Load, ledger *Ledger) (stop func()) {
		t.Helper()
		c, err := open(addr, face)
		if err != nil {
			t.Fatalf("%s: %v", load.Name, err)
		}
		ledger.Note(Report{Version: c.version})
		ctx, cancel := context.WithCancel(context.Background())
		var workers sync.WaitGroup
		for w := range load.Workers {
			workers.Go(func() { goWorker(ctx, c, load, w, ledger) })
		}
		return func() {
			cancel()
			workers.Wait()
			c.close()
		}
	}
}

func goWorker(ctx context.Context, c caller, load Load, worker int, ledger *Ledger) {
	call := func(do func(context.Context) error) bool {
		limited, cancel := context.WithTimeout(ctx, callWithin)
		defer cancel()
		began := time.Now()
		err := do(limited)
		if ctx.Err() != nil {
			return false
		}
		r := Report{Calls: 1, LongestMs: float64(time.Since(began).Microseconds()) / 1000}
		if err != nil {
			r.Errors = map[string]int{err.Error(): 1}
		}
		ledger.Note(r)
		return err == nil
	}
	tick := time.NewTicker(time.Duration(2*load.Workers) * time.Second / time.Duration(load.Rate))
	defer tick.Stop()
	tried, acked := map[string]int{}, map[string]int{}
	for i := worker; ; i += load.Workers {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		key := load.Name + ":" + load.Keys[i%(len(load.Keys)/load.Workers*load.Workers)]
		tried[key]++
		if call(func(ctx context.Context) error { return c.set(ctx, key, strconv.Itoa(tried[key])) }) {
			acked[key] = tried[key]
		}
		var got string
		read := call(func(ctx context.Context) (err error) {
			got, err = c.get(ctx, key)
			return err
		})
		if n, err := strconv.Atoi("0" + got); read && (err != nil || n < acked[key] || n > tried[key]) {
			ledger.Note(Report{Wrong: []string{fmt.Sprintf("%s is %q, acknowledged %d, sent %d", key, got, acked[key], tried[key])}})
		}
	}
}
