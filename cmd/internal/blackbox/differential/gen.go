package differential

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// Epoch is a script that begins with nothing.
type Epoch struct {
	Number int
	Conns  int
	Steps  []Step
}

// generator makes one epoch.
type generator struct {
	rnd     *rand.Rand
	face    Face
	lapsing bool // SET may be given an expiry in the past, at which servers forget when they like
	ttls    map[string]bool
	conns   []connState
}

const epochSteps = 2000

// NewEpoch makes the epoch of a number: the same for the same seed.
func NewEpoch(face Face, seed uint64, number int) Epoch {
	g := &generator{
		rnd:  rand.New(rand.NewPCG(seed, uint64(number)<<1|uint64(face))),
		face: face,
		ttls: map[string]bool{},
	}
	e := Epoch{Number: number, Conns: 1}
	pipeline := 50
	if number%3 == 2 {
		e.Conns, pipeline = 3, 4
	}
	g.lapsing = number%5 == 4
	g.conns = make([]connState, e.Conns)
	for i := range e.Conns {
		if g.chance(50) {
			e.Steps = append(e.Steps, Step{Conn: i, Batch: -1 - i, Args: []string{"HELLO", "3"}})
		}
	}
	for batch := 0; len(e.Steps) < epochSteps; batch += 2 {
		conn := g.rnd.IntN(e.Conns)
		for range 1 + g.rnd.IntN(pipeline) {
			s := g.step(conn)
			for _, key := range g.watched(s) {
				e.Steps = append(e.Steps, Step{Conn: conn, Batch: batch, Args: []string{"SET", key, g.value()}})
			}
			if hangsUp(s) {
				batch++ // Redis forgets the replies before it
			}
			s.Conn, s.Batch = conn, batch
			e.Steps = append(e.Steps, s)
			if s.Inline != "" || ends(s) {
				break // nothing may follow in this pipeline
			}
		}
	}
	return e
}

// watched are the keys that a step watches. They are made to exist before:
// see the reason "undone".
func (g *generator) watched(s Step) []string {
	if s.name() == "WATCH" {
		return s.Args[1:]
	}
	return nil
}

// ends says whether a step may close its connection, so that what is sent
// after it would be lost at one server and served at the other.
func ends(s Step) bool { return s.name() == "QUIT" || hangsUp(s) }

// hangsUp says whether a step makes a server close its connection at once.
func hangsUp(s Step) bool { return s.name() == "POST" || s.name() == "HOST:" }

func (g *generator) chance(percent int) bool { return g.rnd.IntN(100) < percent }

func pick[T any](g *generator, from []T) T { return from[g.rnd.IntN(len(from))] }

// step makes the next command of a connection.
func (g *generator) step(conn int) Step {
	c := &g.conns[conn]
	s := g.draw(c)
	if g.lapsing && slices.Contains([]string{"DBSIZE", "MEMORY", "CLUSTER"}, s.name()) {
		s = Step{Args: []string{"PING"}} // a key whose time has come is counted until a server comes across it
	}
	if c.multi && s.name() == "HELLO" {
		s = Step{Args: []string{"PING"}} // see the reason "switch"
	}
	if c.multi && c.watched && !oneSlot(append([]string{watchTag}, keysOf(s.command())...)) {
		s = Step{Args: []string{"PING"}} // TestReasons sends such transactions
	}
	c.follow(s)
	return s
}

func (g *generator) draw(c *connState) Step {
	if c.multi && g.chance(18) {
		return Step{Args: []string{g.caseOf(pick(g, []string{"EXEC", "EXEC", "EXEC", "EXEC", "DISCARD"}))}}
	}
	if !c.multi && g.chance(4) {
		return Step{Args: []string{g.caseOf("MULTI")}}
	}
	if !c.multi && g.chance(1) {
		return Step{Scan: true, Args: g.scanOptions()}
	}
	if !c.multi && !c.watched && g.rnd.IntN(400) == 0 {
		return Step{Inline: pick(g, inlines())}
	}
	var args []string
	if g.chance(12) {
		args = strings.Split(g.fixed(), " ")
	} else {
		cmd := g.command()
		args = append([]string{cmd.name}, cmd.args(g)...)
	}
	return Step{Args: g.spoil(args)}
}

// connState is what the steps so far made of a connection.
type connState struct {
	multi   bool // a transaction is open
	watched bool // a key may be watched
}

func (c *connState) follow(s Step) {
	alone := len(s.Args) == 1
	switch name := s.name(); {
	case name == "MULTI" && alone:
		c.multi = true
	case (name == "EXEC" || name == "DISCARD") && alone && c.multi, name == "RESET" && alone, ends(s):
		*c = connState{}
	case name == "UNWATCH" && alone && !c.multi:
		c.watched = false
	case name == "WATCH" && !alone && !c.multi:
		c.watched = true
	}
}

// spoil makes some commands wrong and some look different.
func (g *generator) spoil(args []string) []string {
	args = slices.Clone(args)
	args[0] = g.caseOf(args[0])
	switch commandName(args) {
	case "CONFIG SET", "SHUTDOWN", "DEBUG SLEEP", "CLIENT KILL":
		return args // another argument could change what follows, or hit a client by its id
	}
	switch {
	case g.chance(2) && len(args) > 1:
		args = args[:len(args)-1]
	case g.chance(2):
		args = append(args, g.value())
	case g.chance(1) && len(args) > 1:
		args[1+g.rnd.IntN(len(args)-1)] = g.junk()
	case g.chance(1) && len(args) > 2:
		i := 1 + g.rnd.IntN(len(args)-2)
		args[i], args[i+1] = args[i+1], args[i]
	}
	if risky(args) || apart(g.face, args) || !g.lapsing && lapsed(args) {
		return []string{"PING"}
	}
	return args
}

// risky says whether a spoilt command may do what a comparison cannot follow:
// end the server, stop it, fill its memory, change what other epochs see, or
// choose an expiry that passes during the run.
func risky(args []string) bool {
	switch name := strings.ToUpper(args[0]); name {
	case "SETRANGE":
		if len(args) > 2 {
			n, err := strconv.ParseInt(args[2], 10, 64)
			return err == nil && n > 1<<20 && n < 1<<29
		}
	case "EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT", "SETEX", "PSETEX":
		return len(args) > 2 && soon(name, args[2])
	case "SET", "GETEX":
		for i := range args {
			if i+1 < len(args) && soon(strings.ToUpper(args[i]), args[i+1]) {
				return true
			}
		}
	case "CLIENT":
		return len(args) > 2 && strings.EqualFold(args[1], "PAUSE") && !slices.Contains([]string{"0", "abc", "-1", ""}, args[2])
	case "WAIT":
		return len(args) > 2 && !slices.Contains([]string{"0", "1", "10", "abc", "-1", ""}, args[2])
	}
	return false
}

// lapsed says whether SET is given an instant in the past: servers then count
// the key until they come across it.
func lapsed(args []string) bool {
	if !strings.EqualFold(args[0], "SET") {
		return false
	}
	for i := range len(args) - 1 {
		n, err := strconv.ParseInt(args[i+1], 10, 64)
		if err == nil && (strings.EqualFold(args[i], "EXAT") && n < 4_000_000_000 || strings.EqualFold(args[i], "PXAT") && n < 4_000_000_000_000) {
			return true
		}
	}
	return false
}

// soon says whether a time given to a command or option is neither past nor
// far away.
func soon(unit, text string) bool {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 {
		return false
	}
	switch unit {
	case "EX", "EXPIRE", "SETEX":
		return n < 1000
	case "PX", "PEXPIRE", "PSETEX":
		return n < 1_000_000
	}
	return false
}

func (g *generator) caseOf(s string) string {
	switch g.rnd.IntN(20) {
	case 0:
		return strings.ToLower(s)
	case 1:
		b := []byte(s)
		for i := range b {
			if g.chance(50) {
				b[i] = strings.ToLower(s)[i]
			}
		}
		return string(b)
	}
	return s
}

// pool are the keys of all scripts: few, so that commands meet.
func pool() []string {
	return []string{
		"a", "b", "c", "d", "e", "f", "key:1", "key:2", "key:3",
		"{t}1", "{t}2", "{t}3", "{t}4", "{t}5", "{t}6", "x{t}", "{t}", "{u}1", "{u}2", "{u}3", "{}1", "{}{t}", "}{", "{{t}}",
		"", "\x00", "\xff\xfe\r\n", "with space", "ключ", "a*b?[c]", "-", strings.Repeat("long", 80),
	}
}

func keysOf(args []string) (keys []string) {
	if len(args) == 0 {
		return nil
	}
	all := pool()
	for _, a := range args[1:] {
		if slices.Contains(all, a) {
			keys = append(keys, a)
		}
	}
	return keys
}

func (g *generator) key() string {
	if g.chance(50) {
		return "{t}" + strconv.Itoa(1+g.rnd.IntN(6))
	}
	return pick(g, pool())
}

// keys makes n keys, most of the time in one slot on the cluster face.
func (g *generator) keys(n int) []string {
	out := make([]string, n)
	together := g.face == Cluster && g.chance(80)
	for i := range out {
		if out[i] = g.key(); together {
			out[i] = "{t}" + strconv.Itoa(1+g.rnd.IntN(6))
		}
	}
	return out
}

// pair makes two keys. On both faces they are mostly of one slot: elsewhere
// RENAME and COPY are refused.
func (g *generator) pair() []string {
	if g.face == Cluster && g.chance(10) {
		return []string{g.key(), g.key()}
	}
	tag := pick(g, []string{"{t}", "{t}", "{u}"})
	return []string{tag + strconv.Itoa(1+g.rnd.IntN(3)), tag + strconv.Itoa(1+g.rnd.IntN(3))}
}

func (g *generator) some(max int) int { return 1 + g.rnd.IntN(max) }
