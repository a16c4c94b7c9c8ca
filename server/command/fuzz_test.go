package command_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/rondokv/rondo/resp"
	"github.com/rondokv/rondo/server/command"
)

// FuzzParse runs any command with any arguments, separated by newlines, against a few keys: nothing panics, and an
// operation replies.
func FuzzParse(f *testing.F) {
	names := parserNames()
	g := &generator{Rand: rand.New(rand.NewPCG(1, 2)), now: func() int64 { return 1_700_000_000_000 }}
	for range 200 {
		line := g.line()
		i := slices.Index(names, string(bytes.ToLower([]byte(line[0]))))
		f.Add(uint8(i), bytes.Join(byteArgs(line[1:]), []byte("\n")))
	}
	f.Fuzz(func(t *testing.T, which uint8, rest []byte) {
		name := names[int(which)%len(names)]
		args := bytes.Split([]byte(name), []byte("|"))
		args = append(args, bytes.Split(rest, []byte("\n"))...)
		s := newStore(t)
		s.parsers = command.New(command.Limits{MaxString: 1 << 16})
		s.do("MSET", "a", "1", "b", "text")
		op, reply := s.parse(args)
		if op != nil {
			reply = s.run(op)
		}
		if reply.Kind == resp.KindUnset {
			t.Errorf("%q: no reply", args)
		}
	})
}

func parserNames() []string {
	var names []string
	for name := range command.New(command.DefaultLimits()) {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Every parser has a row in the command table, which says what its arguments are.
func TestParsersAreInTheTable(t *testing.T) {
	for _, name := range parserNames() {
		if c := resp.ByFullName([]byte(name)); c == nil || c.Refused != "" {
			t.Errorf("%s: %v", name, c)
		}
	}
}
