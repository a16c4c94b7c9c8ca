package dynamo

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/rondokv/rondo/cluster/ring"
)

// TestMovesLoseNothing moves a partition about among random operations and faults, with the barriers that the epochs promise. What
// was acknowledged at QUORUM, or read, is never lost and reads never go back; in the end all owners are equal and nobody else
// stores anything.
func TestMovesLoseNothing(t *testing.T) {
	seeds := 200
	if testing.Short() {
		seeds = 10
	}
	begun, moved := 0, 0
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			s, err := newStageOf("cluster nodes=7 replicas=3 repair-one-in=16")
			if err != nil {
				t.Fatal(err)
			}
			m := &mover7{chaos: chaos{s: s, r: rand.New(rand.NewPCG(seed, 11)), t: t}, t: t, list: "abc", shown: map[string]int{}, maybe: map[string]map[int]bool{}, copied: map[string]bool{}}
			defer func() {
				if t.Failed() {
					t.Log(m.history())
				}
			}()
			for range 400 {
				m.act()
			}
			if err := s.settle(); err != nil {
				t.Fatal(err)
			}
			for key := range 3 {
				m.read(fmt.Sprint("r", key))
			}
			begun, moved = begun+m.plans, moved+m.moved
		})
	}
	t.Logf("%d moves were begun, %d ended", begun, moved)
	if moved < seeds {
		t.Error("too few moves to show anything")
	}
}

// mover7 is a client of registers, a conductor and chaos, over seven nodes.
type mover7 struct {
	chaos
	t      *testing.T
	list   string // where the partition is, or moves from
	to     string
	shown  map[string]int          // what a key shows: the last that was acknowledged or read
	maybe  map[string]map[int]bool // writes of which nobody knows, and that were not read yet: each may take effect once
	copied map[string]bool         // nodes that told that they have copied in the present epoch
	plans  int                     // begun
	moved  int                     // ended
	last   []string
	next   int
}

func (m *mover7) node() string { return m.pick("a", "b", "c", "d", "e", "f", "g") }

func (m *mover7) run(line string) {
	m.t.Helper()
	m.last = append(m.last, line)
	if len(m.last) > 300 {
		m.last = m.last[100:]
	}
	err := m.s.run(line)
	if out := m.s.out.String(); out != "" {
		m.last = append(m.last, out)
	}
	m.s.out.Reset()
	if err != nil && !strings.HasSuffix(err.Error(), "is crashed") {
		m.t.Fatalf("%s: %v", line, err)
	}
}

func (m *mover7) history() string { return strings.Join(m.last, "\n") }

func (m *mover7) act() {
	switch n := m.r.IntN(20); {
	case n < 5:
		m.read(fmt.Sprint("r", m.r.IntN(3)))
	case n < 9:
		m.write(fmt.Sprint("r", m.r.IntN(3)))
	case n < 10:
		m.run(m.node() + ": " + m.pick("INCR n", "HSET h f 1", "HSET h g 2", "HDEL h f", "DEL n", "SETEX x 30 1", "APPEND s 1") + " " + m.pick("ONE", "QUORUM", "ANY"))
	case n < 11:
		m.fault()
	case n < 13:
		m.run("adopt " + m.pick("all", m.node(), m.node()))
	case n < 16:
		m.run("move " + m.node() + m.pick("", "", " 1", " 3", " 10"))
		m.tell()
	case n < 19:
		m.conduct()
	default:
		m.run("advance " + m.pick("1ms", "10ms", "10ms", "600ms"))
	}
}

func (m *mover7) fault() {
	a, b := m.node(), m.node()
	switch m.r.IntN(16) {
	case 0, 12, 13:
		m.run("hold " + m.pick("", a+"->", "->"+a) + " " + m.pick("ack", "write", "same", "rows", "read", "write-back", "hashes", "page", "fetch", "compare", "hand-over", "hint"))
	case 1, 2, 3:
		m.run("release")
		m.run("heal")
	case 14:
		m.run("unhold")
	case 15:
		m.s.held = nil // lost
	case 4:
		m.run("cut " + a + "->" + b)
	case 5:
		m.run(a + " suspects " + b)
	case 6:
		m.run(m.pick("full ", "room ", "room ") + a)
	case 7:
		m.run(m.pick("slow ", "sync ", "fast ") + a)
	case 8, 9:
		m.run(fmt.Sprintf("crash %s keep=%d %s", a, m.r.IntN(3), m.pick("", "quietly")))
		m.run("restart " + a)
	case 10:
		m.run(m.pick("down ", "up ") + a)
	case 11:
		m.run("hold " + a + "->")
	}
}

func (m *mover7) read(key string) {
	m.run(m.node() + ": GET " + key + " within=100ms")
	m.finish(key)
}

func (m *mover7) write(key string) {
	m.next++
	m.run(fmt.Sprintf("%s: SET %s %d within=100ms", m.node(), key, m.next))
	m.finish(key)
}

// finish waits for the answer of the latest request and checks it.
func (m *mover7) finish(key string) {
	m.t.Helper()
	if len(m.s.requests) == 0 {
		return
	}
	p := m.s.requests[len(m.s.requests)-1]
	for i := 0; !p.done && i < 30; i++ {
		m.run("advance 5ms")
	}
	f := strings.Fields(p.text)
	wrote, got := f[0] == "SET", 0
	switch {
	case p.done && strings.HasPrefix(p.result, "UNAVAILABLE"):
		return
	case !p.done || strings.Contains(p.result, " "):
		if wrote {
			if m.maybe[key] == nil {
				m.maybe[key] = map[int]bool{}
			}
			m.maybe[key][int(number(f[2]))] = true
		}
		return
	case wrote:
		got = int(number(f[2]))
	case p.result != "nil":
		got = int(number(p.result))
	}
	if !wrote && got != m.shown[key] && !m.maybe[key][got] {
		m.t.Fatalf("#%d %s: %d, not %d", p.number, p.text, got, m.shown[key])
	}
	delete(m.maybe[key], got)
	m.shown[key] = got
}

// tell takes note of who has copied.
func (m *mover7) tell() {
	if m.s.ring.Stage() != ring.Copying {
		return
	}
	for _, a := range m.s.nodes {
		if a.p != nil && m.s.epochs[a] == m.s.ring && a.p.Transfer().Done {
			m.copied[a.name] = true
		}
	}
}

// conduct takes the plan a step further when its barrier lets it.
func (m *mover7) conduct() {
	r := m.s.ring
	adopted := func(id ring.NodeID) bool { return m.s.epochs[m.s.nodes[id-1]] == r }
	for _, a := range m.s.nodes {
		if a.p != nil && !adopted(ring.NodeID(a.id)) {
			return
		}
	}
	for _, list := range [][]ring.NodeID{r.PreferenceList(0), r.Moving(0)} {
		n := 0
		for _, id := range list {
			if adopted(id) {
				n++
			}
		}
		if len(list) > 0 && n <= len(list)/2 {
			return
		}
	}
	switch r.Stage() {
	case ring.Stable:
		m.begin()
	case ring.Copying:
		m.tell()
		if m.r.IntN(20) == 0 {
			m.run("plan stable " + m.list)
			return
		}
		for _, id := range r.Copiers(0) {
			if !m.copied[m.s.nodes[id-1].name] {
				m.run("move " + m.s.nodes[id-1].name)
				m.tell()
				return
			}
		}
		m.run("plan reading " + m.list + ">" + m.to)
	default:
		m.run("plan stable " + m.to)
		m.list = m.to
		m.moved++
	}
}

// begin begins to move the partition to a random list.
func (m *mover7) begin() {
	names := strings.Split("abcdefg", "")
	m.r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	n := len(m.list)
	if m.r.IntN(3) == 0 {
		n = 1 + m.r.IntN(5)
	}
	keep := strings.Split(m.list, "")
	keep = keep[:m.r.IntN(len(keep)+1)]
	names = slices.DeleteFunc(names, func(x string) bool { return slices.Contains(keep, x) })
	names = append(keep, names...)
	to := strings.Join(names[:n], "")
	if to == m.list {
		return
	}
	m.to, m.copied = to, map[string]bool{}
	m.plans++
	m.run("plan copying " + m.list + ">" + m.to)
}
