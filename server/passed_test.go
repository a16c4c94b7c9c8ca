package server

import (
	"slices"
	"strings"
	"testing"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
	"github.com/rondokv/rondo/server/command"
)

// passingNode runs every operation as if another node had passed it on: through its bytes, and its reply through its own.
type passingNode struct {
	Node
	Keyspace
	t     testing.TB
	parse func(object.Slot, []byte) (cluster.PassedOp, error)
}

func (n *passingNode) Start(c *cluster.Call) {
	here := c.Op.(cluster.PassedOp)
	there, err := n.parse(c.Slot, here.AppendBody(nil))
	if err != nil {
		n.t.Errorf("parse: %v", err)
		c.Err = err
		return
	}
	c.Op = there
	n.Node.Start(c)
	c.Op = here
	if c.Err == nil {
		here.TakeReply(there.AppendReply(nil))
	}
	if !slices.Equal(here.AppendBody(nil), there.AppendBody(nil)) {
		n.t.Error("the body is another on the way back")
	}
}

func newPassingRig(t testing.TB) *rig {
	return newRig(t, func(o *Options) {
		keys, err := keyspaceOf(o.Node)
		if err != nil {
			t.Fatal(err)
		}
		o.Node = &passingNode{Node: o.Node, Keyspace: keys, t: t, parse: PassedParser(PassedOptions{MaxString: 1 << 20})}
	})
}

// A session over operations that all go through bytes is one that runs them here.
func TestOperationsPass(t *testing.T) {
	r := newPassingRig(t)
	c := r.dial(r.forward)
	for _, s := range []struct{ reply, words string }{
		{"OK", "SET k v EX 100"}, {`"v"`, "GET k"}, {":100", "TTL k"}, {"nil", "GET nosuch"}, {"OK", "MSET a 1 b 2 c 3"},
		{`["1" "2" nil "3"]`, "MGET a b nosuch c"}, {":3", "DEL a b c"}, {`"embstr"`, "OBJECT ENCODING k"}, {":1", "INCR n"},
		{"-ERR value is not an integer or out of range", "INCR k"}, {"OK", "SELECT 3"}, {"nil", "GET k"}, {"OK", "SELECT 0"},
		{"OK", "WATCH k"}, {"OK", "MULTI"}, {"QUEUED", "SET k w"}, {"QUEUED", "OBJECT ENCODING k"}, {`[OK "embstr"]`, "EXEC"},
		{"OK", "WATCH k"}, {"OK", "SET k x"}, {"OK", "MULTI"}, {"QUEUED", "SET k y"}, {"nilarray", "EXEC"}, {`"x"`, "GET k"},
		{"OK", "MULTI"}, {"QUEUED", "MSET a 1 b 2"}, {"QUEUED", "SELECT 2"}, {"QUEUED", "GET a"}, {"QUEUED", "SELECT 0"}, {"QUEUED", "MGET a b"},
		{`[OK OK nil OK ["1" "2"]]`, "EXEC"}, {`"1"`, "AT ONE GETDEL a"},
	} {
		c.want(s.reply, strings.Fields(s.words)...)
	}
}

// panickingOp panics when it is evaluated.
type panickingOp struct{}

func (panickingOp) Reads() object.ReadSet { return object.ReadSet{} }

func (panickingOp) Eval(*object.Input, *object.View, *object.Mutation) resp.Value { panic("here") }

func TestPanicOfAPassedOperation(t *testing.T) {
	var told any
	o := &passedOp{op: panickingOp{}, onPanic: func(cause any, _ []byte) { told = cause }}
	var m object.Mutation
	m.Set(0, []byte("x"), 0)
	o.Eval(new(object.Input), new(object.View), &m)
	if len(m.Changes) > 0 || told != "here" {
		t.Errorf("%d changes stand, told %v", len(m.Changes), told)
	}
	if v, err := resp.ParseCompact(o.AppendReply(nil)); err != nil || v.Str != string(errInternal) {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestParsePassed(t *testing.T) {
	c := command.Invocation{Name: "get", Args: [][]byte{[]byte("GET"), []byte("k")}}
	body := c.AppendBody(nil)
	if _, err := ParsePassed(command.Slot([]byte("k")), body); err != nil {
		t.Error(err)
	}
	if op, err := ParsePassed(0, body); err == nil || op != nil {
		t.Errorf("a key of another slot: %v %v", op, err)
	}
	s := new(step)
	s.TakeReply([]byte{99})
	if s.reply.Str != string(errBadReply) {
		t.Errorf("a reply that is none: %+v", s.reply)
	}
}

// finishes notes when the node is waited for.
type finishes struct {
	Node
	n int
}

func (f *finishes) Finish([]*cluster.Call) { f.n++ }

// Operations of one connection that wait for other nodes: what is on the slot of one of them waits, unless both read.
func TestOrderOnASlot(t *testing.T) {
	for _, c := range []struct {
		name    string
		pending []object.Slot // negative slots cannot be: writes are at 100 and above
		slot    object.Slot
		write   bool
		waits   bool
	}{
		{"nothing on the way", nil, 1, true, false},
		{"read after read", []object.Slot{1, 2}, 1, false, false},
		{"write after read", []object.Slot{1, 2}, 2, true, true},
		{"read after write", []object.Slot{1, 101}, 101, false, true},
		{"write after write", []object.Slot{101}, 101, true, true},
		{"another slot", []object.Slot{1, 101}, 102, true, false},
		{"too many", slices.Repeat([]object.Slot{1}, maxPending), 2, false, true},
	} {
		f := &finishes{}
		s := &session{srv: &Server{node: f}, ring: threeNodes()}
		for _, slot := range c.pending {
			t := new(step)
			t.call.Slot, t.call.Write = slot, slot > 100
			t.call.Op, t.op = t, panickingOp{}
			s.pipe.pending = append(s.pipe.pending, t)
			s.pipe.calls = append(s.pipe.calls, &t.call)
		}
		s.keepOrder(c.slot, c.write)
		if waited := f.n > 0; waited != c.waits {
			t.Errorf("%s: waited %v", c.name, waited)
		}
		if f.n > 0 && len(s.pipe.pending)+len(s.pipe.calls) > 0 {
			t.Errorf("%s: still pending after the wait", c.name)
		}
	}
}
