package bench

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Driver is the client that loads the servers under comparison.
type Driver string

// Drivers.
const (
	Raw            Driver = "raw"             // our own epoll client: every figure, least client cost
	GoRedis        Driver = "go-redis"        // an application's client, of clusters only: splits pipelines by nodes, and costs more than the servers
	RedisBenchmark Driver = "redis-benchmark" // the tool of Redis 7, as a check from outside: no p99.9, no errors
)

// Cell is one measurement: a command at a pipeline depth.
type Cell struct {
	Command  Command `json:"command"`
	Pipeline int     `json:"pipeline"`
}

// String returns the cell's name, as CompareOptions.Only takes it: "set/16".
func (c Cell) String() string { return fmt.Sprintf("%s/%d", c.Command, c.Pipeline) }

// DefaultCells are SET and GET at pipeline 1 and 16, and PING before them: the
// cost of connections and protocol alone.
func DefaultCells() []Cell {
	return []Cell{{Ping, 1}, {Ping, 16}, {Set, 1}, {Set, 16}, {Get, 1}, {Get, 16}}
}

// CompareOptions describe a comparison. Zero fields take the defaults of
// DefaultCompareOptions, but for the cores.
type CompareOptions struct {
	Servers []Server // at least one; the first is what the others are put in ratio to
	Against string   // name of a server that those after it are put in ratio to as well; empty = none
	Rounds  int      // of each cell; servers take turns within a round
	Cells   []Cell
	Only    []string // cells to keep, by name ("set/16") or command ("set"); empty = all

	Clients      int
	Keys         int64
	KeyPrefix    string
	ValueSize    int
	Compressible float64       // share of each value, 0..1
	Requests     int64         // a turn at pipeline 1, four times as many at others; 0 = Duration decides, which it does not otherwise
	Duration     time.Duration // of a turn
	WarmUp       time.Duration // of each server before each cell, not counted

	ServerCore int // -1 = not pinned
	ClientCore int

	Driver             Driver
	RedisBenchmarkPath string

	StartTimeout time.Duration // for a server to answer PING
	TempDir      string        // parent of the servers' directories; empty = the system's
	JSONPath     string        // write the report there, too; empty = do not
	Progress     io.Writer     // a line a step; nil = none
}

// DefaultCompareOptions returns the standard comparison, without servers: 8
// rounds with turns of 1 s, 50 connections, 100-byte values, 1 M keys, servers
// on core 0 and client on core 1 where there are two.
func DefaultCompareOptions() CompareOptions {
	o := CompareOptions{
		Rounds:             8,
		Cells:              DefaultCells(),
		Clients:            50,
		Keys:               1_000_000,
		KeyPrefix:          "key:",
		ValueSize:          100,
		Duration:           time.Second,
		WarmUp:             500 * time.Millisecond,
		ServerCore:         0,
		ClientCore:         1,
		Driver:             Raw,
		RedisBenchmarkPath: "redis-benchmark",
		StartTimeout:       30 * time.Second,
	}
	if runtime.NumCPU() < 2 {
		o.ServerCore, o.ClientCore = -1, -1
	}
	return o
}

func (o CompareOptions) withDefaults() CompareOptions {
	d := DefaultCompareOptions()
	o.Rounds = orDefault(o.Rounds, d.Rounds)
	o.Clients = orDefault(o.Clients, d.Clients)
	o.Keys = orDefault(o.Keys, d.Keys)
	o.KeyPrefix = orDefault(o.KeyPrefix, d.KeyPrefix)
	o.ValueSize = orDefault(o.ValueSize, d.ValueSize)
	o.Driver = orDefault(o.Driver, d.Driver)
	o.RedisBenchmarkPath = orDefault(o.RedisBenchmarkPath, d.RedisBenchmarkPath)
	o.StartTimeout = orDefault(o.StartTimeout, d.StartTimeout)
	if len(o.Cells) == 0 {
		o.Cells = d.Cells
	}
	if o.Requests == 0 {
		o.Duration = orDefault(o.Duration, d.Duration)
	}
	if len(o.Only) > 0 {
		o.Cells = slices.DeleteFunc(slices.Clone(o.Cells), func(c Cell) bool {
			return !slices.Contains(o.Only, c.String()) && !slices.Contains(o.Only, string(c.Command))
		})
	}
	return o
}

// Validate reports the first option that makes no sense.
func (o CompareOptions) Validate() error {
	o = o.withDefaults()
	names := map[string]bool{}
	for _, s := range o.Servers {
		if s.Name == "" || names[s.Name] {
			return optionError("server name", fmt.Sprintf("%q", s.Name), "names that differ and are not empty")
		}
		names[s.Name] = true
	}
	for _, c := range o.Cells {
		if c.Pipeline < 1 || c.Pipeline > maxPipeline || !slices.Contains([]Command{Ping, Set, Get}, c.Command) {
			return optionError("cell", c, "ping, set or get at a pipeline of 1 to 100000")
		}
	}
	if o.Against != "" && !names[o.Against] {
		return optionError("against", fmt.Sprintf("%q", o.Against), "the name of one of the servers")
	}
	checks := []struct {
		ok   bool
		name string
		got  any
		want string
	}{
		{len(o.Servers) > 0, "servers", len(o.Servers), "one or more"},
		{len(o.Cells) > 0, "only", strings.Join(o.Only, ","), "cells such as set/16, or commands"},
		{o.Rounds > 0, "rounds", o.Rounds, "1 or more"},
		{o.Clients > 0 && o.Clients <= maxClients, "clients", o.Clients, "1 to 20000"},
		{o.Keys > 0 && o.Keys <= maxKeys, "keys", o.Keys, "1 to 1e12"},
		{o.ValueSize > 0 && o.ValueSize <= maxValueSize, "value size", o.ValueSize, "1 byte to 512 MB"},
		{o.Compressible >= 0 && o.Compressible <= 1, "compressible", o.Compressible, "0 to 1"},
		{o.Requests >= 0, "requests", o.Requests, "0 or more"},
		{o.Duration >= 0 && o.WarmUp >= 0, "duration and warm-up", o.Duration, "0 or more"},
		{o.Driver == Raw || o.Driver == RedisBenchmark, "driver", o.Driver, "raw or redis-benchmark"},
		{o.Driver == Raw || o.Requests > 0, "requests", o.Requests, "more than 0 with redis-benchmark, which runs by number"},
		{o.Driver == Raw || o.KeyPrefix == "key:", "key prefix", o.KeyPrefix, `"key:" with redis-benchmark`},
	}
	for _, c := range checks {
		if !c.ok {
			return optionError(c.name, c.got, c.want)
		}
	}
	return nil
}
