package bench

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// Topology says how clients find the node of a key.
type Topology string

// Topologies.
const (
	Single  Topology = "single"  // one address, no routing
	Cluster Topology = "cluster" // cluster client: follows slots and MOVED
	Forward Topology = "forward" // plain clients spread over all addresses; each node takes any key
)

// Distribution says how keys are chosen.
type Distribution string

// Distributions.
const (
	Uniform Distribution = "uniform"
	Zipfian Distribution = "zipfian" // exponent Options.ZipfExponent, ranks scrambled over the key space
)

// Bounds of the options. They keep a typing error from exhausting the machine.
const (
	maxClients   = 20_000
	maxPipeline  = 100_000
	maxValueSize = 512 << 20
	maxKeys      = 1_000_000_000_000 // twelve digits
)

// Options describe one load. The zero value of a field means its default, as
// DefaultOptions has it, except where said.
type Options struct {
	Addrs    []string // host:port; Single uses the first
	Topology Topology
	Username string
	Password string
	Level    string // CONSISTENCY of every connection; empty = the server's default
	DB       int    // cluster clients: 0 only
	Protocol int    // RESP version, 2 or 3

	Clients  int           // connections, one worker each (cluster: workers; connections as routing needs)
	Pipeline int           // commands sent before replies are awaited
	Requests int64         // stop after so many commands; 0 = no such bound
	Duration time.Duration // stop after so long; used alone or with Requests, whichever comes first
	Rate     float64       // commands/s in all, open loop; 0 = as fast as replies come
	Timeout  time.Duration // for one pipeline

	ReadRatio    float64 // share of GETs, 0..1; zero means SETs only
	Keys         int64   // key numbers 0..Keys-1
	KeyPrefix    string
	Distribution Distribution
	ZipfExponent float64
	ValueMin     int // bytes; sizes are uniform in [ValueMin, ValueMax]
	ValueMax     int
	Compressible float64 // share of each value that is repeated text, 0..1
	Seed         uint64  // the same seed makes the same choices a worker

	LoadFirst bool      // Run sets every key once before it measures
	Progress  io.Writer // a line a second; nil = none
}

// DefaultOptions returns the options of a short mixed run against a local
// server.
func DefaultOptions() Options {
	return Options{
		Addrs:        []string{"127.0.0.1:6379"},
		Topology:     Single,
		Protocol:     3,
		Clients:      50,
		Pipeline:     1,
		Duration:     10 * time.Second,
		Timeout:      10 * time.Second,
		ReadRatio:    0.5,
		Keys:         1_000_000,
		KeyPrefix:    "key:",
		Distribution: Uniform,
		ZipfExponent: 0.99,
		ValueMin:     100,
		ValueMax:     100,
		Seed:         1,
	}
}

// withDefaults fills what has no meaning as zero. Duration stays zero when
// Requests bounds the run.
func (o Options) withDefaults() Options {
	d := DefaultOptions()
	if len(o.Addrs) == 0 {
		o.Addrs = d.Addrs
	}
	o.Topology = orDefault(o.Topology, d.Topology)
	o.Protocol = orDefault(o.Protocol, d.Protocol)
	o.Clients = orDefault(o.Clients, d.Clients)
	o.Pipeline = orDefault(o.Pipeline, d.Pipeline)
	o.Timeout = orDefault(o.Timeout, d.Timeout)
	o.Keys = orDefault(o.Keys, d.Keys)
	o.KeyPrefix = orDefault(o.KeyPrefix, d.KeyPrefix)
	o.Distribution = orDefault(o.Distribution, d.Distribution)
	o.ZipfExponent = orDefault(o.ZipfExponent, d.ZipfExponent)
	o.Seed = orDefault(o.Seed, d.Seed)
	if o.ValueMin == 0 && o.ValueMax == 0 {
		o.ValueMin, o.ValueMax = d.ValueMin, d.ValueMax
	}
	o.ValueMin = orDefault(o.ValueMin, o.ValueMax)
	o.ValueMax = orDefault(o.ValueMax, o.ValueMin)
	if o.Requests == 0 {
		o.Duration = orDefault(o.Duration, d.Duration)
	}
	return o
}

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// ErrOption is wrapped by every error that names a bad option.
var ErrOption = errors.New("bad bench option")

func optionError(name string, got any, want string) error {
	return fmt.Errorf("%w: %s is %v, expected %s", ErrOption, name, got, want)
}

// Validate reports the first option that makes no sense, with what was
// expected. Zero values that have defaults pass.
func (o Options) Validate() error {
	o = o.withDefaults()
	switch o.Topology {
	case Single, Cluster, Forward:
	default:
		return optionError("topology", o.Topology, "single, cluster or forward")
	}
	switch o.Distribution {
	case Uniform, Zipfian:
	default:
		return optionError("distribution", o.Distribution, "uniform or zipfian")
	}
	checks := []struct {
		ok   bool
		name string
		got  any
		want string
	}{
		{o.Protocol == 2 || o.Protocol == 3, "protocol", o.Protocol, "2 or 3"},
		{o.Clients > 0 && o.Clients <= maxClients, "clients", o.Clients, "1 to 20000"},
		{o.Pipeline > 0 && o.Pipeline <= maxPipeline, "pipeline", o.Pipeline, "1 to 100000"},
		{o.Requests >= 0, "requests", o.Requests, "0 or more"},
		{o.Duration >= 0, "duration", o.Duration, "0 or more"},
		{o.Rate >= 0 && o.Rate <= 1e9, "rate", o.Rate, "0 to 1e9 commands a second"},
		{o.Timeout > 0, "timeout", o.Timeout, "more than 0"},
		{o.ReadRatio >= 0 && o.ReadRatio <= 1, "read ratio", o.ReadRatio, "0 to 1"},
		{o.Keys > 0 && o.Keys <= maxKeys, "keys", o.Keys, "1 to 1e12"},
		{o.ZipfExponent > 0 && o.ZipfExponent < 10, "zipf exponent", o.ZipfExponent, "more than 0, less than 10"},
		{o.ValueMin > 0, "value min", o.ValueMin, "1 or more"},
		{o.ValueMax >= o.ValueMin && o.ValueMax <= maxValueSize, "value max", o.ValueMax, "value min to 512 MB"},
		{o.Compressible >= 0 && o.Compressible <= 1, "compressible", o.Compressible, "0 to 1"},
		{o.DB >= 0 && (o.DB == 0 || o.Topology != Cluster), "db", o.DB, "0 or more, 0 for a cluster"},
	}
	for _, c := range checks {
		if !c.ok {
			return optionError(c.name, c.got, c.want)
		}
	}
	return nil
}
