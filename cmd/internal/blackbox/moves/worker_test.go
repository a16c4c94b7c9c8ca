//go:build blackbox

package moves

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"time"

	"github.com/rondokv/rondo/cmd/internal/blackbox/chaos"
	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

const (
	patience = 10 * time.Second // for an answer
	mostHops = 5                // how often a command is sent on
	ownKeys  = 150              // registers of a worker, so that each partition has some
	avoidFor = 5 * time.Second  // a node that failed is asked nothing, unless it is named as an owner
	counters = 10
)

type kind int

const (
	forward kind = iota // to one forward face after the other: the next when one fails
	cluster             // to the cluster face that is said to own the key
	kinds
)

// worker does one operation after the other.
type worker struct {
	crew     *crew
	kind     kind
	rng      *rand.Rand
	at       int // node that a forward worker talks to
	conns    map[*harness.Node]*harness.Conn
	owner    map[string]*harness.Node
	avoid    map[*harness.Node]time.Time // until when
	ledgers  []*chaos.Ledger
	counters []*chaos.Counter
	fresh    int
	id       int

	tally Tally // under the crew's gate
}

func (o *worker) run(ctx context.Context) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	defer o.hangUp()
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

// hangUp drops all connections.
func (o *worker) hangUp() {
	for n, c := range o.conns {
		_ = c.Close() // nothing is under way
		delete(o.conns, n)
	}
}

func (o *worker) name(kind string) string {
	o.fresh++
	return fmt.Sprintf("moves:%s:%d:%d", kind, o.id, o.fresh)
}

func (o *worker) step() {
	var err error
	switch p := o.rng.IntN(100); {
	case p < 45:
		err = o.register().Set(o.do)
	case p < 55:
		err = o.counters[o.rng.IntN(len(o.counters))].Increment(o.do)
	case p < 75:
		err = o.ledgers[o.rng.IntN(len(o.ledgers))].Get(o.do)
	default:
		err = o.crew.anyLedger(o.rng).Get(o.do)
	}
	o.crew.stale(err)
}

// register is one to write, which takes the place of one that is worn.
func (o *worker) register() *chaos.Ledger {
	i := o.rng.IntN(len(o.ledgers))
	if o.ledgers[i].Worn() {
		o.ledgers[i] = o.crew.newLedger(o.name("r"))
	}
	return o.ledgers[i]
}

// do runs a command and counts how it ended.
func (o *worker) do(key string, args ...string) ([]byte, chaos.Outcome) {
	began := time.Now()
	reply, end := o.send(key, args)
	o.tally.Calls = append(o.tally.Calls, time.Since(began))
	switch {
	case end == chaos.OK:
	case reply != nil:
		o.tally.Error(plainText(reply), 1)
		o.crew.note("%v: %s after %v", args, bytes.TrimSpace(reply), time.Since(began).Round(time.Millisecond))
	default:
		o.tally.Broken++
	}
	return reply, end
}

// plainText is an error reply without what makes two of a kind differ.
func plainText(reply []byte) string {
	return string(regexp.MustCompile(`[0-9]+([.:][0-9]+)*`).ReplaceAll(bytes.TrimSpace(reply), []byte("#")))
}

func (o *worker) send(key string, args []string) ([]byte, chaos.Outcome) {
	nodes := o.crew.at()
	if o.kind == forward {
		n := nodes[o.at%len(nodes)]
		reply, end := o.ask(n, n.Forward, args)
		if reply == nil {
			o.at++
		}
		return reply, end
	}
	var reply []byte
	end := chaos.Moved
	for hop := 0; hop < mostHops && end == chaos.Moved; hop++ {
		n := o.owner[key]
		if n == nil {
			n = o.any(nodes)
		}
		if reply, end = o.ask(n, n.Clients, args); end == chaos.Moved {
			o.tally.Moved++
			fields := bytes.Fields(reply)
			o.owner[key] = o.crew.find(string(fields[len(fields)-1]))
		} else if reply == nil {
			o.avoid[n] = time.Now().Add(avoidFor)
			for k, owner := range o.owner { // a client library fetches its map again
				if owner == n {
					delete(o.owner, k)
				}
			}
		} else if o.owner[key] == nil {
			o.owner[key] = n
		}
	}
	return reply, end
}

// any picks a node, but not one that failed of late if there is another.
func (o *worker) any(nodes []*harness.Node) *harness.Node {
	from := o.rng.IntN(len(nodes))
	for i := range nodes {
		if n := nodes[(from+i)%len(nodes)]; time.Now().After(o.avoid[n]) {
			return n
		}
	}
	return nodes[from]
}

// ask sends a command to a node, over a connection that is there or a new one.
func (o *worker) ask(n *harness.Node, addr string, args []string) ([]byte, chaos.Outcome) {
	c := o.conns[n]
	if c == nil {
		var err error
		if c, err = harness.Connect(addr); err != nil {
			return nil, chaos.Unreached
		}
		c.Timeout = patience
		o.conns[n] = c
	}
	err := c.Send(harness.AppendCommand(nil, args...))
	var reply []byte
	if err == nil {
		reply, err = c.Receive()
	}
	if err != nil {
		_ = c.Close() // it is broken
		delete(o.conns, n)
		return nil, chaos.Silent
	}
	return reply, chaos.OutcomeOf(reply)
}
