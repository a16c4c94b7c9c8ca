package peer

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/rondokv/rondo/cluster/wire"
)

// accept is the goroutine that takes what peers dial.
func (l *Links) accept() {
	pause := time.Duration(0)
	for {
		conn, err := l.listener.Accept()
		if err != nil {
			if l.ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			// No file descriptors, for example: others may give some back.
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			l.log.Error("cannot accept peers", "err", err, "again_in", pause)
			select {
			case <-time.After(pause):
			case <-l.ctx.Done():
			}
			continue
		}
		pause = 0
		if l.shaking.Add(1) > int64(l.limits.Handshakes) {
			l.shaking.Add(-1)
			l.refuse(conn, nil, RefusedCrowded, 0, nil)
			_ = conn.Close()
			continue
		}
		l.mu.Lock()
		if l.closed {
			l.mu.Unlock()
			_ = conn.Close()
			return
		}
		l.accepted[conn] = struct{}{}
		l.mu.Unlock()
		l.owned.Go(func() { l.serve(conn) })
	}
}

// serve is the goroutine of one accepted connection.
func (l *Links) serve(raw net.Conn) {
	defer func() {
		_ = raw.Close()
		l.mu.Lock()
		delete(l.accepted, raw)
		l.mu.Unlock()
	}()
	k, h := l.welcome(raw)
	l.shaking.Add(-1)
	if k == nil {
		return
	}
	err := newReader(k, h).run()
	k.loseIn(h)
	if err != nil && l.ctx.Err() == nil && !k.gone() {
		l.log.Warn("connection from peer closed: bad frame", "peer", k.name(), "err", err)
	}
}

// welcome shakes hands with who dialed; nil if it is refused.
func (l *Links) welcome(raw net.Conn) (*link, *half) {
	if err := raw.SetDeadline(time.Now().Add(l.limits.Handshake)); err != nil {
		return nil, nil // closed
	}
	conn := raw
	if l.tls != nil {
		tc, err := l.tls.server(l.ctx, raw)
		if err != nil {
			l.refuse(raw, nil, RefusedTLS, 0, err)
			return nil, nil
		}
		conn = tc
	}
	kind, body, err := readGreeting(conn)
	var said hello
	if err == nil && kind != kindHello {
		err = fmt.Errorf("%w: %s", errGreeting, kind)
	}
	if err == nil {
		said, err = decodeHello(body)
	}
	if err != nil {
		l.refuse(raw, nil, RefusedGarbage, 0, err)
		return nil, nil
	}
	k, reason, err := l.judge(conn, &said)
	if reason != 0 {
		l.refuse(raw, conn, reason, uint64(said.from), err)
		return nil, nil
	}
	w := welcome{version: min(said.highest, wire.Version), node: l.self, inc: l.inc}
	if _, err := conn.Write(appendWelcome(nil, &w)); err != nil {
		l.refuse(raw, nil, RefusedGarbage, uint64(said.from), err)
		return nil, nil
	}
	h := &half{conn: conn, raw: raw, inc: said.inc}
	if raw.SetDeadline(time.Time{}) != nil || !k.holdIn(h) {
		return nil, nil // met a newer incarnation meanwhile, or it is no member any more
	}
	return k, h
}

// judge says whether who said hello is let in.
func (l *Links) judge(conn net.Conn, h *hello) (*link, Refusal, error) {
	k := (*l.links.Load())[h.from]
	foreign := l.lineage().admits(h.cluster, k != nil && k.survivor.Load())
	switch {
	case h.highest < lowestVersion || h.lowest > wire.Version || h.lowest > h.highest:
		return nil, RefusedVersion, fmt.Errorf("it speaks %d to %d, this node %d to %d", h.lowest, h.highest, lowestVersion, wire.Version)
	case foreign != 0:
		return nil, foreign, fmt.Errorf("cluster %x", h.cluster)
	case h.from == l.self:
		return nil, RefusedSelf, nil
	case h.to != l.self:
		return nil, RefusedOther, fmt.Errorf("for %016x", uint64(h.to))
	}
	if l.tls != nil {
		if err := verify(conn, h.from); err != nil {
			return nil, RefusedIdentity, err
		}
	}
	if k == nil {
		return nil, RefusedUnknown, nil
	}
	if newest := k.met(); h.inc < newest {
		return nil, RefusedOlder, fmt.Errorf("incarnation %d, met %d", h.inc, newest)
	}
	return k, 0, nil
}

// refuse counts and logs a refusal and, if conn is not nil, tells the other side.
func (l *Links) refuse(raw, conn net.Conn, reason Refusal, from uint64, err error) {
	l.refused[reason].Add(1)
	if l.ctx.Err() != nil {
		return
	}
	if conn != nil {
		_, _ = conn.Write(appendRefusal(nil, reason)) // within the time of the handshake
	}
	l.mu.Lock()
	say, more := l.grumbled[reason].now(l.now())
	l.mu.Unlock()
	if !say {
		return
	}
	level := slog.LevelWarn
	if reason == RefusedUnknown {
		level = slog.LevelInfo // a node that joins is heard before it is known
	}
	l.log.Log(l.ctx, level, "connection refused", "reason", reason.String(), "remote", raw.RemoteAddr().String(),
		"node", fmt.Sprintf("%016x", from), "err", err, "unreported", more)
}
