package command_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
	"github.com/rondokv/rondo/server/command"
)

const testNode = object.NodeID(7)

// store is a node of one partition without disk: encoded rows in a map, and the slow obvious way to run an operation.
type store struct {
	t       testing.TB
	rows    map[string][]byte
	now     object.HLC // of the latest operation
	db      uint8
	parsers map[string]command.Parser
	last    object.Mutation // of the latest operation
	read    object.ReadSet  // of the latest operation
}

func newStore(t testing.TB) *store {
	return &store{t: t, rows: map[string][]byte{}, now: object.HLCOf(1_700_000_000_000), parsers: command.New(command.DefaultLimits())}
}

func storeKey(k object.KeyRef) string { return fmt.Sprintf("%d %s", k.DB, k.Name) }

// passTime moves the clock on.
func (s *store) passTime(ms int64) { s.now = object.HLCOf(s.now.Millis() + ms) }

// load gives the state of key as of now.
func (s *store) load(k object.KeyRef, now object.HLC) object.KeyState {
	var state object.KeyState
	if row, ok := s.rows[storeKey(k)]; ok {
		if err := object.CheckRow(row); err != nil {
			s.t.Fatalf("row of %q: %v", k.Name, err)
		}
		if err := state.Row.DecodeRow(row); err != nil {
			s.t.Fatalf("row of %q: %v", k.Name, err)
		}
	}
	state.Look(now)
	return state
}

// run evaluates op at the next stamps and stores what it changes.
func (s *store) run(op command.Op) resp.Value {
	s.now++
	in := &object.Input{Stamp: object.Stamp{HLC: s.now, Node: testNode, Inc: 1}, Rand: uint64(s.now)}
	s.read = op.Reads()
	s.now += object.HLC(max(s.read.Ticks, 1) - 1)
	view := new(object.View)
	seen := map[string]bool{}
	for _, k := range s.read.Keys {
		if seen[storeKey(k)] {
			s.t.Fatalf("key %q twice in the read set", k.Name)
		}
		seen[storeKey(k)] = true
		if s.read.Blind {
			view.Keys = append(view.Keys, object.KeyState{Row: poison(in.Stamp)})
			continue
		}
		view.Keys = append(view.Keys, s.load(k, in.Stamp.HLC))
	}
	s.last = object.Mutation{}
	reply := op.Eval(in, view, &s.last)
	if reply.IsError() && len(s.last.Changes) > 0 {
		s.t.Fatalf("an error, %q, with changes", reply.Str)
	}
	states := make([]object.KeyState, len(s.read.Keys))
	for i, k := range s.read.Keys {
		states[i] = s.load(k, in.Stamp.HLC)
	}
	for i := range s.last.Changes {
		c := &s.last.Changes[i]
		stamp := in.Stamp.Tick(c.Tick)
		states[c.Key].Look(stamp.HLC)
		states[c.Key].Apply(c, stamp)
		states[c.Key].Look(s.now)
	}
	for i, k := range s.read.Keys {
		if states[i].Dirty() {
			s.rows[storeKey(k)] = states[i].Row.AppendRow(nil)
		}
	}
	return reply
}

// poison is the row that a blind operation is shown: one that looks must get it wrong.
func poison(now object.Stamp) object.KeyRow {
	return object.KeyRow{Value: object.Value{Stamp: now, Kind: object.ValueBytes, Bytes: []byte("blind operations do not look")}}
}

// parse makes the operation of one command as the front door does.
func (s *store) parse(args [][]byte) (command.Op, resp.Value) {
	c := resp.Resolve(args)
	if c == nil {
		return nil, resp.Unknown(resp.Lookup(args[0]), args).Value()
	}
	if !c.ArityOK(len(args)) {
		return nil, resp.WrongArity(c.Name).Value()
	}
	parse, ok := s.parsers[c.Name]
	if !ok {
		s.t.Fatalf("no parser of %s", c.Name)
	}
	op, reply := parse(args, s.db)
	if (op == nil) == (reply.Kind == resp.KindUnset) {
		s.t.Fatalf("%q: parser gave op %v and reply %v", args, op, reply)
	}
	return op, reply
}

func (s *store) do(args ...string) resp.Value {
	op, reply := s.parse(byteArgs(args))
	if op == nil {
		return reply
	}
	return s.run(op)
}

func byteArgs(args []string) [][]byte {
	b := make([][]byte, len(args))
	for i, a := range args {
		b[i] = []byte(a)
	}
	return b
}

// words splits a line at spaces; _ is the empty string.
func words(line string) []string {
	args := strings.Fields(line)
	for i := range args {
		if args[i] == "_" {
			args[i] = ""
		}
	}
	return args
}

// show writes a reply the way stories do: as RESP2 on one line.
func show(v resp.Value) string {
	return strings.TrimSpace(strings.ReplaceAll(string(v.AppendTo(nil, 2)), "\r\n", " "))
}

// tell plays a story: lines of a command, " -> " and the reply; "wait 100" moves the clock on by that many ms, "db 3"
// selects, and lines without an arrow must not fail.
func tell(t *testing.T, story string) *store {
	t.Helper()
	s := newStore(t)
	for n, line := range strings.Split(strings.TrimSpace(story), "\n") {
		line, want, compare := strings.Cut(strings.TrimSpace(line), " -> ")
		args := words(line)
		if len(args) == 0 {
			continue
		}
		switch args[0] {
		case "wait":
			ms, _ := resp.ParseInt([]byte(args[1]))
			s.passTime(ms)
			continue
		case "db":
			db, _ := resp.ParseInt([]byte(args[1]))
			s.db = uint8(db)
			continue
		}
		got := s.do(args...)
		switch {
		case compare && show(got) != want:
			t.Errorf("line %d: %s -> %s, want %s", n+1, line, show(got), want)
		case !compare && got.IsError():
			t.Errorf("line %d: %s -> %s", n+1, line, show(got))
		}
	}
	return s
}

// unchanged fails unless the latest operation changed nothing.
func (s *store) unchanged(t *testing.T) {
	t.Helper()
	if len(s.last.Changes) != 0 {
		t.Errorf("changed %+v", s.last.Changes)
	}
}

func sameRows(a, b *store) string {
	for k, row := range a.rows {
		if !bytes.Equal(row, b.rows[k]) {
			return k
		}
	}
	for k := range b.rows {
		if _, ok := a.rows[k]; !ok {
			return k
		}
	}
	return ""
}
