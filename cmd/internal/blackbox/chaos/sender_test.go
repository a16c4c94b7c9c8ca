//go:build blackbox

package chaos

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"time"
)

// plain sends everything to the forward face of one node.
type plain struct {
	clients  []*client
	at       int           // node it talks to
	patience time.Duration // for an answer
	rng      *rand.Rand    // to move; nil: it stays
	failed   bool          // the last command
}

func (p *plain) do(_ string, args ...string) attempt {
	// It moves now and then, so that a node that has returned gets its share; but, as with a pool of connections, not before
	// it has found one that works.
	if p.rng != nil && !p.failed && p.rng.IntN(100) == 0 {
		p.at = p.rng.IntN(len(p.clients))
	}
	a := timed(p.clients[p.at], p.at, p.patience, args)
	// A node that says TIMEOUT or has no room works as well as any other; UNAVAILABLE may be its own trouble.
	p.failed = a.end != OK && a.end != Full && a.end != Timeout
	if p.rng != nil && p.failed {
		p.at = (p.at + 1) % len(p.clients)
	}
	return a
}

func (p *plain) close() { closeAll(p.clients) }

func timed(k *client, at int, patience time.Duration, args []string) attempt {
	unable, began := k.node.unable.Load(), time.Now()
	reply, end := k.do(patience, args...)
	return attempt{node: at, reply: reply, end: end, took: time.Since(began), able: unable%2 == 0 && unable == k.node.unable.Load()}
}

func closeAll(clients []*client) {
	for _, k := range clients {
		_ = k.Close() // nothing is under way
	}
}

// mostHops is how often a command is sent on.
const mostHops = 5

// avoidFor is how long a follower asks a node nothing after it failed, unless it is named as an owner.
const avoidFor = 5 * time.Second

// follower sends each key to the cluster face of the node that it was last told
// owns it, as a cluster client does that begins with an empty map. What a node
// owned that fails it asks others for.
type follower struct {
	clients []*client
	rng     *rand.Rand
	owner   map[string]int
	avoid   []time.Time // by node: until when
}

func (f *follower) do(key string, args ...string) attempt {
	var a attempt
	for range mostHops {
		at, known := f.owner[key]
		if !known {
			at = f.any()
		}
		a = timed(f.clients[at], at, roamerPatience, args)
		switch a.end {
		case OK, Full, Timeout:
			f.avoid[at] = time.Time{}
			return a
		case Moved:
			if f.owner[key] = f.find(a.reply); f.owner[key] < 0 {
				delete(f.owner, key)
				a.end = Other
				return a
			}
		default:
			f.avoid[at] = time.Now().Add(avoidFor)
			maps.DeleteFunc(f.owner, func(_ string, owner int) bool { return owner == at })
			return a
		}
	}
	return a // sent about: it did not happen
}

// any picks a node at random, but not one that failed of late if there is another: then the one whose failure is longest ago.
func (f *follower) any() int {
	now, from := time.Now(), f.rng.IntN(len(f.clients))
	best := from
	for i := range f.clients {
		at := (from + i) % len(f.clients)
		if now.After(f.avoid[at]) {
			return at
		}
		if f.avoid[at].Before(f.avoid[best]) {
			best = at
		}
	}
	return best
}

// find returns the node that "-MOVED slot host:port" names.
func (f *follower) find(reply []byte) int {
	fields := bytes.Fields(reply)
	for i, k := range f.clients {
		if string(fields[len(fields)-1]) == k.addr {
			return i
		}
	}
	return -1
}

func (f *follower) close() { closeAll(f.clients) }
