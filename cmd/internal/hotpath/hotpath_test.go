// Package hotpath measures what one operation costs inside a node, without sockets: evaluation, merge, row cache, Pebble and
// its log.
package hotpath

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/engine"
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/server/command"
)

type op struct {
	command.Op
}

func (o op) Eval(in *object.Input, v *object.View, m *object.Mutation) { o.Op.Eval(in, v, m) }

func openStore(b *testing.B) *engine.Store {
	b.Helper()
	store, err := engine.Open(b.TempDir(), engine.Options{RowCacheBytes: 512 << 20})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := store.Close(); err != nil {
			b.Error(err)
		}
	})
	return store
}

func open(b *testing.B) *cluster.Node {
	b.Helper()
	n := start(b, openStore(b))
	b.Cleanup(n.Close)
	return n
}

func start(b *testing.B, store *engine.Store) *cluster.Node {
	b.Helper()
	id, inc, secret := store.Identity()
	n, err := cluster.NewNode(cluster.Options{
		Store: store, ID: id, Inc: inc, Secret: secret, Ceiling: store.Ceiling(), RaiseCeiling: store.RaiseCeiling,
		SlotsPerPartition: 16,
	})
	if err != nil {
		b.Fatal(err)
	}
	return n
}

func benchmark(b *testing.B, keys uint32, depth int, name string) {
	n := open(b)
	parse := command.New(command.DefaultLimits())[name]
	run := func(ops int) { drive(n, parse, ops, keys, depth, name) }
	if name == "set" {
		run(2 * int(keys)) // most keys exist
	}
	b.ReportAllocs()
	b.ResetTimer()
	before := cpu(b)
	run(b.N)
	b.ReportMetric(float64((cpu(b)-before).Nanoseconds())/float64(b.N)/1000, "cpu-us/op")
}

// cpu returns the processor time that this process has used.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func drive(n *cluster.Node, parse command.Parser, ops int, keys uint32, depth int, name string) {
	calls := make([]*cluster.Call, depth)
	for i := range calls {
		calls[i] = new(cluster.Call)
	}
	value := bytes.Repeat([]byte("v"), 100)
	for i := 0; i < ops; i += depth {
		for _, c := range calls {
			key := binary.LittleEndian.AppendUint32([]byte("key:"), rand.Uint32N(keys))
			args := [][]byte{[]byte(name), key, value}
			if name == "get" {
				args = args[:2]
			}
			o, _ := parse(args, 0)
			c.Reset()
			c.Op, c.Slot, c.Write = op{o}, command.Slot(key), name == "set"
			n.Start(c)
		}
		n.Finish(calls)
	}
}

func BenchmarkSet1(b *testing.B)  { benchmark(b, 1e6, 1, "set") }
func BenchmarkSet16(b *testing.B) { benchmark(b, 1e6, 16, "set") }
func BenchmarkGet1(b *testing.B)  { benchmark(b, 1e6, 1, "get") }

// BenchmarkStart is what the partitions of a node cost at its start, over a store that is open.
func BenchmarkStart(b *testing.B) {
	store := openStore(b)
	b.ReportAllocs()
	for b.Loop() {
		start(b, store).Close()
	}
}
