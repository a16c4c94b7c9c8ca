package command_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
	"github.com/rondokv/rondo/server/command"
)

// queue parses lines as MULTI does: what has wrong arguments replies so when its turn comes.
func (s *store) queue(lines ...[]string) []command.Op {
	ops := make([]command.Op, len(lines))
	for i, line := range lines {
		op, reply := s.parse(byteArgs(line))
		if op == nil {
			op = command.Constant(reply)
		}
		ops[i] = op
	}
	return ops
}

func (s *store) queueText(lines string) []command.Op {
	var split [][]string
	for _, line := range strings.Split(lines, "; ") {
		split = append(split, words(line))
	}
	return s.queue(split...)
}

func ref(name string) object.KeyRef { return object.KeyRef{Name: []byte(name)} }

func TestMulti(t *testing.T) {
	s := newStore(t)
	ops := s.queueText("SET k 5; INCR k; SET k v FOO; APPEND k 1; INCRBY k x; RENAME k m; INCR m; GET k; DEL m; INCR m; EXPIRE m 10; TTL m")
	ops = append(ops, command.Constant(resp.Pong()))
	got := show(s.run(command.NewMulti(ops, nil)))
	want := "*13 +OK :6 -ERR syntax error :2 -ERR value is not an integer or out of range +OK :62 $-1 :1 :1 :1 :10 +PONG"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if len(s.read.Keys) != 2 || s.read.Ticks != 13 || s.read.Blind {
		t.Errorf("read set %+v", s.read)
	}
	if got := show(s.do("MGET", "k", "m")); got != "*2 $-1 $1 1" {
		t.Error(got)
	}
}

func TestMultiOfNothing(t *testing.T) {
	s := newStore(t)
	if got := show(s.run(command.NewMulti(nil, nil))); got != "*0" {
		t.Error(got)
	}
	if got := show(s.run(command.NewMulti([]command.Op{command.Constant(resp.Pong())}, nil))); got != "*1 +PONG" || !s.read.Blind {
		t.Errorf("%s, %+v", got, s.read)
	}
}

func TestMultiOfBlindOperationsIsBlind(t *testing.T) {
	s := newStore(t)
	got := show(s.run(command.NewMulti(s.queueText("SET k 1; MSET k 2 m 3; SETEX k 5 4"), nil)))
	if got != "*3 +OK +OK +OK" || !s.read.Blind {
		t.Errorf("%s, %+v", got, s.read)
	}
	if got := show(s.do("MGET", "k", "m")); got != "*2 $1 4 $1 3" {
		t.Error(got)
	}
	// Seen through the eyes of WATCH, or beside a read, it is not.
	s.run(command.NewMulti(s.queueText("SET k 1; GET k"), nil))
	if s.read.Blind {
		t.Error("a read is blind")
	}
	s.run(command.NewMulti(s.queueText("SET k 1"), []command.Watched{{Key: ref("k")}}))
	if s.read.Blind {
		t.Error("a watch is blind")
	}
}

func TestMultiDatabases(t *testing.T) {
	s := newStore(t)
	ops := s.queueText("SET k 1; COPY k k DB 1")
	s.db = 1
	ops = append(ops, s.queueText("INCR k; GET k")...)
	s.db = 0
	ops = append(ops, s.queueText("GET k")...)
	if got := show(s.run(command.NewMulti(ops, nil))); got != "*5 +OK :1 :2 $1 2 $1 1" {
		t.Error(got)
	}
}

func TestWatch(t *testing.T) {
	exec := func(between string) string {
		s := newStore(t)
		s.do("SET", "k", "1")
		s.do("SET", "short", "1", "PX", "50")
		w := command.NewWatch([]object.KeyRef{ref("k"), ref("no"), ref("short"), ref("k")})
		watched, ok := w.Versions(s.run(w))
		if !ok || len(watched) != 3 {
			t.Errorf("%v, %+v", ok, watched)
		}
		s.unchanged(t)
		if between == "wait" {
			s.passTime(100)
		} else {
			s.do(words(between)...)
		}
		got := show(s.run(command.NewMulti(s.queueText("SET k done"), watched)))
		if got == "*-1" {
			s.unchanged(t)
		}
		return got
	}
	for between, want := range map[string]string{
		"GET k": "*1 +OK", "SET other 1": "*1 +OK", "DEL no": "*1 +OK", "EXPIRE no 1": "*1 +OK",
		"SET k 1": "*-1", "INCR k": "*-1", "DEL k": "*-1", "EXPIRE k 100": "*-1", "SET no 1": "*-1", "INCR no": "*-1",
		"RENAME k x": "*-1", "APPEND k _": "*-1", "wait": "*-1",
	} {
		if got := exec(between); got != want {
			t.Errorf("%s between: %s, want %s", between, got, want)
		}
	}
}

// A transaction leaves the same bytes and replies as its commands one after the other.
func TestMultiIsItsCommandsInOrder(t *testing.T) {
	for seed := range uint64(3000) {
		one, all := newStore(t), newStore(t)
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 0)), now: func() int64 { return one.now.Millis() }}
		for round := range 4 {
			lines := make([][]string, 1+g.IntN(12))
			for i := range lines {
				lines[i] = g.line()
			}
			var each []resp.Value
			for _, op := range one.queue(lines...) {
				each = append(each, one.run(op))
			}
			want := show(resp.Array(each...))
			if got := show(all.run(command.NewMulti(all.queue(lines...), nil))); got != want {
				t.Fatalf("seed %d round %d\n%q\neach %q\nall  %q", seed, round, lines, want, got)
			}
			if k := sameRows(one, all); k != "" {
				t.Fatalf("seed %d round %d\n%q\nrow of %q differs", seed, round, lines, k)
			}
		}
	}
}

// Eval must leave the view as it is and do the same again on it.
func TestMultiEvalIsRepeatable(t *testing.T) {
	s := newStore(t)
	s.do("SET", "k", "1")
	op := command.NewMulti(s.queueText("INCR k; APPEND k 0; GET k"), nil)
	in := &object.Input{Stamp: object.Stamp{HLC: s.now + 1, Node: testNode, Inc: 1}}
	v := &object.View{Keys: []object.KeyState{s.load(ref("k"), in.Stamp.HLC)}}
	var replies [2]string
	for i := range replies {
		var m object.Mutation
		replies[i] = show(op.Eval(in, v, &m))
		if v.Keys[0].Dirty() || len(m.Changes) != 2 || m.Changes[0].Tick != 0 || m.Changes[1].Tick != 1 {
			t.Errorf("view %+v, mutation %+v", v.Keys[0], m)
		}
	}
	if replies[0] != replies[1] || replies[0] != "*3 :2 :2 $2 20" {
		t.Error(replies)
	}
}

func TestMultiOfManyKeys(t *testing.T) {
	s := newStore(t)
	var lines [][]string
	for i := range 20_000 {
		lines = append(lines, []string{"INCR", fmt.Sprint("k", i%5000)})
	}
	got := s.run(command.NewMulti(s.queue(lines...), nil))
	if len(s.read.Keys) != 5000 || len(got.Elems) != len(lines) || got.Elems[19_999].Int != 4 {
		t.Errorf("%d keys, last reply %v", len(s.read.Keys), got.Elems[19_999])
	}
}

// The commands of a transaction that begins in the last tick of a millisecond see the next one.
func TestMultiPassesTime(t *testing.T) {
	s := newStore(t)
	at := s.now.Millis()
	s.do("SET", "k", "v", "PXAT", fmt.Sprint(at))
	s.now = object.LastOf(at) - 2
	if got := show(s.run(command.NewMulti(s.queueText("GET k; GET k; GET k; APPEND k w; TTL k"), nil))); got != "*5 $1 v $1 v $-1 :1 :-1" {
		t.Error(got)
	}
	if got := show(s.do("GET", "k")); got != "$1 w" {
		t.Error(got)
	}
}

// dice replies with its random bits.
type dice struct{}

func (dice) Reads() object.ReadSet { return object.ReadSet{} }
func (dice) Eval(in *object.Input, _ *object.View, _ *object.Mutation) resp.Value {
	return resp.Int(int64(in.Rand))
}

func TestMultiDrawsForEach(t *testing.T) {
	s := newStore(t)
	r := s.run(command.NewMulti([]command.Op{dice{}, dice{}, dice{}}, nil)).Elems
	if r[0].Int == r[1].Int || r[1].Int == r[2].Int || r[0].Int == r[2].Int {
		t.Error(r)
	}
}
