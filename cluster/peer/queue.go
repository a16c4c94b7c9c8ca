package peer

import (
	"time"

	"github.com/rondokv/rondo/cluster/wire"
)

const (
	// packAbove is how long a frame must be to be encoded by the writer, packed if that pays, and not by the sender, who
	// may hold a lock; in bytes.
	packAbove = 4 << 10
	// pieceBytes is when a buffer of waiting frames is closed and the next begun, and about how much one write takes.
	pieceBytes = 256 << 10
	// pieceAge is how much later than the first the last frame of a piece may have come.
	pieceAge = 20 * time.Millisecond
)

// queue is what waits to be written to one peer, in order. Usually it is one buffer, which the writer swaps for another
// as soon as it wakes. While the writer is busy for long, buffers that are full or old are closed, so that nothing is copied
// when the queue grows, and it is known about when each frame came.
//
// Invariant: a frame is in the queue or with the writer once, and is never put back.
type queue struct {
	closed []piece
	open   []byte
	opened time.Duration // when the first frame of open came, 0 if the writer was not busy then
	frames int           // messages in open
	spare  []byte        // to swap with open
	bytes  int           // of all, and of what the writer has taken
	count  int           // messages of all, and those that the writer has taken
}

// piece is some frames, or one long message.
type piece struct {
	bytes  []byte
	big    wire.Message // not encoded yet
	size   int          // of bytes, or of big's frame
	frames int
	came   time.Duration // when the first of them came, 0: just now
}

// add appends m, whose frame is size bytes long. now is 0 unless the writer is busy.
func (q *queue) add(m wire.Message, size int, now time.Duration) {
	q.bytes += size
	q.count++
	if size > packAbove {
		q.close()
		q.closed = append(q.closed, piece{big: m, size: size, frames: 1, came: now})
		return
	}
	q.room(size, now)
	q.open = wire.AppendFrame(q.open, m)
	q.frames++
}

// control appends a ping or a pong. It is not counted.
func (q *queue) control(k wire.Kind, n uint64) {
	q.room(0, 0)
	before := len(q.open)
	q.open = appendBeat(q.open, k, n)
	q.bytes += len(q.open) - before
}

// room closes the open piece when it is full or old and notes when the next begins.
func (q *queue) room(size int, now time.Duration) {
	if len(q.open) > 0 && (len(q.open)+size > pieceBytes || (now != 0 && now-q.opened > pieceAge)) {
		q.close()
	}
	if len(q.open) == 0 {
		q.opened = now
	}
}

func (q *queue) close() {
	if len(q.open) == 0 {
		return
	}
	q.closed = append(q.closed, piece{bytes: q.open, size: len(q.open), frames: q.frames, came: q.opened})
	q.open, q.frames = nil, 0
}

func (q *queue) empty() bool { return len(q.open) == 0 && len(q.closed) == 0 }

// take appends all that waits to dst and leaves the queue empty; bytes and count still hold what was taken.
func (q *queue) take(dst []piece) []piece {
	dst = append(dst, q.closed...)
	clear(q.closed)
	q.closed = q.closed[:0]
	if cap(q.closed) > 1024 {
		q.closed = nil
	}
	if len(q.open) > 0 {
		dst = append(dst, piece{bytes: q.open, size: len(q.open), frames: q.frames, came: q.opened})
		q.open, q.spare = q.spare, nil
		q.frames = 0
	}
	return dst
}

// done takes what was written, or lost, out of the account, and gives a buffer back for another turn.
func (q *queue) done(bytes, count int, buffer []byte) {
	q.bytes -= bytes
	q.count -= count
	if cap(buffer) > 0 && cap(buffer) <= 2*pieceBytes {
		q.spare = buffer[:0]
	}
}

// reset forgets all that waits and returns how many messages that and what the writer had taken were.
func (q *queue) reset() int {
	lost := q.count
	*q = queue{}
	return lost
}

// trim lets go of buffers that an idle link does not need.
func (q *queue) trim() {
	const keep = 4 << 10
	if cap(q.spare) > keep {
		q.spare = nil
	}
	if len(q.open) == 0 && cap(q.open) > keep {
		q.open = nil
	}
}

// spend takes the time that frames waited off their budgets and drops those that nobody waits for any more, in place.
// It returns what is left and how many were dropped. Frames may have come up to pieceAge later than the first.
func spend(frames []byte, waited time.Duration) ([]byte, int) {
	ms := uint32(max(0, waited-pieceAge) / time.Millisecond)
	if ms == 0 {
		return frames, 0
	}
	dropped, keep, rest := 0, frames[:0], frames
	for len(rest) > 0 {
		frame, after, err := wire.Next(rest)
		if err != nil {
			break // cannot be: these are frames of our own
		}
		if wire.Spend(frame, ms) {
			keep = append(keep, frame...)
		} else {
			dropped++
		}
		rest = after
	}
	return keep, dropped
}
