package sim

import (
	"bufio"
	"fmt"
	"io"
)

// trace is the record of a run: a line an event, always hashed, written when somebody wants to read it.
type trace struct {
	hash  uint64
	lines uint64
	out   *bufio.Writer // nil: nobody reads
}

func newTrace(w io.Writer) trace {
	t := trace{hash: 14695981039346656037}
	if w != nil {
		t.out = bufio.NewWriterSize(w, 1<<16)
	}
	return t
}

// mix takes a word into the hash (FNV-1a by words, with a shift so that high bits come down).
func (t *trace) mix(x uint64) {
	t.hash = (t.hash ^ x) * 1099511628211
	t.hash ^= t.hash >> 29
}

func (t *trace) mixBytes(b []byte) {
	t.mix(uint64(len(b)))
	for len(b) >= 8 {
		t.mix(uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 | uint64(b[4])<<32 | uint64(b[5])<<40 |
			uint64(b[6])<<48 | uint64(b[7])<<56)
		b = b[8:]
	}
	for _, c := range b {
		t.mix(uint64(c))
	}
}

// happening is what a line of the trace is about.
type happening uint8

const (
	onSend happening = iota + 1
	onLost
	onDeliver
	onTick
	onApply
	onRefuse
	onSync
	onCrash
	onStart
	onFault
	onView
	onInvoke
	onAnswer
	onPhase
	onDecide
	onSave
	onAdopt
	onMove
	onRole
	onOrder
	onOutcome
)

func (h happening) String() string {
	return [...]string{"", "send", "lost", "deliver", "tick", "apply", "refuse", "sync", "crash", "start", "fault", "view", "invoke", "answer", "phase", "decide", "save", "adopt", "move", "role", "order", "outcome"}[h]
}

// line adds a line. words are hashed; text, if not nil, says the same to people, and is called only when somebody reads.
func (t *trace) line(at Time, node int, what happening, words [3]uint64, text func() string) {
	t.lines++
	t.mix(uint64(at))
	t.mix(uint64(node)<<8 | uint64(what))
	for _, x := range words {
		t.mix(x)
	}
	if t.out == nil {
		return
	}
	who := "   "
	if node >= 0 {
		who = fmt.Sprintf("n%-2d", node)
	}
	fmt.Fprintf(t.out, "%4d.%09d %s %-8s %x %x %x", at/second, at%second, who, what, words[0], words[1], words[2])
	if text != nil {
		fmt.Fprintf(t.out, "  %s", text())
	}
	t.out.WriteByte('\n')
}

func (t *trace) close() error {
	if t.out == nil {
		return nil
	}
	return t.out.Flush()
}
