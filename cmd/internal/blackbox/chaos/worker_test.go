//go:build blackbox

package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// worker writes its own keys and reads those of all.
type worker struct {
	crew    *crew
	id      int
	pinned  int // the node it stays with, by index; negative: it moves
	at      int // node it talks to
	clients []*client
	rng     *rand.Rand

	registers []*Ledger
	counters  []*Counter
	fresh     int // keys made so far, for their names

	// Under the crew's gate.
	tally     Tally
	succeeded time.Time // when it last had a success
}

func newWorker(w *crew, c *cluster, id, pinned int, rng *rand.Rand) *worker {
	one := &worker{crew: w, id: id, pinned: pinned, at: max(pinned, 0), rng: rng, succeeded: time.Now()}
	if pinned < 0 {
		one.at = id % len(c.nodes)
	}
	for _, n := range c.nodes {
		one.clients = append(one.clients, &client{node: n, late: w.wrong})
	}
	for range registersEach {
		one.registers = append(one.registers, w.newLedger(one.name("r")))
	}
	for range countersEach {
		one.counters = append(one.counters, w.newCounter(one.name("c")))
	}
	return one
}

func (o *worker) name(kind string) string {
	o.fresh++
	return fmt.Sprintf("chaos:%s:%d:%d", kind, o.id, o.fresh)
}

func (o *worker) run(ctx context.Context) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	defer func() {
		for _, k := range o.clients {
			_ = k.Close() // nothing is under way
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			o.crew.gate.RLock()
			o.step()
			o.crew.gate.RUnlock()
		}
	}
}

func (o *worker) step() {
	if o.pinned < 0 && o.rng.IntN(100) == 0 {
		o.at = o.rng.IntN(len(o.clients)) // so that a node that has returned gets its share
	}
	switch p := o.rng.IntN(100); {
	case p < 35:
		o.set(o.rng.IntN(len(o.registers)))
	case p < 50:
		o.increment(o.counters[o.rng.IntN(len(o.counters))])
	case p < 60:
		o.count(o.counters[o.rng.IntN(len(o.counters))])
	case p < 80:
		o.get(o.registers[o.rng.IntN(len(o.registers))])
	default:
		o.get(o.crew.anyLedger(o.rng))
	}
}

func (o *worker) set(i int) {
	l := o.registers[i]
	if l.Worn() {
		l = o.crew.newLedger(o.name("r"))
		o.registers[i] = l
	}
	_, end := o.do("SET", l.Key, strconv.FormatUint(l.Send(), 10))
	o.crew.wrong(l.End(end))
}

func (o *worker) get(l *Ledger) {
	floor := l.Floor()
	if reply, end := o.do("GET", l.Key); end == OK {
		seen, err := number(reply)
		if err == nil {
			err = l.Judge(floor, seen)
		}
		o.crew.wrong(err)
	}
}

func (o *worker) increment(c *Counter) {
	c.Send()
	floor := c.Floor()
	reply, end := o.do("INCR", c.Key)
	c.End(end)
	if end == OK {
		o.judge(c, floor+1, reply)
	}
}

func (o *worker) count(c *Counter) {
	floor := c.Floor()
	if reply, end := o.do("GET", c.Key); end == OK {
		o.judge(c, floor, reply)
	}
}

func (o *worker) judge(c *Counter, floor uint64, reply []byte) {
	seen, err := number(reply)
	if err == nil {
		err = c.Judge(floor, seen)
	}
	o.crew.wrong(err)
}

// do sends a command to the node of the moment, and counts how it ended.
func (o *worker) do(args ...string) ([]byte, Outcome) {
	patience := AnswerWithin
	if o.pinned < 0 {
		patience = roamerPatience
	}
	began := time.Now()
	reply, end := o.clients[o.at].do(patience, args...)
	now := time.Now()
	t := &o.tally
	t.Counts[end]++
	if reply != nil {
		t.Longest = max(t.Longest, now.Sub(began))
		if took := now.Sub(began); took > AnswerWithin {
			o.crew.wrong(fmt.Errorf("node %d answered %v after %v", o.at+1, args, took))
		}
	}
	switch {
	case end == OK:
		t.Gap, o.succeeded = max(t.Gap, now.Sub(o.succeeded)), now
		return reply, end
	case end == Other:
		t.Odd = string(reply)
	}
	if o.pinned < 0 {
		o.at = (o.at + 1) % len(o.clients)
	}
	return reply, end
}
