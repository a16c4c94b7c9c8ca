package peer

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/rondokv/rondo/cluster/wire"
)

const (
	// smallBuffer is what an idle connection reads into, bigBuffer what a busy one does; in bytes.
	smallBuffer = 4 << 10
	bigBuffer   = 64 << 10
	// ownAbove is how long a frame must be to have memory of its own; shorter ones share chunks of chunkBytes.
	ownAbove   = 1 << 10
	chunkBytes = 8 << 10
	// calmReads is after how many short reads a busy connection counts as idle again.
	calmReads = 64
	// keepMessages bounds the list of messages that a connection keeps between reads.
	keepMessages = 1024
)

// reader takes a connection in apart. Messages keep the memory that they were decoded from, so frames are copied out
// of the buffer: short ones into chunks that some tens share, so that a message that is kept for long keeps
// little else. A frame longer than the buffer grows a buffer of its own, as bytes arrive, which it then keeps.
type reader struct {
	link *link
	half *half
	buf  []byte // have bytes of it are not taken apart yet
	have int
	want int // length of the frame that buf begins with, if buf is its own; else 0
	calm int // short reads in a row

	chunk    []byte // room for short frames
	messages []wire.Message
}

func newReader(k *link, h *half) *reader {
	return &reader{link: k, half: h, buf: make([]byte, smallBuffer)}
}

// run reads until the connection ends; an error says that what came was not what a peer sends.
func (r *reader) run() error {
	k := r.link
	for {
		n, err := r.half.conn.Read(r.buf[r.have:])
		if n > 0 {
			r.have += n
			if !k.heard.Load() {
				k.heard.Store(true)
			}
			k.bytesIn.Add(uint64(n))
			full := r.have == len(r.buf)
			bad := r.split()
			r.deliver()
			if bad == nil {
				bad = r.fit(n, full)
			}
			if bad != nil {
				return bad
			}
		}
		if err != nil {
			return nil // closed by the peer, by another connection in this one's place, or broken
		}
	}
}

// split takes the whole frames off the buffer.
func (r *reader) split() error {
	rest := r.buf[:r.have]
	for {
		frame, after, err := wire.Next(rest)
		if errors.Is(err, wire.ErrMore) {
			break
		}
		if err != nil {
			return err
		}
		rest = after
		if wire.KindOf(frame) >= wire.KindTransport {
			err = r.control(frame)
		} else {
			err = r.message(r.own(frame))
		}
		if err != nil {
			return err
		}
		if r.want != 0 { // the buffer was the frame's own
			r.buf, r.have, r.want = make([]byte, smallBuffer), 0, 0
			return nil
		}
	}
	if len(rest) != r.have { // else it is in its place, and may be long
		r.have = copy(r.buf, rest)
	}
	return nil
}

// own returns the frame in memory that the message may keep.
func (r *reader) own(frame []byte) []byte {
	if r.want != 0 {
		return frame
	}
	n := len(frame)
	if n > ownAbove {
		return append(make([]byte, 0, n), frame...)
	}
	if n > cap(r.chunk)-len(r.chunk) {
		r.chunk = make([]byte, 0, chunkBytes)
	}
	start := len(r.chunk)
	r.chunk = append(r.chunk, frame...)
	return r.chunk[start : start+n : start+n]
}

func (r *reader) message(frame []byte) error {
	m, err := wire.Decode(frame)
	if errors.Is(err, wire.ErrRow) {
		r.link.badRows.Add(1) // the frame was whole, and so may be the next
		return nil
	}
	if err != nil {
		return err
	}
	r.messages = append(r.messages, m)
	return nil
}

// control takes a ping or a pong.
func (r *reader) control(frame []byte) error {
	kind, body, err := wire.Control(frame)
	if err != nil {
		return err
	}
	if (kind != kindPing && kind != kindPong) || len(body) != 8 {
		return fmt.Errorf("%w: %s of %d bytes", wire.ErrUnknown, kind, len(body))
	}
	n := binary.BigEndian.Uint64(body)
	if kind == kindPing {
		r.link.pinged(r.half, n)
	} else {
		r.link.ponged(r.half, n)
	}
	return nil
}

// deliver hands over what came.
func (r *reader) deliver() {
	if len(r.messages) == 0 {
		return
	}
	r.link.received.Add(uint64(len(r.messages)))
	r.link.links.handler.Receive(r.link.id, r.messages)
	clear(r.messages)
	if r.messages = r.messages[:0]; cap(r.messages) > keepMessages {
		r.messages = nil
	}
}

// fit makes the buffer fit what comes: long for a frame that does not end in it, but never longer than twice what has
// arrived; else by how much one read brings. full says that the read of n bytes filled the buffer.
func (r *reader) fit(n int, full bool) error {
	size := len(r.buf)
	switch {
	case r.have == len(r.buf): // it holds the beginning of a frame
		want, err := wire.FrameLen(r.buf)
		if err != nil {
			return err
		}
		if size = min(2*size, bigBuffer); want > bigBuffer {
			r.want = want
			size = min(2*len(r.buf), want)
		}
	case r.want != 0:
	case full:
		size = min(2*size, bigBuffer)
	case n > smallBuffer/4:
		r.calm = 0
	default:
		if r.calm++; r.calm >= calmReads && r.have == 0 {
			size, r.calm, r.chunk, r.messages = smallBuffer, 0, nil, nil
		}
	}
	if r.want != 0 {
		r.link.moved.Store(int64(r.link.links.now()))
	}
	if size != len(r.buf) {
		buf := make([]byte, size)
		copy(buf, r.buf[:r.have])
		r.buf = buf
	}
	return nil
}
