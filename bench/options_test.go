package bench

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

func TestOptionsValidate(t *testing.T) {
	if err := (Options{}).Validate(); err != nil {
		t.Errorf("zero options: %v", err)
	}
	if err := DefaultOptions().Validate(); err != nil {
		t.Errorf("defaults: %v", err)
	}
	for want, change := range map[string]func(*Options){
		"topology":      func(o *Options) { o.Topology = "star" },
		"distribution":  func(o *Options) { o.Distribution = "normal" },
		"protocol":      func(o *Options) { o.Protocol = 4 },
		"clients":       func(o *Options) { o.Clients = -1 },
		"pipeline":      func(o *Options) { o.Pipeline = maxPipeline + 1 },
		"requests":      func(o *Options) { o.Requests = -1 },
		"duration":      func(o *Options) { o.Duration = -1 },
		"rate":          func(o *Options) { o.Rate = math.NaN() },
		"read ratio":    func(o *Options) { o.ReadRatio = 1.1 },
		"keys":          func(o *Options) { o.Keys = maxKeys + 1 },
		"zipf exponent": func(o *Options) { o.ZipfExponent = -1 },
		"value max":     func(o *Options) { o.ValueMin = 200 },
		"compressible":  func(o *Options) { o.Compressible = 2 },
		"db":            func(o *Options) { o.Topology, o.DB = Cluster, 3 },
	} {
		o := DefaultOptions()
		change(&o)
		err := o.Validate()
		if !errors.Is(err, ErrOption) || !strings.Contains(err.Error(), want+" is") {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestCompareOptions(t *testing.T) {
	good := DefaultCompareOptions()
	good.Servers = []Server{RedisServer("redis", "redis-server"), RondoServer("rondo", "rondo", "--durability", "no")}
	good.Only = []string{"get", "set/16"}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	names := ""
	for _, c := range good.withDefaults().Cells {
		names += " " + c.String()
	}
	if names != " set/16 get/1 get/16" {
		t.Errorf("cells kept:%s", names)
	}
	for want, change := range map[string]func(*CompareOptions){
		"servers":     func(o *CompareOptions) { o.Servers = nil },
		"server name": func(o *CompareOptions) { o.Servers[1].Name = "redis" },
		"only":        func(o *CompareOptions) { o.Only = []string{"set/3"} },
		"cell":        func(o *CompareOptions) { o.Cells = []Cell{{"hset", 1}} },
		"rounds":      func(o *CompareOptions) { o.Rounds = -1 },
		"requests":    func(o *CompareOptions) { o.Driver = RedisBenchmark },
		"driver":      func(o *CompareOptions) { o.Driver = "wrk" },
		"against":     func(o *CompareOptions) { o.Against = "redys" },
	} {
		o := good
		o.Servers = append([]Server(nil), good.Servers...)
		change(&o)
		if err := o.Validate(); !errors.Is(err, ErrOption) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestServerArgs(t *testing.T) {
	got := strings.Join(RondoServer("r", "rondo", "--durability", "no").args(1234, "/d"), " ")
	if want := "server --listen 127.0.0.1:1234 --dir /d --log.level warn --durability no"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestScheduleRequests counts what workers are handed, with a last pipeline
// that is short.
func TestScheduleRequests(t *testing.T) {
	for _, rate := range []float64{0, 1e6} {
		s := newSchedule(Options{Pipeline: 4, Requests: 10, Rate: rate})
		if s.due != nil {
			go s.dispatch(t.Context(), time.Now())
		}
		var got []int
		for {
			n, _, ok := s.next(t.Context())
			if !ok {
				break
			}
			got = append(got, n)
		}
		if len(got) != 3 || got[0] != 4 || got[1] != 4 || got[2] != 2 {
			t.Errorf("rate %v: handed out %v, want [4 4 2]", rate, got)
		}
	}
}

// TestScheduleKeepsIntendedStarts lets nobody take starts until all are due:
// each still has its own.
func TestScheduleKeepsIntendedStarts(t *testing.T) {
	begin := time.Now().Add(-time.Second)
	s := newSchedule(Options{Pipeline: 1, Requests: 5, Rate: 1000})
	s.dispatch(t.Context(), begin)
	for i := range 5 {
		_, from, ok := s.next(t.Context())
		if want := begin.Add(time.Duration(i) * time.Millisecond); !ok || !from.Equal(want) {
			t.Errorf("start %d: %v, want %v", i, from.Sub(begin), want.Sub(begin))
		}
	}
	if _, _, ok := s.next(t.Context()); ok {
		t.Error("a sixth start")
	}
}

func TestScheduleUnsent(t *testing.T) {
	s := newSchedule(Options{Pipeline: 1, Rate: 1000})
	s.taken.Store(400)
	if got := s.unsent(time.Second); got != 601 {
		t.Errorf("unsent %d, want 601", got)
	}
	s.taken.Store(1000)
	if got := s.unsent(time.Second); got != 0 {
		t.Errorf("unsent %d, want 0", got)
	}
}
