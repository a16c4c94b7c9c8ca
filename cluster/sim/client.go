package sim

import (
	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/engine/object"
)

// client works in a closed loop: an operation, its answer or the end of its patience, a pause to think.
type client struct {
	w     *world
	index int
	r     rng
	home  int
	roams bool
	busy  bool
	guest bool      // of a recipe: one operation
	then  func()    // when it has succeeded
	again []command // to be tried again, after a refusal

	contexts []context // by key: of the last read of its siblings
}

type context struct {
	dots   []object.Dot
	tokens []uint64
	read   bool
}

func newClient(w *world, index int) *client {
	c := &client{w: w, index: index, r: newRNG(w.seed, drawClient+uint64(index))}
	c.home, c.roams = c.r.IntN(len(w.nodes)), c.r.chance(0.5)
	c.contexts = make([]context, len(w.plan.keys))
	return c
}

// think returns until when the client does nothing, on the grid of the plan.
func (c *client) think() Time {
	at := c.w.now + c.r.around(c.w.plan.think)
	if g := c.w.plan.grid; g > 1 {
		at = (at/g + 1) * g
	}
	return at - c.w.now
}

func (c *client) next() {
	w := c.w
	if w.phase != chaos {
		return
	}
	if w.opsLeft == 0 || w.now > maxChaos {
		w.clientDone()
		return
	}
	n := w.nodes[c.home]
	if c.roams || !n.up && c.r.chance(0.3) {
		n = w.nodes[c.r.IntN(len(w.nodes))]
	}
	n = w.serving(n, c.r)
	if !n.up || len(n.parts) == 0 {
		w.after(c.think()+10*millisecond, nil, c.next) // connection refused: nothing was sent
		return
	}
	w.opsLeft--
	commands := c.again
	c.again = nil
	if commands == nil {
		commands = c.drawCommands()
	}
	timeout := w.plan.deadline
	if c.r.chance(w.plan.hurried) {
		timeout = Time(c.r.Int64N(int64(20*millisecond))) + 1
	}
	levels, multi := c.drawLevels(), len(commands) > 1 && c.r.chance(0.7)
	if commands[0].verb == verbFlush {
		// As the node does it: above what a majority has seen.
		levels[0], multi = quorum.Choice{Level: quorum.Quorum}, false
	}
	rec := w.invoke(c.index, n, commands, levels, multi, timeout)
	c.busy = true
	w.begin(n, rec, c)
}

func (c *client) drawLevels() (levels [2]quorum.Choice) {
	p := c.w.plan
	levels[0] = p.levels[c.r.pick(p.weights)]
	levels[1] = p.levels[c.r.pick(p.weights)]
	if p.sameLevels {
		levels[1] = levels[0]
	}
	return levels
}

// verbWeights is how often a command is drawn, by class of its key.
func verbWeights(k *keyPlan) (w [verbs]int) {
	switch k.class {
	case classText:
		w = [verbs]int{verbGet: 30, verbSet: 20, verbSetKeepTTL: 3, verbGetSet: 5, verbSetNX: 5, verbAppend: 15, verbDel: 8}
		if k.expire {
			w[verbSetEx], w[verbExpire], w[verbPersist] = 6, 6, 4
			if k.brief {
				w[verbSetEx], w[verbExpire], w[verbPersist], w[verbSet] = 20, 20, 10, 5
			}
		}
	case classCounter:
		w = [verbs]int{verbGet: 25, verbIncr: 50}
		if k.resets {
			w[verbSet], w[verbDel], w[verbGetSet] = 4, 6, 3
		}
		if k.expire && k.brief {
			w[verbExpire], w[verbPersist] = 20, 8
		}
	case classHash:
		w = [verbs]int{verbGet: 20, verbHGet: 10, verbHSet: 30, verbHDel: 10, verbDel: 5}
		if k.resets {
			w[verbSet] = 3
		} else {
			w[verbHSetBlind] = 10
		}
		if k.expire {
			w[verbExpire], w[verbPersist] = 3, 2
			if k.brief {
				w[verbExpire], w[verbPersist] = 20, 10
			}
		}
	case classSiblings:
		w = [verbs]int{verbGet: 30, verbPut: 45, verbDrop: 8}
	}
	return w
}

func (c *client) drawCommands() []command {
	p := c.w.plan
	first := c.r.IntN(len(p.keys))
	if p.slides {
		// So that the last write of most keys is long before the end of the faults.
		done := p.ops - min(p.ops, c.w.opsLeft+1)
		first = min(done*len(p.keys)/p.ops+c.r.IntN(3), len(p.keys)-1)
	}
	if c.r.chance(p.flush) {
		return c.flush(first)
	}
	commands := []command{c.drawCommand(first)}
	if c.r.chance(p.multi) {
		for k := range p.keys {
			if k != first && p.keys[k].slot == p.keys[first].slot && len(commands) < 3 && c.r.chance(0.5) {
				commands = append(commands, c.drawCommand(k))
			}
		}
	}
	return commands
}

// flush clears the database in the partition of a key, and so all its keys.
func (c *client) flush(first int) (commands []command) {
	p := c.w.plan
	commands = append(commands, command{verb: verbFlush, key: first})
	for k := range p.keys {
		if k != first && c.w.partitionOf(p.keys[k].slot) == c.w.partitionOf(p.keys[first].slot) {
			commands = append(commands, command{verb: verbFlush, key: k})
		}
	}
	return commands
}

func (c *client) drawCommand(key int) command {
	k := &c.w.plan.keys[key]
	weights := verbWeights(k)
	if c.w.plan.blind && k.class != classCounter {
		// Whoever looks hears of others' clocks first.
		weights[verbSet] *= 8
		weights[verbSetKeepTTL] *= 4
		weights[verbHSetBlind] *= 8
		weights[verbGet] /= 3
	}
	return c.draw(key, verb(c.r.pick(weights[:])))
}

// draw draws what else there is to a command.
func (c *client) draw(key int, v verb) command {
	k := &c.w.plan.keys[key]
	cmd := command{verb: v, key: key}
	switch cmd.verb {
	case verbIncr:
		cmd.n = int64(c.r.between(1, 99))
		if k.down && c.r.chance(0.4) {
			cmd.n = -cmd.n
		}
	case verbSetEx, verbExpire:
		most := 4 * second
		if k.brief {
			most = 100 * millisecond
		}
		cmd.n = int64(c.r.log(5*millisecond, most) / millisecond)
	case verbHGet, verbHSet, verbHSetBlind, verbHDel:
		cmd.field = fieldName(c.r.IntN(fields))
	case verbPut, verbDrop:
		if ctx := &c.contexts[key]; ctx.read && c.r.chance(0.7) {
			cmd.hasContext, cmd.context, cmd.covers = true, ctx.dots, ctx.tokens
		}
	}
	return cmd
}

// answered takes the answer of an operation, or that there will be none.
func (c *client) answered(rec *record) {
	if c.guest {
		if c.then != nil && rec.outcome == succeeded {
			c.then()
		}
		return
	}
	c.busy = false
	if rec.outcome == succeeded {
		for i := range rec.commands {
			if res := &rec.results[i]; rec.commands[i].verb == verbGet && res.looked {
				c.contexts[rec.commands[i].key] = context{dots: res.saw.context, tokens: res.saw.siblings, read: true}
			}
		}
	}
	pause := Time(0)
	if rec.outcome == refused {
		// A run is about what happened: refusals hardly count, but clients back off.
		pause = Time(c.r.IntN(20)) * millisecond
		if c.r.chance(0.8) {
			c.w.opsLeft++
		}
		if c.r.chance(c.w.plan.retry) {
			for _, cmd := range rec.commands {
				cmd.token = 0
				c.again = append(c.again, cmd)
			}
		}
	}
	c.w.after(pause+c.think(), nil, c.next)
}

// maxChaos ends the clients' work in runs where everything waits for deadlines.
const maxChaos = 60 * second

// clientDone ends the chaos once every client is done.
func (w *world) clientDone() {
	for _, c := range w.clients {
		if c.busy {
			return
		}
	}
	w.heal()
}
