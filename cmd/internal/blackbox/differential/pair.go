package differential

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

// Pair is two servers that should answer alike.
type Pair struct {
	Face         Face
	Redis, Rondo string // addresses
	Timeout      time.Duration
	Excused      map[string]int // replies by reason
	Scripted     bool           // rare reasons count too
}

// Difference is where a script stops having equal replies.
type Difference struct {
	Index        int // of the step
	Step         Step
	Queued       []string // the command of a transaction whose reply differs, within EXEC's
	Redis, Rondo string
}

// signature tells differences of one kind from another.
func (d *Difference) signature() string {
	name := commandName(d.Step.command())
	if len(d.Queued) > 0 {
		name += ">" + commandName(d.Queued)
	}
	return name
}

// answer is what came back for one step: a reply, or the reason why none did.
type answer struct {
	raw []byte
	err error
}

// side is one server's connections during a run.
type side struct {
	addr    string
	timeout time.Duration
	conns   []*harness.Conn
}

// run is the state of Pair.Run.
type run struct {
	pair         *Pair
	redis, rondo side
	queued       [][][]string // by connection: the commands of an open transaction
	watching     []bool       // by connection
	parted       bool         // the databases differ now, for a reason
}

// Run plays a script on both servers, with empty databases and conns new
// connections, and returns the first difference, nil when there is none, and
// how many steps were played: it ends where a reason says that the databases
// differ from there on. An error means that a server could not be used at all.
func (p *Pair) Run(steps []Step, conns int) (d *Difference, played int, err error) {
	r := &run{
		pair:   p,
		redis:  side{addr: p.Redis, timeout: p.Timeout},
		rondo:  side{addr: p.Rondo, timeout: p.Timeout},
		queued: make([][][]string, conns), watching: make([]bool, conns),
	}
	defer r.redis.close()
	defer r.rondo.close()
	for _, s := range []*side{&r.redis, &r.rondo} {
		if err := s.open(conns); err != nil {
			return nil, 0, err
		}
	}
	for _, batch := range batches(steps) {
		if d, err = r.batch(batch); err != nil {
			return nil, played, err
		}
		if d != nil {
			d.Index += played
		}
		if played += len(batch); d != nil || r.parted {
			break
		}
	}
	return d, played, nil
}

func (s *side) open(conns int) error {
	control, err := harness.Connect(s.addr)
	if err != nil {
		return err
	}
	defer func() { _ = control.Close() }() // nothing is left to lose
	for _, cmd := range [][]string{{"FLUSHALL"}, {"SLOWLOG", "RESET"}} {
		if err := control.Send(harness.AppendCommand(nil, cmd...)); err != nil {
			return err
		}
		if reply, err := control.Receive(); err != nil || !bytes.Equal(reply, []byte("+OK\r\n")) {
			return fmt.Errorf("%s on %s: %q, %w", cmd[0], s.addr, reply, err)
		}
	}
	s.conns = make([]*harness.Conn, conns)
	for i := range s.conns {
		if err := s.reopen(i); err != nil {
			return err
		}
	}
	return nil
}

func (s *side) reopen(i int) error {
	if s.conns[i] != nil {
		_ = s.conns[i].Close() // the server closed it already
	}
	c, err := harness.Connect(s.addr)
	if err != nil {
		return err
	}
	c.Timeout = s.timeout
	s.conns[i] = c
	return nil
}

func (s *side) close() {
	for _, c := range s.conns {
		if c != nil {
			_ = c.Close() // nothing is left to lose
		}
	}
}

// play sends a batch as one pipeline and reads its replies up to the first
// that does not come.
func (s *side) play(batch []Step) []answer {
	c := s.conns[batch[0].Conn]
	if batch[0].Scan {
		return []answer{s.scan(c, batch[0])}
	}
	var raw []byte
	for _, step := range batch {
		raw = step.bytes(raw)
	}
	sent := make(chan error, 1)
	go func() { sent <- c.Send(raw) }()
	out := make([]answer, 0, len(batch))
	for range batch {
		reply, err := c.Receive()
		out = append(out, answer{reply, err})
		if err != nil {
			_ = c.Close() // so that a Send that waits ends
			break
		}
	}
	<-sent // its error shows in what was received
	return out
}

// scan iterates to the end and answers the sorted set of what it saw.
func (s *side) scan(c *harness.Conn, step Step) answer {
	const enough = 100_000
	seen := map[string]bool{}
	cursor := "0"
	for range enough {
		if err := c.Send(harness.AppendCommand(nil, append([]string{"SCAN", cursor}, step.Args...)...)); err != nil {
			return answer{err: err}
		}
		raw, err := c.Receive()
		if err != nil {
			return answer{raw, err}
		}
		page, err := parse(raw)
		if err != nil || len(page.Elems) != 2 {
			return answer{raw, err} // an error reply, or QUEUED
		}
		for _, e := range page.Elems[1].Elems {
			seen[e.key()] = true
		}
		if cursor = page.Elems[0].Text; cursor == "0" {
			names := make([]string, 0, len(seen))
			for name := range seen {
				names = append(names, name)
			}
			slices.Sort(names)
			return answer{raw: fmt.Appendf(nil, "+scan of %d: %s\r\n", len(names), strings.Join(names, " "))}
		}
	}
	return answer{err: errors.New("the iteration does not end")}
}

// batch plays a batch on both servers at once and compares.
func (r *run) batch(batch []Step) (*Difference, error) {
	theirs := make(chan []answer, 1)
	go func() { theirs <- r.redis.play(batch) }()
	ours := r.rondo.play(batch)
	redis := <-theirs
	conn := batch[0].Conn
	for i, step := range batch {
		a, b := redis[i], ours[i]
		if a.err != nil && isClosed(a.err) && b.err != nil && isClosed(b.err) {
			r.queued[conn], r.watching[conn] = nil, false
			return nil, errors.Join(r.redis.reopen(conn), r.rondo.reopen(conn))
		}
		if a.err != nil || b.err != nil {
			return &Difference{Index: i, Step: step, Redis: a.String(), Rondo: b.String()}, nil
		}
		if d := r.compare(step, a.raw, b.raw); d != nil {
			d.Index = i
			return d, nil
		}
		if r.parted {
			break
		}
	}
	return nil, nil
}

// compare compares the replies to one step and follows the transaction of its
// connection.
func (r *run) compare(step Step, redis, rondo []byte) *Difference {
	if bytes.Equal(redis, rondo) {
		r.follow(step, redis)
		return nil
	}
	defer r.follow(step, redis)
	args, queue := step.command(), r.queued[step.Conn]
	d := &Difference{Step: step, Redis: string(redis), Rondo: string(rondo)}
	a, err := parse(redis)
	if err != nil {
		return d
	}
	b, err := parse(rondo)
	if err != nil {
		return d
	}
	if step.name() == "EXEC" && a.isArray() && b.isArray() && len(a.Elems) == len(queue) && len(b.Elems) == len(queue) {
		switching := slices.ContainsFunc(queue, func(args []string) bool { return strings.EqualFold(args[0], "HELLO") })
		for i := range queue {
			e := newExchange(r.pair.Face, queue[i], a.Elems[i], b.Elems[i])
			if e.Switching = switching; !r.alike(e) {
				d.Queued = queue[i]
				return d
			}
		}
		return nil
	}
	e := newExchange(r.pair.Face, args, a, b)
	e.Watching = r.watching[step.Conn]
	if r.alike(e) {
		return nil
	}
	return d
}

// follow notes what Redis's reply to a step made of its connection.
func (r *run) follow(step Step, redis []byte) {
	conn, name := step.Conn, step.name()
	switch {
	case bytes.Equal(redis, []byte("+QUEUED\r\n")):
		r.queued[conn] = append(r.queued[conn], step.command())
	case name == "WATCH" && redis[0] == '+':
		r.watching[conn] = true
	case name == "EXEC" && !bytes.HasPrefix(redis, []byte("-ERR EXEC without MULTI")), redis[0] == '+' && (name == "MULTI" || name == "DISCARD" || name == "RESET"):
		r.queued[conn] = nil
		r.watching[conn] = r.watching[conn] && name == "MULTI"
	}
}

// alike says whether two replies to a command are equal or excused.
func (r *run) alike(e Exchange) bool {
	if e.Redis.key() == e.Rondo.key() {
		return true
	}
	for _, reason := range reasons() {
		if (!reason.Rare || r.pair.Scripted) && reason.Match(e) {
			r.pair.Excused[reason.Name]++
			lost := e.Redis.isError() != e.Rondo.isError() && (e.Redis.isQueued() || e.Rondo.isQueued()) // one transaction
			r.parted = r.parted || lost || reason.Parts && !(e.Redis.isError() && e.Rondo.isError())
			return true
		}
	}
	return false
}

func (a answer) String() string {
	if a.err != nil {
		return fmt.Sprintf("%s<no reply: %v>", a.raw, a.err)
	}
	return string(a.raw)
}
