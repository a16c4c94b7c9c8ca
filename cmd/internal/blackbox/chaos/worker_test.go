//go:build blackbox

package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// sender is how a worker gets its commands to a node.
type sender interface {
	// do runs one command on a key.
	do(key string, args ...string) attempt
	// close drops all connections.
	close()
}

// attempt is what became of a command.
type attempt struct {
	node  int // that answered, or should have
	reply []byte
	end   Outcome
	took  time.Duration
	able  bool // the node was able to answer all the time
}

// worker does one operation after the other, and keeps count.
type worker struct {
	crew *crew
	id   int
	kind kind
	via  sender
	work func() // one operation

	// Under the crew's gate.
	tally     Tally
	succeeded time.Time // when it last had a success
}

type kind int

const (
	moving  kind = iota // through the forward faces, to another node when one fails
	staying             // through one forward face
	routed              // through the cluster faces, following MOVED
	loose               // through one forward face, at ONE and ANY
)

func (o *worker) run(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	defer o.via.close()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			o.crew.gate.RLock()
			o.work()
			o.crew.gate.RUnlock()
		}
	}
}

// do sends a command and counts how it ended.
func (o *worker) do(key string, args ...string) ([]byte, Outcome) {
	a := o.via.do(key, args...)
	now := time.Now()
	t := &o.tally
	t.Counts[a.end]++
	if a.reply != nil && a.able {
		t.Longest[a.end] = max(t.Longest[a.end], a.took)
		if a.took > AnswerWithin {
			o.crew.wrong(Late, fmt.Errorf("node %d answered %v after %v", a.node+1, args, a.took))
		}
	}
	switch a.end {
	case OK:
		t.pause(now.Sub(o.succeeded), o.succeeded)
		o.succeeded = now
	case Other:
		t.Odd = string(a.reply)
	}
	return a.reply, a.end
}

// bookkeeper writes its own keys and reads those of all.
type bookkeeper struct {
	*worker
	rng       *rand.Rand
	registers []*Ledger
	counters  []*Counter
	fresh     int // keys made so far, for their names
}

func newBookkeeper(o *worker, rng *rand.Rand) *bookkeeper {
	b := &bookkeeper{worker: o, rng: rng}
	for range registersEach {
		b.registers = append(b.registers, o.crew.newLedger(b.name("r")))
	}
	for range countersEach {
		b.counters = append(b.counters, o.crew.newCounter(b.name("c")))
	}
	return b
}

func (b *bookkeeper) name(kind string) string {
	b.fresh++
	return fmt.Sprintf("chaos:%s:%d:%d", kind, b.id, b.fresh)
}

func (b *bookkeeper) step() {
	var err error
	switch p := b.rng.IntN(100); {
	case p < 35:
		err = b.register().Set(b.do)
	case p < 50:
		err = b.counters[b.rng.IntN(len(b.counters))].Increment(b.do)
	case p < 60:
		err = b.counters[b.rng.IntN(len(b.counters))].Get(b.do)
	case p < 80:
		err = b.registers[b.rng.IntN(len(b.registers))].Get(b.do)
	default:
		err = b.crew.anyLedger(b.rng).Get(b.do)
	}
	b.crew.wrong(Stale, err)
}

// register is one to write, which takes the place of one that is worn.
func (b *bookkeeper) register() *Ledger {
	i := b.rng.IntN(len(b.registers))
	if b.registers[i].Worn() {
		b.registers[i] = b.crew.newLedger(b.name("r"))
	}
	return b.registers[i]
}

// scribbler writes keys of its own, each once, at ANY and ONE in turns, and
// remembers what was acknowledged until it is looked for.
type scribbler struct {
	*worker
	fresh int

	// Under the crew's gate:
	acked   []string // the value is the key
	refused int      // writes at ANY, which a node that lives never does
}

func (s *scribbler) step() {
	s.fresh++
	level := []string{"ANY", "ONE"}[s.fresh%2]
	key := fmt.Sprintf("chaos:%s:%d:%d", level, s.id, s.fresh)
	switch _, end := s.do(key, "AT", level, "SET", key, key); {
	case end == OK:
		s.acked = append(s.acked, key)
	case end == Refused && level == "ANY":
		s.refused++
	}
}
