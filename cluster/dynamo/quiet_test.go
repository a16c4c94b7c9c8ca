package dynamo

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestNothingIsLeft runs thousands of random operations among random faults, heals, and looks for what was left: operations,
// hints, timers, held answers, replicas that differ. What the operations answered is not its business.
func TestNothingIsLeft(t *testing.T) {
	operations := 10_000
	if testing.Short() {
		operations = 1_000
	}
	for seed := range uint64(4) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			s, err := newStageOf("cluster nodes=5 replicas=3 repair-one-in=16")
			if err != nil {
				t.Fatal(err)
			}
			s.quiet = true
			chaos := &chaos{s: s, r: rand.New(rand.NewPCG(seed, 7)), t: t}
			for range operations / 4 {
				chaos.act()
			}
			if err := s.settle(); err != nil {
				t.Fatal(err)
			}
			for _, a := range s.nodes {
				p := a.p
				if p.ops.len() > 0 || p.held.len() > 0 || len(p.replays) > 0 || len(p.free) > maxFree {
					t.Errorf("%s is left with %d operations, %d held, %d replays, %d free", a.name, p.ops.len(), p.held.len(), len(p.replays), len(p.free))
				}
				for _, op := range p.free {
					if op.req != nil || op.sent != nil || op.read != nil || op.listed || op.gathered != nil {
						t.Errorf("%s keeps something alive in an operation that may be used again", a.name)
					}
				}
				if p.local.View.Keys = p.local.View.Keys[:cap(p.local.View.Keys)]; len(p.local.View.Keys) > 0 && !p.local.View.Keys[0].Row.IsZero() {
					t.Errorf("%s keeps a row alive", a.name)
				}
			}
		})
	}
}

// chaos draws operations and faults.
type chaos struct {
	s *stage
	r *rand.Rand
	t *testing.T
}

func (c *chaos) pick(words ...string) string { return words[c.r.IntN(len(words))] }

func (c *chaos) node() string { return c.pick("a", "b", "c", "d", "e") }

func (c *chaos) act() {
	if c.r.IntN(10) < 8 {
		c.operate()
	} else {
		c.disturb()
	}
	if c.r.IntN(3) == 0 {
		c.run(fmt.Sprintf("advance %dms", c.r.IntN(60)))
	}
}

func (c *chaos) operate() {
	key := fmt.Sprint(c.r.IntN(3))
	op := c.pick("GET s", "SET s", "SET s", "APPEND s", "CAS s", "INCR n", "INCR n", "DEL s", "GET n", "SETEX s", "EXPIRE s", "MULTI", "HSET h", "HGETALL h", "HDEL h", "PUT p", "VALUES p") + key
	value := fmt.Sprint(len(c.s.requests))
	switch op[:3] {
	case "SET", "APP", "PUT":
		op += " " + value
		if op[:5] == "SETEX" {
			op = "SETEX s" + key + " 50 " + value
		}
	case "CAS":
		op += " x " + value
	case "EXP":
		op += " 50"
	case "MUL":
		op = "MULTI SET s0 " + value + " ; SET s1 " + value
	case "HSE":
		op += " f" + key + " " + value
	case "HDE":
		op += " f" + key
	}
	level := c.pick("QUORUM", "QUORUM", "QUORUM", "ONE", "ALL", "TWO", "ANY", "QUORUM/SLOPPY", "ONE/SLOPPY")
	c.run(c.node() + ": " + op + " " + level)
}

func (c *chaos) disturb() {
	a, b := c.node(), c.node()
	switch c.r.IntN(14) {
	case 0:
		c.run("hold " + a + "->")
	case 1:
		c.run("hold " + c.pick("ack", "write", "same", "rows", "read", "hint", "hidden", "write-back", "pass", "answer"))
	case 2, 3:
		c.run("release")
	case 4:
		c.run("cut " + a + "->" + b)
	case 5, 6:
		c.run("heal")
	case 7:
		c.run(a + " suspects " + b)
	case 8:
		c.run(c.pick("full ", "room ", "room ") + a)
	case 9:
		c.run(c.pick("slow ", "sync ", "fast ", "fast ") + a)
	case 10:
		c.run(fmt.Sprintf("clock %s %dms", a, c.r.IntN(6000)-3000))
	case 11:
		c.run(fmt.Sprintf("crash %s keep=%d %s", a, c.r.IntN(3), c.pick("", "quietly")))
		c.run("restart " + a)
	case 12:
		c.run(c.pick("down ", "up ") + a)
	case 13:
		if len(c.s.held) > 0 {
			c.s.held = c.s.held[1:]
		}
	}
}

func (c *chaos) run(line string) {
	if err := c.s.run(line); err != nil {
		c.t.Fatalf("%s: %v", line, err)
	}
}
