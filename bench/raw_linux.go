package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// stallLimit ends a load when nothing at all has been answered for so long.
const stallLimit = 30 * time.Second

// rawClient is many connections on one epoll, driven by one goroutine: a
// pipeline costs a read, a write and a histogram update, no allocation and no
// hand-off. On one core it sends several times what redis-server answers at
// pipeline 16, and somewhat more at pipeline 1.
type rawClient struct {
	epoll  int
	conns  []rawConn
	events []unix.EpollEvent

	load      rawLoad
	left      int64 // requests not yet sent, when counted
	deadline  time.Time
	open      int // connections that await replies
	res       rawResult
	lastReply time.Time
}

type rawConn struct {
	fd     int
	target int    // index of its address
	out    []byte // the pipeline
	sent   int    // bytes of out that are written
	in     []byte
	have   int // bytes of in that are read
	await  int // replies to come
	from   time.Time
	watchW bool // epoll watches for room to write
}

// dialRaw opens connections to the addresses in turn.
func dialRaw(addrs []string, conns int) (*rawClient, error) {
	targets := make([]netip.AddrPort, len(addrs))
	for i, addr := range addrs {
		ap, err := netip.ParseAddrPort(addr)
		if err != nil || !ap.Addr().Is4() {
			return nil, fmt.Errorf("bench: raw client address %q is no IPv4 address and port", addr)
		}
		targets[i] = ap
	}
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("bench: epoll: %w", err)
	}
	c := &rawClient{epoll: ep, events: make([]unix.EpollEvent, conns)}
	for i := range conns {
		target := i % len(addrs)
		fd, err := dialFD(targets[target])
		if err == nil {
			c.conns = append(c.conns, rawConn{fd: fd, target: target})
			err = unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)})
		}
		if err != nil {
			c.close()
			return nil, fmt.Errorf("bench: connection %d to %s: %w", i, addrs[target], err)
		}
	}
	return c, nil
}

// dialFD connects while blocking (loopback answers at once), then is not.
func dialFD(ap netip.AddrPort) (fd int, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	err = unix.Connect(fd, &unix.SockaddrInet4{Port: int(ap.Port()), Addr: ap.Addr().As4()})
	if err == nil {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func (c *rawClient) close() {
	for i := range c.conns {
		_ = unix.Close(c.conns[i].fd)
	}
	_ = unix.Close(c.epoll)
}

// run sends l over all connections and returns when every reply is there. After
// an error the client is of no more use.
func (c *rawClient) run(ctx context.Context, l rawLoad) (rawResult, error) {
	begin := time.Now()
	c.load, c.left, c.open = l, l.count, 0
	c.res = rawResult{hist: newHistogram()}
	c.lastReply = begin
	c.deadline = time.Time{}
	if l.span > 0 {
		c.deadline = begin.Add(l.span)
	}
	for i := range c.conns {
		if err := c.fire(i, time.Now()); err != nil {
			return c.res, err
		}
	}
	for c.open > 0 {
		if err := c.step(ctx); err != nil {
			return c.res, err
		}
	}
	c.res.elapsed = c.lastReply.Sub(begin)
	return c.res, nil
}

// step waits for events once and serves them.
func (c *rawClient) step(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	n, err := unix.EpollWait(c.epoll, c.events, 200)
	if errors.Is(err, unix.EINTR) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("bench: epoll wait: %w", err)
	}
	if n == 0 && time.Since(c.lastReply) > stallLimit {
		return fmt.Errorf("bench: no reply for %s", stallLimit)
	}
	for _, e := range c.events[:n] {
		i := int(e.Fd)
		if e.Events&unix.EPOLLOUT != 0 {
			if err := c.flush(i); err != nil {
				return err
			}
		}
		if e.Events&^unix.EPOLLOUT != 0 {
			if err := c.receive(i); err != nil {
				return err
			}
		}
	}
	return nil
}

// fire sends the next pipeline on connection i, if the load has one.
func (c *rawClient) fire(i int, now time.Time) error {
	n := c.load.pipeline
	if c.load.count > 0 {
		n = int(min(int64(n), c.left))
	}
	if n == 0 || (!c.deadline.IsZero() && !now.Before(c.deadline)) {
		return nil
	}
	c.left -= int64(n)
	k := &c.conns[i]
	k.out = k.out[:0]
	for range n {
		k.out = c.load.requests[k.target].append(k.out)
	}
	k.sent, k.await, k.from = 0, n, now
	c.open++
	return c.flush(i)
}

// flush writes what it can and lets epoll say when it can go on.
func (c *rawClient) flush(i int) error {
	k := &c.conns[i]
	for k.sent < len(k.out) {
		n, err := unix.Write(k.fd, k.out[k.sent:])
		switch {
		case errors.Is(err, unix.EAGAIN):
			return c.watchWrite(i, true)
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return fmt.Errorf("bench: write: %w", err)
		default:
			k.sent += n
		}
	}
	return c.watchWrite(i, false)
}

func (c *rawClient) watchWrite(i int, on bool) error {
	k := &c.conns[i]
	if k.watchW == on {
		return nil
	}
	k.watchW = on
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(i)}
	if on {
		ev.Events |= unix.EPOLLOUT
	}
	if err := unix.EpollCtl(c.epoll, unix.EPOLL_CTL_MOD, k.fd, &ev); err != nil {
		return fmt.Errorf("bench: epoll: %w", err)
	}
	return nil
}

// receive reads once and counts the replies that are whole.
func (c *rawClient) receive(i int) error {
	k := &c.conns[i]
	if len(k.in)-k.have < 16<<10 {
		k.in = append(k.in[:k.have], make([]byte, max(len(k.in), 64<<10))...)
	}
	n, err := unix.Read(k.fd, k.in[k.have:])
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return nil
	case err != nil:
		return fmt.Errorf("bench: read: %w", err)
	case n == 0:
		return errors.New("bench: the server closed a connection")
	}
	k.have += n
	now := time.Now()
	replies, used, err := c.count(k.in[:k.have])
	if err != nil {
		return err
	}
	k.have = copy(k.in, k.in[used:k.have])
	if replies == 0 {
		return nil
	}
	if k.await -= replies; k.await < 0 {
		return errors.New("bench: more replies than requests")
	}
	record(c.res.hist, now.Sub(k.from), int64(replies))
	c.res.done += int64(replies)
	c.lastReply = now
	if k.await == 0 {
		c.open--
		return c.fire(i, now)
	}
	return nil
}

// failed counts an error reply.
func (c *rawClient) failed(reply []byte) {
	c.res.errors++
	if bytes.HasPrefix(reply, []byte("-MOVED ")) {
		c.res.moved++
	} else if c.res.firstText == "" {
		c.res.firstText = string(bytes.TrimSpace(reply))
	}
}

// count scans the whole replies at the start of b.
func (c *rawClient) count(b []byte) (replies, used int, err error) {
	for {
		n, kind := scanReply(b[used:])
		switch kind {
		case replyPartial:
			return replies, used, nil
		case replyBroken:
			return 0, 0, fmt.Errorf("bench: not a reply: %.40q", b[used:])
		case replyNil:
			c.res.misses++
		case replyError:
			c.failed(b[used : used+n])
		}
		used += n
		replies++
	}
}
