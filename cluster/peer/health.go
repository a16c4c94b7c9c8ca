package peer

import "time"

// watch is the goroutine that looks after the health of all links: a ticker for all of them, and no timer for each.
func (l *Links) watch() {
	t := time.NewTicker(l.limits.tick())
	defer t.Stop()
	last, late := l.now(), time.Duration(0)
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-t.C:
		}
		now := l.now()
		if now-last > l.limits.DownAfter/2 {
			late = now // this node stood still: what it did not hear is nobody's fault
		}
		last = now
		for _, k := range *l.links.Load() {
			k.check(now, late)
		}
	}
}

// check pings the peer when it is time to, and draws conclusions from what it did not say.
func (k *link) check(now, late time.Duration) {
	limits := &k.links.limits
	var out, in *half // to lose
	k.mu.Lock()
	if k.in != nil {
		if k.heard.Swap(false) {
			k.in.heard = now
		} else if now-max(k.in.heard, late) > limits.silence() {
			in = k.in
		}
	}
	if k.up && k.broken != 0 && now-max(k.broken, late) > limits.remake() {
		k.fallLocked("connection broken")
	}
	since := now - k.ping.at
	switch {
	case k.out == nil:
	case k.ping.open && k.in != nil:
		if k.silentLocked(now, late) {
			k.counts.silences++
			k.fallLocked("no answer to a ping")
			out = k.out
		}
	case since >= limits.IdlePing, k.traffic && since >= limits.busyPing():
		if !k.traffic && !k.writing && k.queue.empty() {
			k.queue.trim()
		}
		k.pingLocked(now)
		k.wakeLocked()
	}
	k.mu.Unlock()
	k.loseOut(out)
	k.loseIn(in)
}

// silentLocked reports whether the ping has gone unanswered for too long. While a backlog or a long frame is on its way,
// before the ping or before its pong, the peer has more time as long as that moves, but not without end.
func (k *link) silentLocked(now, late time.Duration) bool {
	limits := &k.links.limits
	asked := max(k.ping.at, late)
	moved := max(asked, time.Duration(k.moved.Load()))
	return now-moved >= limits.DownAfter || now-asked >= limits.most()
}

// pingLocked sends a ping; the one before is not waited for any more.
func (k *link) pingLocked(now time.Duration) {
	k.ping = ping{n: k.ping.n + 1, at: now, open: true}
	k.traffic = false
	k.queue.control(kindPing, k.ping.n)
}

// pinged answers a ping that came in over h: over the connection out, for only so does the peer learn that this node
// hears it AND is heard.
func (k *link) pinged(h *half, n uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.in != h:
	case k.out == nil:
		k.owed, k.owes = n, true
	default:
		k.queue.control(kindPong, n)
		k.wakeLocked()
	}
}

// ponged takes the answer to a ping.
func (k *link) ponged(h *half, n uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.in != h || k.out == nil || !k.ping.open || n != k.ping.n {
		return
	}
	k.ping.open = false
	k.broken = 0
	k.out.proof = true
	took := k.links.now() - k.ping.at
	if k.latency == 0 {
		k.latency = took
	}
	k.latency += (took - k.latency) / 8
	if !k.up {
		k.up = true
		k.grumble = grumble{}
		k.links.report(k)
	}
}

// breakLocked takes in that one of the connections is gone, or is another than before.
func (k *link) breakLocked() {
	k.ping.open = false
	if k.up && k.broken == 0 {
		k.broken = k.links.now()
	}
}

// fallLocked takes in that the link does not work.
func (k *link) fallLocked(why string) {
	if !k.up {
		return
	}
	k.up, k.fell, k.broken, k.why = false, true, 0, why
	k.links.report(k)
}

// unsaid returns what the handler has to be told: Down, Up or both in this order.
func (k *link) unsaid() (down, up bool, why string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	down = k.told && (k.fell || !k.up)
	up = k.up && (down || !k.told)
	k.told, k.fell = k.up, false
	return down, up, k.why
}
