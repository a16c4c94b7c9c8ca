package command_test

import (
	"testing"

	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/server/command"
)

// benchmark measures Parse, Reads and Eval of one command against a key as it was made by set-up.
func benchmark(b *testing.B, setup string, line ...string) {
	s := newStore(b)
	if setup != "" {
		s.do(words(setup)...)
	}
	args := byteArgs(line)
	parse := s.parsers[line[0]]
	in := &object.Input{Stamp: object.Stamp{HLC: s.now + 1, Node: testNode, Inc: 1}}
	v := &object.View{Keys: []object.KeyState{s.load(object.KeyRef{Name: args[1]}, in.Stamp.HLC)}}
	var m object.Mutation
	b.ReportAllocs()
	for b.Loop() {
		op, _ := parse(args, 0)
		_ = op.Reads()
		m.Reset()
		_ = op.Eval(in, v, &m)
	}
}

func BenchmarkGet(b *testing.B)     { benchmark(b, "SET k value", "get", "k") }
func BenchmarkGetInt(b *testing.B)  { benchmark(b, "SET k 1234567", "get", "k") }
func BenchmarkSet(b *testing.B)     { benchmark(b, "", "set", "k", "value") }
func BenchmarkSetEx(b *testing.B)   { benchmark(b, "", "set", "k", "value", "EX", "100") }
func BenchmarkSetNX(b *testing.B)   { benchmark(b, "", "set", "k", "value", "NX", "PX", "100") }
func BenchmarkIncr(b *testing.B)    { benchmark(b, "INCR k", "incr", "k") }
func BenchmarkDel(b *testing.B)     { benchmark(b, "SET k v", "del", "k") }
func BenchmarkExpire(b *testing.B)  { benchmark(b, "SET k v", "expire", "k", "100") }
func BenchmarkMGetOne(b *testing.B) { benchmark(b, "SET k v", "mget", "k") }

func BenchmarkMulti(b *testing.B) {
	s := newStore(b)
	in := &object.Input{Stamp: object.Stamp{HLC: s.now + 1, Node: testNode, Inc: 1}}
	v := &object.View{Keys: []object.KeyState{s.load(ref("k"), in.Stamp.HLC)}}
	var m object.Mutation
	b.ReportAllocs()
	for b.Loop() {
		op := command.NewMulti(s.queueText("SET k 1; INCR k; GET k"), nil)
		m.Reset()
		_ = op.Eval(in, v, &m)
	}
}

func BenchmarkSlot(b *testing.B) {
	key := []byte("key:000000123456")
	b.ReportAllocs()
	for b.Loop() {
		_ = command.Slot(key)
	}
}
