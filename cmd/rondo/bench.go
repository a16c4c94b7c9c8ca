package main

import (
	"fmt"
	"os"
	"os/exec"

	"github.com/spf13/cobra"

	"github.com/rondokv/rondo/bench"
)

func newBench() *cobra.Command {
	o := bench.DefaultOptions()
	topology, keys := string(o.Topology), string(o.Distribution)
	load := false
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Put load on a server and report what it did",
		Long: `Put load on a server that speaks the Redis protocol and report throughput and
latency. "bench compare" starts servers itself and puts them side by side.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Topology, o.Distribution = bench.Topology(topology), bench.Distribution(keys)
			o.Progress = cmd.ErrOrStderr()
			if cmd.Flags().Changed("requests") && !cmd.Flags().Changed("duration") {
				o.Duration = 0
			}
			run := bench.Run
			switch {
			case load:
				run = bench.Load
			case o.Rate > 0 && o.ReadRatio == 1 && o.Pipeline == 1:
				run = bench.OpenLoop
			}
			_, err := run(cmd.Context(), o, cmd.OutOrStdout())
			return err
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringSliceVar(&o.Addrs, "addr", o.Addrs, "host:port to connect to; several for a cluster or for forward")
	f.StringVar(&topology, "topology", topology, "how to find a key's node: single, cluster, forward")
	f.StringVar(&o.Username, "user", o.Username, "user to authenticate as")
	f.StringVar(&o.Password, "password", o.Password, "password to authenticate with")
	f.StringVar(&o.Level, "level", "", "consistency level of every connection (default the server's)")
	f.IntVar(&o.DB, "db", o.DB, "database number")
	f.IntVar(&o.Protocol, "protocol", o.Protocol, "RESP version, 2 or 3")
	f.IntVar(&o.Clients, "clients", o.Clients, "connections")
	f.IntVar(&o.Pipeline, "pipeline", o.Pipeline, "commands sent before replies are awaited")
	f.Int64Var(&o.Requests, "requests", o.Requests, "stop after so many commands; 0 is no such bound")
	f.DurationVar(&o.Duration, "duration", o.Duration, "stop after so long")
	f.Float64Var(&o.Rate, "rate", o.Rate, "commands a second in all, whatever the replies do; 0 is as fast as replies come")
	f.DurationVar(&o.Timeout, "timeout", o.Timeout, "longest wait for the replies of one pipeline")
	f.Float64Var(&o.ReadRatio, "read-ratio", o.ReadRatio, "share of GETs, 0 to 1; the rest are SETs")
	f.Int64Var(&o.Keys, "keys", o.Keys, "number of different keys")
	f.StringVar(&o.KeyPrefix, "key-prefix", o.KeyPrefix, "text before a key's number")
	f.StringVar(&keys, "distribution", keys, "how keys are chosen: uniform, zipfian")
	f.Float64Var(&o.ZipfExponent, "zipf", o.ZipfExponent, "exponent of zipfian")
	f.IntVar(&o.ValueMin, "value-min", o.ValueMin, "shortest value in bytes")
	f.IntVar(&o.ValueMax, "value-max", o.ValueMax, "longest value in bytes")
	f.Float64Var(&o.Compressible, "compressible", o.Compressible, "share of a value that is repeated text, 0 to 1")
	f.Uint64Var(&o.Seed, "seed", o.Seed, "seed of all random choices")
	f.BoolVar(&o.LoadFirst, "load-first", o.LoadFirst, "set every key once before the measurement")
	f.BoolVar(&load, "load", false, "set every key once and measure nothing else")
	cmd.AddCommand(newCompare(), newBenchCluster())
	return cmd
}

func newCompare() *cobra.Command {
	o := bench.DefaultCompareOptions()
	redis, rondo, against, driver := "redis-server", "", "", string(o.Driver)
	var rondoArgs []string
	cmd := &cobra.Command{
		Use:   "compare",
		Short: "Run Redis and Rondo in turn under the same load and print both",
		Long: `Run redis-server (append-only file, synced every second) and this rondo in turn,
in directories of their own, under the same load, and print throughput, latency,
CPU time of the server for each command, memory, and the ratio to Redis.

With --against another rondo, such as one built from an earlier commit, takes its
turns between the two with the same arguments, and this one's ratio to it is
printed as well: what a change costs, with the machine's moods cancelled out.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := programPath(rondo)
			if err != nil {
				return err
			}
			o.Driver = bench.Driver(driver)
			o.Progress = cmd.ErrOrStderr()
			if redis != "" {
				o.Servers = append(o.Servers, bench.RedisServer("redis", redis))
			}
			if against != "" {
				o.Against = againstName
				o.Servers = append(o.Servers, bench.RondoServer(againstName, against, rondoArgs...))
			}
			o.Servers = append(o.Servers, bench.RondoServer("rondo", path, rondoArgs...))
			_, err = bench.Compare(cmd.Context(), o, cmd.OutOrStdout())
			return err
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&redis, "redis", redis, "redis-server to compare with; empty for none")
	f.StringVar(&rondo, "rondo", rondo, "rondo to measure (default this program)")
	f.StringVar(&against, "against", "", "another rondo to compare with, such as one of an earlier commit")
	f.StringArrayVar(&rondoArgs, "rondo-arg", nil, "further argument of rondo server, such as --durability=always; may be given again")
	f.IntVar(&o.Rounds, "rounds", o.Rounds, "how often each server has its turn; medians are printed")
	f.StringSliceVar(&o.Only, "only", nil, "measure only these, such as set/16 or get")
	f.IntVar(&o.Clients, "clients", o.Clients, "connections")
	f.Int64Var(&o.Keys, "keys", o.Keys, "number of different keys")
	f.IntVar(&o.ValueSize, "value-size", o.ValueSize, "bytes of a value")
	f.Int64Var(&o.Requests, "requests", o.Requests, "commands of one measurement; 0: duration decides")
	f.DurationVar(&o.Duration, "duration", o.Duration, "length of one measurement")
	f.IntVar(&o.ServerCore, "server-core", o.ServerCore, "processor core of the server; -1 is any")
	f.IntVar(&o.ClientCore, "client-core", o.ClientCore, "processor core of the client; -1 is any")
	f.StringVar(&driver, "driver", driver, "client that makes the load: raw, redis-benchmark")
	f.StringVar(&o.TempDir, "temp-dir", o.TempDir, "directory for the servers' data")
	f.StringVar(&o.JSONPath, "json", o.JSONPath, "file to write all samples to")
	return cmd
}

// againstName is what the other rondo is called in the table.
const againstName = "against"

// programPath is the path of the rondo to measure: this program where none is named.
func programPath(path string) (string, error) {
	if path != "" {
		return path, nil
	}
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this program: %w; name one with --rondo", err)
	}
	return self, nil
}

func newBenchCluster() *cobra.Command {
	o := bench.DefaultClusterOptions()
	o.Redis, o.RedisBenchmark = "redis-server", "redis-benchmark"
	driver := string(o.Driver)
	cmd := &cobra.Command{
		Use:   "cluster",
		Short: "Start a cluster, load it over all its slots, and print what an operation costs all nodes",
		Long: `Start a cluster of this rondo on loopback, load it through its cluster face over
all slots at each level, and print the CPU time of all nodes together for each
operation, with throughput and latency. A redis-server with replicas and an
append-only file gets its turns in the same rounds, when there is one.

With --against another rondo, such as one built from an earlier commit, gets its
turns as well and this one's ratio to it is printed. With --profile the CPU
profiles of all nodes are kept, and what they say is printed.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if o.Rondo, err = programPath(o.Rondo); err != nil {
				return err
			}
			o.Driver = bench.Driver(driver)
			o.Progress = cmd.ErrOrStderr()
			for name, path := range map[string]*string{"redis": &o.Redis, "redis-benchmark": &o.RedisBenchmark} {
				if _, err := exec.LookPath(*path); *path != "" && err != nil && !cmd.Flags().Changed(name) {
					_, _ = fmt.Fprintf(o.Progress, "%s is not installed: measured without\n", *path) // a closed stderr is no reason to stop
					*path = ""
				}
			}
			_, err = bench.MeasureCluster(cmd.Context(), o, cmd.OutOrStdout())
			return err
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.Rondo, "rondo", o.Rondo, "rondo to measure (default this program)")
	f.StringVar(&o.Against, "against", "", "another rondo to compare with, such as one of an earlier commit")
	f.StringArrayVar(&o.RondoArgs, "rondo-arg", nil, "further argument of rondo server, such as --durability=always; may be given again")
	f.StringVar(&o.Redis, "redis", o.Redis, "redis-server to run beside it with replicas; empty for none")
	f.StringVar(&o.RedisBenchmark, "redis-benchmark", o.RedisBenchmark, "redis-benchmark to run once with --cluster; empty for none")
	f.IntVar(&o.Nodes, "nodes", o.Nodes, "nodes of a cluster")
	f.StringSliceVar(&o.Levels, "levels", o.Levels, "consistency levels")
	f.IntSliceVar(&o.Pipelines, "pipelines", o.Pipelines, "commands sent before replies are awaited")
	f.StringSliceVar(&o.Only, "only", nil, "measure only these, such as quorum/set/16 or get")
	f.IntVar(&o.Rounds, "rounds", o.Rounds, "how often each cell has its turn; medians are printed")
	f.DurationVar(&o.Duration, "duration", o.Duration, "length of a turn")
	f.DurationVar(&o.WarmUp, "warm-up", o.WarmUp, "load before each turn that is not counted")
	f.IntVar(&o.Clients, "clients", o.Clients, "connections")
	f.Int64Var(&o.Keys, "keys", o.Keys, "number of different keys")
	f.IntVar(&o.ValueSize, "value-size", o.ValueSize, "bytes of a value")
	f.StringVar(&driver, "driver", driver, "client that makes the load: raw, go-redis (which splits pipelines by nodes)")
	f.StringVar(&o.Profile, "profile", "", "directory to keep CPU profiles of all nodes in; they are taken after the rounds")
	f.StringVar(&o.TempDir, "temp-dir", o.TempDir, "directory for the servers' data")
	f.StringVar(&o.JSONPath, "json", o.JSONPath, "file to write all samples to")
	return cmd
}
