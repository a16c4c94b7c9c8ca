package peer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"time"

	"github.com/rondokv/rondo/cluster/wire"
)

// run is the goroutine that connects to the peer and then writes, as long as there is the link.
func (k *link) run() {
	var pause time.Duration
	for !k.gone() {
		h, err := k.connect()
		if err != nil {
			k.failed(err)
		} else {
			k.write(h)
			k.mu.Lock()
			if h.proof {
				pause = -1 // it did work: try anew at once
			}
			k.mu.Unlock()
		}
		if pause = nextPause(pause, &k.links.limits); !k.rest(pause) {
			return
		}
	}
}

// nextPause doubles the pause within its bounds; a negative one means none now.
func nextPause(pause time.Duration, l *Limits) time.Duration {
	if pause < 0 {
		return 0
	}
	return min(max(2*pause, l.BackoffMin), l.BackoffMax)
}

// rest waits for between half of pause and all of it, or until it is known that dialing makes sense; false when closing.
func (k *link) rest(pause time.Duration) bool {
	if pause > 0 {
		pause = pause/2 + rand.N(pause/2+1)
	}
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
	case <-k.kick:
	case <-k.links.ctx.Done():
		return false
	}
	return true
}

// connect dials the peer and shakes hands.
func (k *link) connect() (*half, error) {
	l := k.links
	k.mu.Lock()
	addr := k.addr
	k.mu.Unlock()
	until := time.Now().Add(l.limits.Handshake)
	ctx, cancel := context.WithDeadline(l.ctx, until)
	defer cancel()
	raw, err := l.dialer(ctx, addr)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	stop := context.AfterFunc(l.ctx, func() { _ = raw.Close() })
	defer stop()
	h, err := k.greet(raw, until)
	if err == nil {
		err = k.holdOut(h, addr)
	}
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	return h, nil
}

// cluster returns the one to say hello for.
func (k *link) cluster() ClusterID {
	l := k.links.lineage()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.former && k.survivor.Load() && l.before != (ClusterID{}) {
		return l.before
	}
	return l.now
}

// greet says hello and reads the answer.
func (k *link) greet(raw net.Conn, until time.Time) (*half, error) {
	l := k.links
	if err := raw.SetDeadline(until); err != nil {
		return nil, fmt.Errorf("set deadline: %w", err)
	}
	conn := raw
	if l.tls != nil {
		var err error
		if conn, err = l.tls.client(l.ctx, raw, k.id); err != nil {
			return nil, err
		}
	}
	h := hello{lowest: lowestVersion, highest: wire.Version, cluster: k.cluster(), from: l.self, to: k.id, inc: l.inc}
	if _, err := conn.Write(appendHello(nil, &h)); err != nil {
		return nil, fmt.Errorf("say hello: %w", err)
	}
	kind, body, err := readGreeting(conn)
	if err != nil {
		return nil, err
	}
	w, err := decodeWelcome(kind, body)
	switch {
	case err != nil:
		return nil, err
	case w.node != k.id:
		return nil, fmt.Errorf("%w: %016x", errMeant, uint64(w.node))
	case w.version < lowestVersion || w.version > wire.Version:
		return nil, fmt.Errorf("%w: version %d, this node speaks %d to %d", errGreeting, w.version, lowestVersion, wire.Version)
	}
	if err := raw.SetDeadline(time.Time{}); err != nil {
		return nil, fmt.Errorf("set deadline: %w", err)
	}
	return &half{conn: conn, raw: raw, inc: w.inc}, nil
}

// failed takes in that the peer could not be connected to.
func (k *link) failed(err error) {
	if k.links.ctx.Err() != nil {
		return
	}
	var refused *RefusedError
	k.mu.Lock()
	k.counts.failures++
	if errors.As(err, &refused) && refused.Reason == RefusedCluster {
		k.former = !k.former // it may not have heard that the cluster goes on under another id
	}
	k.fallLocked("cannot connect") // it cannot be made anew at once
	say, more := k.grumble.now(k.links.now())
	addr, removed := k.addr, k.removed
	k.mu.Unlock()
	if !say || removed {
		return
	}
	level := slog.LevelInfo
	if refused != nil || errors.Is(err, errOlder) || errors.Is(err, errMeant) {
		level = slog.LevelWarn // waiting will not help
	}
	k.links.log.Log(k.links.ctx, level, "cannot connect to peer", "peer", k.name(), "addr", addr, "err", err, "unreported", more)
}

func (k *link) name() string { return fmt.Sprintf("%016x", uint64(k.id)) }
