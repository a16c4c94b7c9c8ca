package command_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
	"github.com/rondokv/rondo/server/command"
)

// tagged puts the keys of every command into one slot: it prefixes the tag to what the table says are keys.
func tagged(args [][]byte) [][]byte {
	c := resp.Resolve(args)
	if c == nil {
		return args
	}
	refs, ok := c.AppendKeyRefs(nil, args)
	if !ok {
		return args
	}
	out := append([][]byte(nil), args...)
	for _, r := range refs {
		out[r.Pos] = append([]byte("{t}"), args[r.Pos]...)
	}
	return out
}

func invocation(db uint8, args [][]byte) command.Invocation {
	return command.Invocation{Name: resp.Resolve(args).Name, DB: db, Args: args}
}

var tagSlot = command.Slot([]byte("{t}"))

// An operation that was passed on replies what the original does, and leaves the same rows.
func TestBodyIsTheCommand(t *testing.T) {
	passed := 0
	for seed := range uint64(200) {
		here, there := newStore(t), newStore(t)
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 1)), now: func() int64 { return here.now.Millis() }}
		for range 30 {
			args := tagged(byteArgs(g.line()))
			op, _ := here.parse(args)
			if op == nil {
				continue
			}
			c := invocation(0, args)
			again, err := command.ParseBody(there.parsers, tagSlot, c.AppendBody(nil))
			if err != nil {
				t.Fatalf("%q: %v", args, err)
			}
			passed++
			want, got := here.run(op), there.run(again)
			if show(want) != show(got) {
				t.Fatalf("%q: %s there, %s here", args, show(got), show(want))
			}
		}
		if len(here.rows) != len(there.rows) {
			t.Fatalf("%d rows there, %d here", len(there.rows), len(here.rows))
		}
		for k, row := range here.rows {
			if !bytes.Equal(row, there.rows[k]) {
				t.Fatalf("row %q differs", k)
			}
		}
	}
	if passed < 2000 {
		t.Errorf("only %d operations passed", passed)
	}
}

func TestBodyOfMultiAndWatch(t *testing.T) {
	s := newStore(t)
	s.do("SET", "{t}k", "1")
	keys := []object.KeyRef{ref("{t}k"), ref("{t}no")}
	pass := func(body []byte) resp.Value {
		t.Helper()
		op, err := command.ParseBody(s.parsers, tagSlot, body)
		if err != nil {
			t.Fatal(err)
		}
		return s.run(op)
	}
	w := command.NewWatch(keys)
	watched, ok := w.Versions(pass(w.AppendBody(nil)))
	if !ok || len(watched) != 2 || watched[0].Version == watched[1].Version {
		t.Fatalf("%v %+v", ok, watched)
	}
	queue := []command.Invocation{
		invocation(0, byteArgs([]string{"INCR", "{t}k"})), invocation(0, byteArgs([]string{"OBJECT", "encoding", "{t}k"})),
		invocation(3, byteArgs([]string{"GET", "{t}k"})),
	}
	body := command.AppendMultiBody(nil, queue, watched)
	if got := show(pass(body)); got != "*3 :2 $3 int $-1" {
		t.Error(got)
	}
	if got := show(pass(body)); got != "*-1" {
		t.Errorf("with a version of before: %s", got)
	}
	if _, ok := w.Versions(resp.OK()); ok {
		t.Error("OK taken for versions")
	}
}

func TestBodyRefused(t *testing.T) {
	table := command.New(command.DefaultLimits())
	set := invocation(0, byteArgs([]string{"SET", "{t}k", "v"}))
	good := set.AppendBody(nil)
	other := invocation(0, byteArgs([]string{"MSET", "{t}k", "v", "other", "v"}))
	few := command.Invocation{Name: "set", Args: byteArgs([]string{"SET", "{t}k"})}
	ping := command.Invocation{Name: "ping", Args: byteArgs([]string{"PING"})}
	wrong := invocation(0, byteArgs([]string{"SET", "{t}k", "v", "XX", "NX"}))
	far := invocation(16, byteArgs([]string{"GET", "{t}k"}))
	newer := bytes.Clone(good)
	newer[0]++
	for name, body := range map[string][]byte{
		"nothing": nil, "newer version": newer, "unknown kind": {1, 9}, "rest": append(bytes.Clone(good), 0),
		"another slot": other.AppendBody(nil), "arity": few.AppendBody(nil), "not on keys": ping.AppendBody(nil),
		"syntax": wrong.AppendBody(nil), "database": far.AppendBody(nil), "a transaction of nothing": command.AppendMultiBody(nil, nil, nil),
		"count of what is not there": {1, 2, 0xff, 0xff, 0xff, 0xff, 0x0f},
	} {
		if op, err := command.ParseBody(table, tagSlot, body); !errors.Is(err, command.ErrBody) || op != nil {
			t.Errorf("%s: %v, %v", name, op, err)
		}
	}
	for n := range good {
		if _, err := command.ParseBody(table, tagSlot, good[:n]); err == nil {
			t.Errorf("the first %d bytes are taken", n)
		}
	}
}

// FuzzParseBody wants no panic, and no operation beyond its slot.
func FuzzParseBody(f *testing.F) {
	g := &generator{Rand: rand.New(rand.NewPCG(1, 2)), now: func() int64 { return 1_700_000_000_000 }}
	for range 100 {
		args := tagged(byteArgs(g.line()))
		if c := resp.Resolve(args); c != nil {
			i := invocation(0, args)
			f.Add(i.AppendBody(nil))
			f.Add(command.AppendMultiBody(nil, []command.Invocation{i, i}, []command.Watched{{Key: ref("{t}k")}}))
		}
	}
	table := command.New(command.Limits{MaxString: 1 << 16})
	f.Fuzz(func(t *testing.T, body []byte) {
		op, err := command.ParseBody(table, tagSlot, body)
		if err != nil {
			return
		}
		for _, k := range op.Reads().Keys {
			if command.Slot(k.Name) != tagSlot {
				t.Fatalf("key %q", k.Name)
			}
		}
		if reply := newStore(t).run(op); reply.Kind == resp.KindUnset {
			t.Fatal("no reply")
		}
	})
}
