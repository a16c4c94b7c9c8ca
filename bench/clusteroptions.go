package bench

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ClusterCell is one measurement of a cluster: a command at a pipeline depth, at a level.
type ClusterCell struct {
	Level string `json:"level"` // as CONSISTENCY takes it
	Cell
}

// String returns the cell's name, as ClusterOptions.Only takes it: "quorum/set/16".
func (c ClusterCell) String() string {
	return strings.ToLower(c.Level) + "/" + c.Cell.String()
}

// wanted reports whether a filter such as "set", "set/16" or "quorum/set" names the cell.
func (c ClusterCell) wanted(filter string) bool {
	has := []string{strings.ToLower(c.Level), string(c.Command), strconv.Itoa(c.Pipeline)}
	for part := range strings.SplitSeq(strings.ToLower(filter), "/") {
		if !slices.Contains(has, part) {
			return false
		}
	}
	return true
}

// ClusterOptions describe a measurement of whole clusters. Zero fields take the defaults of DefaultClusterOptions.
type ClusterOptions struct {
	Rondo     string   // path of the rondo to measure
	Against   string   // path of another one, which it is put in ratio to; empty = none
	RondoArgs []string // further arguments of every rondo server
	Redis     string   // path of the redis-server to run beside it, a primary with replicas; empty = none
	Nodes     int      // of each system; a Rondo cluster keeps three copies of each key, or as many as it has nodes

	Levels    []string
	Pipelines []int
	Only      []string // cells to keep, by name or a part of it: "quorum/set/16", "set", "one/get"; empty = all
	Rounds    int

	Clients   int
	Keys      int64
	KeyPrefix string
	ValueSize int
	Driver    Driver        // Raw or GoRedis
	Duration  time.Duration // of a turn
	WarmUp    time.Duration // before each turn, not counted

	RedisBenchmark string // path of the tool that is run once as well; empty = not
	Profile        string // directory for CPU profiles of every node in every cell of Rondo; empty = none

	StartTimeout time.Duration
	TempDir      string
	JSONPath     string
	Progress     io.Writer
}

// DefaultClusterOptions returns the standard measurement, without programs: 5 rounds of turns of 2 s, 3 nodes, 50
// connections, 100-byte values, half a million keys, ONE and QUORUM, SET and GET at pipelines of 1 and 16.
func DefaultClusterOptions() ClusterOptions {
	return ClusterOptions{
		Nodes:        3,
		Levels:       []string{"ONE", "QUORUM"},
		Pipelines:    []int{1, 16},
		Rounds:       5,
		Clients:      50,
		Keys:         500_000,
		KeyPrefix:    "key:",
		ValueSize:    100,
		Driver:       Raw,
		Duration:     2 * time.Second,
		WarmUp:       300 * time.Millisecond,
		StartTimeout: 60 * time.Second,
	}
}

func (o ClusterOptions) withDefaults() ClusterOptions {
	d := DefaultClusterOptions()
	o.Nodes = orDefault(o.Nodes, d.Nodes)
	o.Rounds = orDefault(o.Rounds, d.Rounds)
	o.Clients = orDefault(o.Clients, d.Clients)
	o.Keys = orDefault(o.Keys, d.Keys)
	o.KeyPrefix = orDefault(o.KeyPrefix, d.KeyPrefix)
	o.ValueSize = orDefault(o.ValueSize, d.ValueSize)
	o.Driver = orDefault(o.Driver, d.Driver)
	o.Duration = orDefault(o.Duration, d.Duration)
	o.StartTimeout = orDefault(o.StartTimeout, d.StartTimeout)
	if len(o.Levels) == 0 {
		o.Levels = d.Levels
	}
	if len(o.Pipelines) == 0 {
		o.Pipelines = d.Pipelines
	}
	return o
}

// cells are what is measured.
func (o ClusterOptions) cells() []ClusterCell {
	var cells []ClusterCell
	for _, level := range o.Levels {
		for _, command := range []Command{Set, Get} {
			for _, p := range o.Pipelines {
				c := ClusterCell{Level: level, Cell: Cell{command, p}}
				if len(o.Only) == 0 || slices.ContainsFunc(o.Only, c.wanted) {
					cells = append(cells, c)
				}
			}
		}
	}
	return cells
}

// lastLevel is the last level at which a command is measured.
func (o ClusterOptions) lastLevel(c Cell) string {
	level := ""
	for _, cell := range o.cells() {
		if cell.Cell == c {
			level = cell.Level
		}
	}
	return level
}

// Validate reports the first option that makes no sense.
func (o ClusterOptions) Validate() error {
	o = o.withDefaults()
	for _, p := range o.Pipelines {
		if p < 1 || p > maxPipeline {
			return optionError("pipeline", p, "1 to 100000")
		}
	}
	for _, l := range o.Levels {
		if strings.Trim(strings.ToUpper(l), "ABCDEFGHIJKLMNOPQRSTUVWXYZ_/0123456789") != "" || l == "" {
			return optionError("level", fmt.Sprintf("%q", l), "a level such as ONE or QUORUM")
		}
	}
	checks := []struct {
		ok   bool
		name string
		got  any
		want string
	}{
		{o.Rondo != "", "rondo", `""`, "the path of a rondo"},
		{len(o.cells()) > 0, "only", strings.Join(o.Only, ","), "cells such as quorum/set/16, or parts of their names"},
		{o.Nodes >= 1 && o.Nodes <= 64, "nodes", o.Nodes, "1 to 64"},
		{o.Rounds > 0, "rounds", o.Rounds, "1 or more"},
		{o.Clients >= o.Nodes && o.Clients <= maxClients, "clients", o.Clients, "one a node at least, 20000 at most"},
		{o.Keys >= 1000 && o.Keys <= maxClusterKeys, "keys", o.Keys, "1000 to 1e8"},
		{o.ValueSize > 0 && o.ValueSize <= maxValueSize, "value size", o.ValueSize, "1 byte to 512 MB"},
		{o.Driver == Raw || o.Driver == GoRedis, "driver", o.Driver, "raw or go-redis"},
		{o.Duration > 0 && o.WarmUp >= 0, "duration and warm-up", o.Duration, "more than 0"},
	}
	for _, c := range checks {
		if !c.ok {
			return optionError(c.name, c.got, c.want)
		}
	}
	return nil
}

// maxClusterKeys bounds the lists of which key is whose.
const maxClusterKeys = 100_000_000
