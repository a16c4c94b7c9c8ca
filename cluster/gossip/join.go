package gossip

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"
)

const (
	maxTries      = 4 // under way at once
	maxPerName    = 8 // addresses of one DNS name, chosen at random
	lookupTimeout = 2 * time.Second

	tryFirst     = 200 * time.Millisecond
	tryAlone     = 5 * time.Second  // the longest pause while this node knows nobody
	tryInCompany = 30 * time.Second // and otherwise: two groups that never met do so by their seeds
	tryDeadFirst = time.Second      // memberlist forgets the dead; a cut that heals later is found by asking
)

// target is an address to be tried: a seed, or that of a member that died.
type target struct {
	addr   string
	seed   bool
	next   time.Time
	pause  time.Duration
	misses int
	busy   bool
}

// joinLoop looks for company: seeds until they answer and now and then afterwards, and dead members.
func (g *Gossip) joinLoop() {
	targets := map[string]*target{}
	for _, s := range g.seeds {
		targets[s] = &target{addr: s, seed: true, pause: tryFirst}
	}
	results := make(chan result, maxTries)
	running := 0
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-g.look:
		case <-timer.C:
		case r := <-results:
			running--
			g.tried(r)
		case <-g.failed:
			return
		case <-g.ctx.Done():
			return
		}
		now := time.Now()
		g.collectDead(now, targets)
		wake := now.Add(tryInCompany)
		for _, t := range targets {
			switch {
			case t.busy:
			case t.next.After(now):
				wake = sooner(wake, t.next)
			case running < maxTries:
				t.busy = true
				running++
				g.wg.Go(func() { results <- result{t, g.try(t.addr)} })
			}
		}
		timer.Reset(wake.Sub(now))
	}
}

type result struct {
	t   *target
	err error
}

// collectDead makes the dead targets, and those that are back none.
func (g *Gossip) collectDead(now time.Time, targets map[string]*target) {
	g.mu.Lock()
	defer g.mu.Unlock()
	dead := map[string]bool{}
	for _, e := range g.table.entries {
		if e.swim || e.told.leaving {
			continue
		}
		name := nodeName(e.id) // never that of a seed, which has a port
		dead[name] = true
		if targets[name] == nil {
			targets[name] = &target{addr: e.addr, next: now.Add(jitter(tryDeadFirst)), pause: tryDeadFirst}
		}
	}
	for name, t := range targets {
		if !t.seed && !t.busy && !dead[name] {
			delete(targets, name)
		}
	}
}

// tried plans the next try.
func (g *Gossip) tried(r result) {
	t := r.t
	t.busy = false
	longest := tryInCompany
	if t.seed && !g.inCompany() {
		longest = tryAlone
	}
	g.mu.Lock()
	g.joinErr = r.err
	g.mu.Unlock()
	if r.err == nil {
		if t.misses > 0 || t.pause == tryFirst {
			g.log.Info("gossip: joined", "address", t.addr)
		}
		t.misses, t.pause, t.next = 0, tryDeadFirst, time.Now().Add(jitter(tryInCompany))
		return
	}
	t.misses++
	if t.seed && t.misses&(t.misses-1) == 0 { // the 1st, 2nd, 4th, 8th ...
		g.log.Warn("gossip: could not join by seed (wrong cluster id or key, if it is up)", "seed", t.addr, "tries", t.misses, "error", r.err)
	}
	t.pause = min(t.pause*2, longest)
	t.next = time.Now().Add(jitter(t.pause))
}

// jitter is between half and one and a half of d.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d) }

var errOnlySelf = errors.New("gossip: no other node there")

// try exchanges all that is known with whoever listens at an address, unless that is a member that is up.
func (g *Gossip) try(addr string) error {
	ctx, cancel := context.WithTimeout(g.ctx, lookupTimeout)
	addrs, err := lookup(ctx, addr)
	cancel()
	if err != nil {
		return err
	}
	var errs []error
	for _, ap := range addrs {
		s := ap.String()
		if s == g.addr {
			continue
		}
		if g.isUp(s) {
			return nil
		}
		if _, err := g.ml.Join([]string{s}); err != nil {
			errs = append(errs, oneLine(err))
			continue
		}
		if g.inCompany() {
			return nil
		}
	}
	if len(errs) == 0 {
		return errOnlySelf
	}
	return errors.Join(errs...)
}

// oneLine takes the error of the one address asked out of memberlist's list of all, which prints on several lines.
func oneLine(err error) error {
	if list, ok := err.(interface{ WrappedErrors() []error }); ok && len(list.WrappedErrors()) == 1 {
		return list.WrappedErrors()[0]
	}
	return err
}

// isUp says whether a member that is up gossips at that address.
func (g *Gossip) isUp(addr string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, e := range g.table.entries {
		if e.swim && e.addr == addr {
			return true
		}
	}
	return false
}

// lookup resolves host:port anew, to a bounded number of addresses in random order.
func lookup(ctx context.Context, addr string) ([]netip.AddrPort, error) {
	host, port, err := splitAddress(addr)
	if err != nil {
		return nil, fmt.Errorf("gossip: seed %q: %w", addr, err)
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("gossip: seed %q: %w", addr, err)
	}
	rand.Shuffle(len(ips), func(i, j int) { ips[i], ips[j] = ips[j], ips[i] })
	var found []netip.AddrPort
	for _, ip := range ips[:min(len(ips), maxPerName)] {
		found = append(found, netip.AddrPortFrom(ip.Unmap(), port))
	}
	return found, nil
}
