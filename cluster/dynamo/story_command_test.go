package dynamo

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/engine/memstore"
	"github.com/rondokv/rondo/engine/object"
)

// The commands of a story, one a line. Nodes are a, b, c ... in the order of the preference list, fallbacks behind.
//
//	cluster nodes=5 replicas=3 [dcs=east,west] [inflight=n] [reissues=n] [repair-one-in=n]
//	a: SET k v [LEVEL | R=LEVEL W=LEVEL] [within=100ms]   begins an operation at a, 1 ms later than all before; QUORUM by default
//	down c / up c               c cannot be reached and all know / can again
//	crash c [keep=n] [quietly]  c's process ends; of what was not synced n batches survive; all know, or nobody
//	wipe c                      crash c, and its disk is empty
//	restart c                   a new life over what survived
//	cut a->b, cut a-b           messages are lost, and nobody knows
//	split a | b c               cuts, and each side takes the other for dead
//	heal                        no cuts, all live nodes trust each other
//	a suspects c, a trusts c    what a thinks
//	hold [word] [a->b]          such messages wait; words: read read-hints same rows write write-back repair
//	                            hint hint-for ack hidden pass answer no
//	deliver [word] [a->b]       the held ones come now; drop: they never do; repeat: they come now and stay held
//	unhold                      nothing more is held; what is held stays
//	release                     nothing more is held, and all come
//	advance 400ms               time passes
//	clock b +3s                 b's wall clock is that much ahead (or -3s behind)
//	slow b, sync b              b's batches wait until sync; sync b ends that once, fast b for good
//	full b, room b              b's store refuses batches, or not any more
//	bad b, good b               b cannot read its rows, or can again
//	epoch b 2                   b switches to a later epoch with the same lists
//	quiet, loud                 steps are not told, or are
//	rows k, hints, stats b      what is stored; what b counted
//	expect #1 TEXT              the answer begins so; "pending" for none
//	expect k=v at a b           what these nodes show of k by themselves; nil for nothing
//	expect hints none           nobody keeps any
//	end drifted                 leave out the check at the end of a story that, healed, all is equal and nothing is under way

func (s *stage) run(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	f := strings.Fields(rest)
	if who, ok := strings.CutSuffix(word, ":"); ok {
		a, err := s.node(who)
		if err != nil {
			return err
		}
		if a.p == nil {
			return fmt.Errorf("%s is crashed", who)
		}
		_, err = s.begin(a, rest)
		return err
	}
	if len(f) == 2 && (f[0] == "suspects" || f[0] == "trusts") {
		return s.opinion(word, f[0] == "suspects", f[1])
	}
	switch word {
	case "cut", "split", "heal", "hold", "unhold", "deliver", "drop", "repeat", "release":
		return s.network(word, f)
	case "advance":
		d, err := parseTime(rest)
		if err != nil {
			return err
		}
		s.pass(d)
		return nil
	case "quiet", "loud":
		s.quiet = word == "quiet"
		return nil
	case "rows":
		s.rows(rest)
		return nil
	case "hints":
		s.hints()
		return nil
	case "expect":
		return s.expect(rest)
	case "plan":
		return s.plan(f)
	case "adopt":
		return s.adopt(f)
	case "end":
		return nil // see the runner
	}
	if len(f) == 0 {
		return fmt.Errorf("unknown command %q", line)
	}
	a, err := s.node(f[0])
	if err != nil {
		return err
	}
	if a.p == nil && word == "move" {
		return nil
	}
	return s.onNode(word, a, f[1:])
}

// onNode runs a command about one node.
func (s *stage) onNode(word string, a *actor, f []string) error {
	switch word {
	case "down":
		s.cuts = append(s.cuts, rule{from: a}, rule{to: a})
		s.all(func(other *actor) { s.suspect(other, a, true) })
	case "up":
		s.cuts = slices.DeleteFunc(s.cuts, func(r rule) bool { return r == rule{from: a} || r == rule{to: a} })
		s.all(func(other *actor) { s.suspect(other, a, false) })
	case "crash":
		keep := 0
		for _, arg := range f {
			if n, ok := strings.CutPrefix(arg, "keep="); ok {
				keep = int(number(n))
			}
		}
		s.crash(a, keep)
		if !slices.Contains(f, "quietly") {
			s.all(func(other *actor) { s.suspect(other, a, true) })
		}
	case "wipe":
		s.crash(a, 0)
		a.store, a.ceiling = memstore.New(), 0
		s.all(func(other *actor) { s.suspect(other, a, true) })
	case "restart":
		if err := a.start(); err != nil {
			return err
		}
		s.all(func(other *actor) { s.suspect(other, a, false) })
	case "clock":
		d, err := time.ParseDuration(f[0])
		if err != nil {
			return err
		}
		a.wall = d
	case "slow":
		a.slow = true
	case "fast", "sync":
		a.slow = a.slow && word == "sync"
		s.stepSync(a)
	case "full", "room":
		a.full = word == "full"
	case "bad", "good":
		a.unread = word == "bad"
	case "epoch":
		r, err := s.ringOf(ring.Epoch(number(f[0])), s.ring.Replicas(), nil)
		if err != nil {
			return err
		}
		s.epochs[a] = r
		s.step(a, fmt.Sprintf("goes to epoch %d", r.Epoch()), func(p *Partition) { p.SwitchRing(s.now, r) })
	case "move":
		return s.moves(a, f)
	case "stats":
		s.say("%s", statsText(a.p.Stats()))
	default:
		return fmt.Errorf("unknown command %q", word)
	}
	s.deliverAll()
	return nil
}

// statsText names what is not zero.
func statsText(t Stats) string {
	var parts []string
	add := func(name string, n uint64) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", name, n))
		}
	}
	add("operations", t.Operations)
	add("passed", t.Passed)
	add("unavailable", t.Unavailable)
	add("timeouts", t.Timeouts)
	add("overloaded", t.Overloaded)
	add("re-issues", t.Reissues)
	add("differing", t.Differing)
	add("write-backs", t.WriteBacks)
	add("repairs", t.Repairs)
	add("conflicts", t.Conflicts)
	add("hints kept", t.HintsStored)
	add("hints home", t.HintsReplayed)
	add("hints lost", t.HintsLost)
	add("refused", t.Refused)
	add("corrupt", t.Corrupt)
	return strings.Join(parts, ", ")
}

func (s *stage) stepSync(a *actor) {
	v := &visit{at: a, what: "syncs"}
	s.sync(v)
	s.print(v)
}

func (s *stage) all(fn func(*actor)) {
	for _, a := range s.nodes {
		fn(a)
	}
	s.deliverAll()
}

func (s *stage) opinion(who string, dead bool, of string) error {
	a, err := s.node(who)
	if err != nil {
		return err
	}
	other, err := s.node(of)
	if err != nil {
		return err
	}
	s.suspect(a, other, dead)
	s.deliverAll()
	return nil
}

// network runs a command about messages.
func (s *stage) network(word string, f []string) error {
	switch word {
	case "split":
		return s.split(strings.Join(f, " "))
	case "heal":
		s.cuts = nil
		s.all(func(a *actor) {
			s.all(func(other *actor) {
				if other.p != nil {
					s.suspect(a, other, false)
				}
			})
		})
		return nil
	case "unhold":
		s.holds = nil
		return nil
	case "release":
		s.holds, f = nil, nil
	}
	rules, err := s.rules(f)
	if err != nil {
		return err
	}
	switch word {
	case "cut":
		s.cuts = append(s.cuts, rules...)
		return nil
	case "hold":
		s.holds = append(s.holds, rules...)
		return nil
	}
	some := false
	var stay []letter
	for _, l := range s.held {
		if !matches(rules, l) {
			stay = append(stay, l)
			continue
		}
		some = true
		if word != "drop" {
			s.queue = append(s.queue, l)
		}
		if word == "repeat" {
			stay = append(stay, l)
		}
	}
	s.held = stay
	if !some && word != "release" {
		return errors.New("no such message is held")
	}
	s.deliverAll()
	return nil
}

// split cuts the nodes into groups that take each other for dead.
func (s *stage) split(text string) error {
	side := map[*actor]int{}
	for i, group := range strings.Split(text, "|") {
		for _, name := range strings.Fields(group) {
			a, err := s.node(name)
			if err != nil {
				return err
			}
			side[a] = i + 1
		}
	}
	for _, a := range s.nodes {
		for _, b := range s.nodes {
			if side[a] != side[b] {
				s.cuts = append(s.cuts, rule{from: a, to: b})
			}
		}
	}
	for _, a := range s.nodes {
		for _, b := range s.nodes {
			if side[a] != side[b] {
				s.suspect(a, b, true)
			}
		}
	}
	s.deliverAll()
	return nil
}

// rules reads "ack", "a->b", "ack c->", "a-b".
func (s *stage) rules(f []string) ([]rule, error) {
	r := rule{}
	both := false
	for _, arg := range f {
		from, to, arrow := strings.Cut(arg, "->")
		if !arrow {
			if from, to, arrow = strings.Cut(arg, "-"); arrow && len(from) == 1 && len(to) == 1 {
				both = true
			} else {
				r.what = arg
				continue
			}
		}
		var err error
		if from != "" {
			if r.from, err = s.node(from); err != nil {
				return nil, err
			}
		}
		if to != "" {
			if r.to, err = s.node(to); err != nil {
				return nil, err
			}
		}
	}
	if both {
		return []rule{r, {from: r.to, to: r.from, what: r.what}}, nil
	}
	return []rule{r}, nil
}

func (s *stage) node(name string) (*actor, error) {
	for _, a := range s.nodes {
		if a.name == name {
			return a, nil
		}
	}
	return nil, fmt.Errorf("no node %q", name)
}

// expect checks something that -rewrite must not change.
func (s *stage) expect(text string) error {
	if text == "hints none" {
		for _, a := range s.nodes {
			var err error
			a.stored(object.SpaceHint, func(target object.NodeID, k object.RowKey, _ []byte) {
				err = fmt.Errorf("%s keeps a hint for %s: %s", a.name, s.nodes[target-1].name, k.Ref.Name)
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
	if names, ok := strings.CutPrefix(text, "stored nothing at "); ok {
		return s.nothingAt(strings.Fields(names))
	}
	what, want, _ := strings.Cut(text, " ")
	if what == "role" {
		return s.expectRole(strings.Fields(want))
	}
	if n, ok := strings.CutPrefix(what, "#"); ok {
		return s.expectAnswer(int(number(n)), want)
	}
	key, value, _ := strings.Cut(what, "=")
	for _, name := range strings.Fields(strings.TrimPrefix(want, "at ")) {
		a, err := s.node(name)
		if err != nil {
			return err
		}
		if got := s.shown(a, key); got != value {
			return fmt.Errorf("%s shows %s=%s", name, key, got)
		}
	}
	return nil
}

func (s *stage) expectAnswer(n int, want string) error {
	if n < 1 || n > len(s.requests) {
		return fmt.Errorf("there is no #%d", n)
	}
	p := s.requests[n-1]
	got := "pending"
	if p.done {
		got = p.result
	}
	if got != want && !strings.HasPrefix(got, want+" ") {
		return fmt.Errorf("#%d is %s", n, got)
	}
	return nil
}

// shown returns what a node's own rows show of a key.
func (s *stage) shown(a *actor, key string) string {
	x := &Execution{}
	op, err := parseStoryOp(s, "0 GET "+key)
	if err != nil {
		return err.Error()
	}
	x.Begin(1)
	a.stored(object.SpaceData, func(_ object.NodeID, k object.RowKey, row []byte) {
		if string(k.Ref.Name) == key && len(k.Sub) == 0 {
			err = x.View.Keys[0].Row.DecodeRow(row)
		}
	})
	if err != nil {
		return err.Error()
	}
	x.Step(op, object.Stamp{HLC: object.HLCOf(storyEpochMillis + int64(s.now/Millisecond))}, 0)
	return op.reply
}

func parseTime(text string) (Time, error) {
	d, err := time.ParseDuration(text)
	return Time(d), err
}

// newStageOf runs the cluster command.
func newStageOf(line string) (*stage, error) {
	nodes, replicas := 3, 3
	var dcs []string
	limits := Limits{RepairOneIn: 1 << 30}
	for _, arg := range strings.Fields(line)[1:] {
		key, value, _ := strings.Cut(arg, "=")
		if key == "dcs" {
			dcs = strings.Split(value, ",")
			continue
		}
		n, err := strconv.Atoi(value)
		if err != nil {
			return nil, err
		}
		switch key {
		case "nodes":
			nodes = n
		case "replicas":
			replicas = n
		case "inflight":
			limits.InFlight = n
		case "reissues":
			limits.Reissues = n
		case "repair-one-in":
			limits.RepairOneIn = n
		default:
			return nil, fmt.Errorf("unknown setting %q", key)
		}
	}
	return newStage(nodes, replicas, dcs, limits)
}
