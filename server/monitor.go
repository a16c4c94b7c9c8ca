package server

import (
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rondokv/rondo/resp"
)

// redactedText stands where an argument must not be seen.
const redactedText = "(redacted)"

// redactArgs returns the arguments of a command as the slow log and MONITOR may
// show them: passwords are blotted out. It copies only when it changes one.
func redactArgs(cmd *resp.Command, args [][]byte) [][]byte {
	var out [][]byte
	blot := func(i int) {
		if i >= len(args) {
			return
		}
		if out == nil {
			out = append([][]byte(nil), args...)
		}
		out[i] = []byte(redactedText)
	}
	switch cmd.Name {
	case "auth":
		for i := 1; i < len(args); i++ {
			blot(i)
		}
	case "hello":
		for i := 2; i < len(args); i++ {
			if equalFold(args[i], "auth") {
				blot(i + 1)
				blot(i + 2)
				i += 2
			}
		}
	case "config|set":
		for i := 2; i+1 < len(args); i += 2 {
			if equalFold(args[i], "requirepass") {
				blot(i + 1)
			}
		}
	case "acl|setuser":
		for i := 2; i < len(args); i++ {
			blot(i)
		}
	}
	if out == nil {
		return args
	}
	return out
}

// monitorLine is a command as MONITOR shows it, without the status mark:
// 1700000000.123456 [0 127.0.0.1:1234] "set" "a" "b"
func monitorLine(now time.Time, db int, addr string, args [][]byte) []byte {
	size := 64 + len(addr)
	for _, a := range args {
		size += len(a) + 3
	}
	b := make([]byte, 0, size)
	b = strconv.AppendInt(b, now.Unix(), 10)
	micros := strconv.Itoa(1_000_000 + now.Nanosecond()/1000)
	b = append(b, '.')
	b = append(b, micros[1:]...)
	b = append(b, " ["...)
	b = strconv.AppendInt(b, int64(db), 10)
	b = append(b, ' ')
	b = append(b, addr...)
	b = append(b, ']')
	for _, a := range args {
		b = append(b, ' ')
		b = appendQuoted(b, a)
	}
	return b
}

// appendQuoted writes s in double quotes as Redis does for people: C escapes,
// and \xhh for what is not printable ASCII.
func appendQuoted(dst, s []byte) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	for _, c := range s {
		switch c {
		case '\\', '"':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		case '\a':
			dst = append(dst, `\a`...)
		case '\b':
			dst = append(dst, `\b`...)
		default:
			if c >= 0x20 && c < 0x7f {
				dst = append(dst, c)
			} else {
				dst = append(dst, '\\', 'x', digits[c>>4], digits[c&15])
			}
		}
	}
	return append(dst, '"')
}

// monitorHub hands the commands of all clients to those that said MONITOR.
// Publishing costs one atomic load while nobody has.
type monitorHub struct {
	count atomic.Int32

	mu    sync.Mutex
	feeds map[*monitorFeed]struct{}
}

// Bounds of a monitor's feed.
const (
	monitorQueueBytes = 8 << 20  // lines that have not been sent yet
	monitorQueueLines = 16384    // their number
	monitorWrite      = 64 << 10 // how much is written at once
)

// monitorFeed is the queue of one monitor. A monitor that cannot keep up is cut:
// a log with holes would be taken for the whole.
type monitorFeed struct {
	session int64
	started bool        // run has been called; the session's own
	lines   chan []byte // never closed: publishers may still hold the feed
	done    chan struct{}
	bytes   atomic.Int64
	writing sync.Mutex // held while lines are written
	once    sync.Once
	slow    atomic.Bool
}

// active tells whether a published line would be read.
func (h *monitorHub) active() bool { return h.count.Load() > 0 }

func (h *monitorHub) subscribe(session int64) *monitorFeed {
	f := &monitorFeed{session: session, lines: make(chan []byte, monitorQueueLines), done: make(chan struct{})}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.feeds == nil {
		h.feeds = make(map[*monitorFeed]struct{})
	}
	h.feeds[f] = struct{}{}
	h.count.Store(int32(len(h.feeds)))
	return f
}

// has tells whether the session with that id is a monitor.
func (h *monitorHub) has(session int64) bool {
	if !h.active() {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for f := range h.feeds {
		if f.session == session {
			return true
		}
	}
	return false
}

// unsubscribe may be called more than once.
func (h *monitorHub) unsubscribe(f *monitorFeed) {
	h.mu.Lock()
	delete(h.feeds, f)
	h.count.Store(int32(len(h.feeds)))
	h.mu.Unlock()
	f.stop()
}

// publish queues a line for every monitor and never blocks. The lines of all
// clients are queued in one order.
func (h *monitorHub) publish(line []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for f := range h.feeds {
		if f.bytes.Load()+int64(len(line)) > monitorQueueBytes {
			f.cut()
			continue
		}
		select {
		case f.lines <- line:
			f.bytes.Add(int64(len(line)))
		default:
			f.cut()
		}
	}
}

func (f *monitorFeed) cut() {
	f.slow.Store(true)
	f.stop()
}

func (f *monitorFeed) stop() { f.once.Do(func() { close(f.done) }) }

// run writes the lines through write until that fails or the feed is stopped,
// and tells the failure. What is queued goes out together.
func (f *monitorFeed) run(write func([]byte) error) error {
	var buf []byte
	for {
		select {
		case <-f.done:
			return nil
		case line := <-f.lines:
			buf = f.take(buf[:0], line)
		}
		for more := true; more && len(buf) < monitorWrite; {
			select {
			case line := <-f.lines:
				buf = f.take(buf, line)
			default:
				more = false
			}
		}
		if stopped, err := f.send(buf, write); stopped || err != nil {
			return err
		}
	}
}

// send writes unless the feed is stopped.
func (f *monitorFeed) send(b []byte, write func([]byte) error) (stopped bool, err error) {
	f.writing.Lock()
	defer f.writing.Unlock()
	select {
	case <-f.done:
		return true, nil
	default:
		return false, write(b)
	}
}

// settle returns once nothing more will be written. REQUIRES: the feed is stopped.
func (f *monitorFeed) settle() {
	f.writing.Lock()
	defer f.writing.Unlock() // a write under way has ended, and any later one sees done
}

func (f *monitorFeed) take(buf, line []byte) []byte {
	f.bytes.Add(-int64(len(line)))
	buf = append(buf, '+')
	buf = append(buf, line...)
	return append(buf, '\r', '\n')
}
