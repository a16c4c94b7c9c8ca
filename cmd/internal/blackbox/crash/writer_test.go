//go:build blackbox

package crash

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync/atomic"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

const (
	writers       = 8
	keysAWriter   = 600
	pairsAWriter  = 40
	sharedCounter = "shared:counter"
)

// writer is one connection's load and what it knows of it.
type writer struct {
	id     int
	depth  int // commands, or transactions, sent before replies are read
	rng    *rand.Rand
	seq    uint64
	ledger *Ledger
	own    Counter // of the counter that only this writer increments
	shared Counter // this writer's part in the shared one
	acks   *atomic.Int64
}

func newWriter(id int, seed uint64, acks *atomic.Int64) *writer {
	depth := 1
	if id%2 == 1 {
		depth = 1 << (2 + id/2) // 4, 8, 16, 32
	}
	return &writer{id: id, depth: depth, rng: rand.New(rand.NewPCG(seed, uint64(id))), ledger: NewLedger(), acks: acks}
}

func (w *writer) ownCounter() string { return "w" + strconv.Itoa(w.id) + ":counter" }

// pending is one operation that was sent.
type pending struct {
	replies int                      // how many it gets; the last one counts
	acked   func(reply []byte) error // notes it; the error is a reply that cannot be right
}

// errReply is a reply that no crash explains.
var errReply = errors.New("wrong reply")

// run writes until the connection breaks, which is what is expected of it, or
// a reply is wrong.
func (w *writer) run(addr string) error {
	c, err := harness.Connect(addr)
	if err != nil {
		return fmt.Errorf("%w: %w", errReply, err)
	}
	defer func() { _ = c.Close() }() // broken most of the time
	var out []byte
	var sent []pending
	for {
		out, sent = out[:0], sent[:0]
		for range w.depth {
			var p pending
			out, p = w.next(out)
			sent = append(sent, p)
		}
		if c.Send(out) != nil {
			return nil
		}
		for _, p := range sent {
			var reply []byte
			for range p.replies {
				if reply, err = c.Receive(); err != nil {
					return nil
				}
				if reply[0] == '-' {
					return fmt.Errorf("%w: %q", errReply, reply)
				}
			}
			if err := p.acked(reply); err != nil {
				return err
			}
			w.acks.Add(1)
		}
	}
}

// next appends the next operation and notes that it was sent.
func (w *writer) next(out []byte) ([]byte, pending) {
	switch n := w.rng.IntN(100); {
	case n < 62:
		return w.set(out, false)
	case n < 70:
		return w.set(out, true)
	case n < 80:
		return w.del(out)
	case n < 90:
		return w.incr(out, w.ownCounter(), &w.own, true)
	case n < 95:
		return w.incr(out, sharedCounter, &w.shared, false)
	default:
		return w.pair(out)
	}
}

func (w *writer) key() string {
	return fmt.Sprintf("w%d:k%d", w.id, w.rng.IntN(keysAWriter))
}

func (w *writer) set(out []byte, expires bool) ([]byte, pending) {
	w.seq++
	key := w.key()
	args := []string{"SET", key, string(Value(key, w.seq))}
	if expires {
		args = append(args, "EX", "100000")
	}
	w.ledger.Sent(key, State{Seq: w.seq, Expires: expires})
	return harness.AppendCommand(out, args...), pending{replies: 1, acked: func(reply []byte) error {
		w.ledger.Acked(key)
		return expect(reply, "+OK\r\n")
	}}
}

func (w *writer) del(out []byte) ([]byte, pending) {
	w.seq++
	key := w.key()
	w.ledger.Sent(key, State{Seq: w.seq, Absent: true})
	return harness.AppendCommand(out, "DEL", key), pending{replies: 1, acked: func(reply []byte) error {
		w.ledger.Acked(key)
		return expect(reply, ":0\r\n", ":1\r\n")
	}}
}

func (w *writer) incr(out []byte, key string, c *Counter, alone bool) ([]byte, pending) {
	c.Sent++
	return harness.AppendCommand(out, "INCR", key), pending{replies: 1, acked: func(reply []byte) error {
		c.Acked++
		n, err := integer(reply)
		if err == nil && (n < c.Acked || alone && n != c.Acked) {
			err = fmt.Errorf("%w: INCR %s answered %d after %d were acknowledged", errReply, key, n, c.Acked)
		}
		return err
	}}
}

// pair writes two keys of one slot in one transaction.
func (w *writer) pair(out []byte) ([]byte, pending) {
	w.seq++
	a, b := w.pairKeys(w.rng.IntN(pairsAWriter))
	w.ledger.Sent(a, State{Seq: w.seq})
	w.ledger.Sent(b, State{Seq: w.seq})
	out = harness.AppendCommand(out, "MULTI")
	out = harness.AppendCommand(out, "SET", a, string(Value(a, w.seq)))
	out = harness.AppendCommand(out, "SET", b, string(Value(b, w.seq)))
	return harness.AppendCommand(out, "EXEC"), pending{replies: 4, acked: func(reply []byte) error {
		w.ledger.Acked(a)
		w.ledger.Acked(b)
		return expect(reply, "*2\r\n+OK\r\n+OK\r\n")
	}}
}

func (w *writer) pairKeys(n int) (a, b string) {
	tag := fmt.Sprintf("{w%d:p%d}", w.id, n)
	return tag + "a", tag + "b"
}

func expect(reply []byte, oneOf ...string) error {
	for _, want := range oneOf {
		if string(reply) == want {
			return nil
		}
	}
	return fmt.Errorf("%w: %q, want %q", errReply, reply, oneOf)
}

func integer(reply []byte) (int64, error) {
	body, ok := bytes.CutPrefix(reply, []byte(":"))
	if !ok {
		return 0, fmt.Errorf("%w: %q, want a number", errReply, reply)
	}
	return strconv.ParseInt(string(bytes.TrimSpace(body)), 10, 64)
}
