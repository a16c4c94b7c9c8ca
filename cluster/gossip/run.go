package gossip

import (
	"cmp"
	"math"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/rondokv/rondo/engine/object"
)

// idle is the longest that run sleeps.
const idle = time.Second

// run does what is due: hold-downs that end, members to be asked, news of this node to be told.
func (g *Gossip) run() {
	timer := time.NewTimer(idle)
	defer timer.Stop()
	for {
		select {
		case <-g.poke:
		case <-timer.C:
		case <-g.ctx.Done():
			return
		}
		timer.Reset(g.step(time.Now()))
	}
}

// step returns after how long there is more to do.
func (g *Gossip) step(now time.Time) time.Duration {
	g.mu.Lock()
	g.table.tidy(now)
	if g.table.judge(now) {
		g.publish(now)
	}
	if c := g.table.complaints(); !slices.Equal(c, g.mine.unheard) {
		g.mine.unheard = c
	}
	asks, wake := g.table.asks(now, maxAsks-len(g.asks))
	say, at := g.said.due(now, &g.mine, len(g.table.entries)+1)
	wake = sooner(sooner(wake, at), g.table.nextRelease(now))
	gone := g.gone
	say = say && !g.mine.leaving // Leave says that itself, and a second message would take the place of its own
	g.mu.Unlock()
	if gone {
		return idle
	}
	for _, q := range asks {
		g.asks <- struct{}{} // there is room: only this goroutine fills it
		g.wg.Go(func() { g.ask(q) })
	}
	if say {
		// It would wait until the news has been passed on, which nobody here does. Its only error is that it did not wait.
		_ = g.ml.UpdateNode(time.Millisecond)
	}
	return rest(now, wake)
}

// rest is for how long to sleep until wake; zero: there is nothing to wake for.
func rest(now, wake time.Time) time.Duration {
	if wake.IsZero() {
		return idle
	}
	return max(min(wake.Sub(now), idle), time.Millisecond)
}

// sooner is the earlier of two times, of which zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// question is a ping of our own: is this life of a member there, and does it hear us?
type question struct {
	id          object.NodeID
	incarnation object.Incarnation
	addr        string
}

func (g *Gossip) ask(q question) {
	rtt, err := g.ping(q.id, q.addr)
	<-g.asks
	g.change(func(now time.Time) bool {
		g.table.asked(now, q.id)
		if err != nil {
			return g.table.missed(q.id, q.incarnation)
		}
		return g.table.answered(now, q.id, q.incarnation, rtt)
	})
	signal(g.poke)
}

// ping sends one packet straight to an address and waits for the answer, at most probeTimeout. Only a node of that id answers.
func (g *Gossip) ping(id object.NodeID, addr string) (time.Duration, error) {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		return 0, err
	}
	return g.ml.Ping(nodeName(id), net.UDPAddrFromAddrPort(ap))
}

// askEvery is how old an answer may get: 5 s, more with many members, so that a node sends ten pings of its own a second at
// the most. Links that are reported up make them superfluous.
func askEvery(members int) time.Duration {
	return max(5*time.Second, time.Duration(members)*100*time.Millisecond)
}

// askAgain is the pause after the misses-th packet without an answer.
func askAgain(misses int) time.Duration { return time.Duration(misses) * 250 * time.Millisecond }

// asks picks whom to ask now, at most n, longest due first, and says when the next is due.
func (t *table) asks(now time.Time, n int) (due []question, next time.Time) {
	var found []*entry
	for _, e := range t.entries {
		if !e.swim || e.told.leaving || e.asking {
			continue
		}
		at := e.nextAsk
		if old := e.heard.Add(askEvery(len(t.entries))); e.proven && e.misses == 0 && old.After(at) {
			at = old
		}
		if at.After(now) {
			next = sooner(next, at)
		} else {
			found = append(found, e)
		}
	}
	slices.SortFunc(found, func(a, b *entry) int { return cmp.Or(a.nextAsk.Compare(b.nextAsk), cmp.Compare(a.id, b.id)) })
	for _, e := range found[:min(len(found), max(n, 0))] {
		e.asking = true
		due = append(due, question{e.id, e.told.incarnation, e.addr})
	}
	return due, next
}

// asked notes that an ask has ended, before its outcome is noted.
func (t *table) asked(now time.Time, id object.NodeID) {
	if e := t.entries[id]; e != nil {
		e.asking, e.nextAsk = false, now.Add(askAgain(e.misses+1))
	}
}

// nextRelease is when the next hold-down ends; zero: none.
func (t *table) nextRelease(now time.Time) (next time.Time) {
	for _, e := range t.entries {
		if e.doubt == Flapping && e.held.After(now) {
			next = sooner(next, e.held)
		}
	}
	return next
}

// How long after the last message the next may follow, by what is new. A message is passed on by every node several times.
const (
	gapNews  = 200 * time.Millisecond // epoch, addresses, keys, leaving
	gapVotes = time.Second
	gapLoad  = 10 * time.Second // up to 30 members, then so that the whole cluster sends 3 a second
)

// saying is what this node said last.
type saying struct {
	last announcement
	at   time.Time
}

// due says whether to speak now, and otherwise when; zero: there is nothing to say.
func (s *saying) due(now time.Time, mine *announcement, members int) (bool, time.Time) {
	gap := time.Duration(math.MaxInt64)
	last := s.last
	if last.Load != mine.Load {
		gap = max(gapLoad, time.Duration(members)*time.Second/3)
	}
	if !slices.Equal(last.unheard, mine.unheard) {
		gap = gapVotes
	}
	last.unheard = mine.unheard
	if !last.sameButLoad(mine) {
		gap = gapNews
	}
	if gap == math.MaxInt64 {
		return false, time.Time{}
	}
	if at := s.at.Add(gap); at.After(now) {
		return false, at
	}
	s.last, s.at = *mine, now
	return true, time.Time{}
}
