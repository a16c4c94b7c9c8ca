package peer

import (
	"net"
	"runtime"
	"time"

	"github.com/rondokv/rondo/cluster/wire"
)

// write writes what is queued until the connection is lost.
func (k *link) write(h *half) {
	k.links.owned.Go(func() { k.guard(h) })
	w := writer{link: k, conn: h.conn}
	for {
		k.mu.Lock()
		for k.out == h && k.queue.empty() {
			k.awake = false
			k.mu.Unlock()
			<-k.wake
			// Whoever woke the writer has usually more to say.
			runtime.Gosched()
			k.mu.Lock()
		}
		if k.out != h {
			k.mu.Unlock()
			return
		}
		k.awake, k.writing = true, true
		w.pieces = k.queue.take(w.pieces[:0])
		k.mu.Unlock()

		bytes, count, spare := sum(w.pieces)
		err := w.write()

		k.mu.Lock()
		lost := k.out != h
		if !lost {
			k.writing = false
			k.queue.done(bytes, count, spare)
			if k.queue.bytes <= k.links.limits.QueueBytes/2 {
				k.crowd(false)
			}
			k.counts.bytesOut += w.written
			k.counts.writes += w.writes
			k.counts.expired += w.expired
		}
		w.written, w.writes, w.expired = 0, 0, 0
		k.mu.Unlock()
		if err != nil && !lost {
			k.loseOut(h)
		}
	}
}

// guard waits for the peer to close the connection out: nothing else ever comes over it.
func (k *link) guard(h *half) {
	var one [1]byte
	_, _ = h.conn.Read(one[:])
	k.loseOut(h)
}

// sum returns what the pieces hold together, and a buffer to use again.
func sum(pieces []piece) (bytes, count int, spare []byte) {
	for i := range pieces {
		bytes += pieces[i].size
		count += pieces[i].frames
		if pieces[i].bytes != nil {
			spare = pieces[i].bytes
		}
	}
	return bytes, count, spare
}

// writer turns what waited into writes.
type writer struct {
	link   *link
	conn   net.Conn
	pieces []piece

	written, writes, expired uint64 // since last asked
}

// packer is what it takes to write more than one buffer as it is. Links share a few, so that idle ones hold none.
type packer struct {
	encoder wire.Encoder
	buf     []byte
}

// write writes the pieces, with one call unless they are long.
func (w *writer) write() error {
	defer clear(w.pieces)
	if p := &w.pieces[0]; len(w.pieces) == 1 && p.big == nil && p.came == 0 {
		return w.put(p.bytes, false)
	}
	by, _ := w.link.links.packers.Get().(*packer)
	if by == nil {
		by = &packer{}
	}
	defer w.link.links.packers.Put(by)
	buf := by.buf[:0]
	for i := range w.pieces {
		buf = w.append(by, buf, &w.pieces[i])
		last := i == len(w.pieces)-1
		if len(buf) < pieceBytes && !last {
			continue
		}
		if err := w.put(buf, !last); err != nil {
			return err
		}
		buf = buf[:0]
	}
	if by.buf = buf; cap(buf) > 4*pieceBytes {
		by.buf = nil
	}
	return nil
}

// append appends what is still wanted of p.
func (w *writer) append(by *packer, buf []byte, p *piece) []byte {
	var waited time.Duration
	if p.came != 0 {
		waited = w.link.links.now() - p.came
	}
	start := len(buf)
	if p.big == nil {
		buf = append(buf, p.bytes...)
	} else {
		// Its size was looked at when it was sent, so there is no error.
		buf, _ = by.encoder.AppendFrame(buf, p.big)
	}
	left, dropped := spend(buf[start:], waited)
	w.expired += uint64(dropped)
	return buf[:start+len(left)]
}

// put writes b, long ones in parts, and notes that it gets on. more tells that there is more behind b.
func (w *writer) put(b []byte, more bool) error {
	for len(b) > 0 {
		n, err := w.conn.Write(b[:min(len(b), 2*pieceBytes)])
		w.written += uint64(n)
		w.writes++
		if err != nil {
			return err
		}
		if b = b[n:]; len(b) > 0 || more {
			w.link.moved.Store(int64(w.link.links.now()))
		}
	}
	return nil
}
