package crash

import (
	"bytes"
	"fmt"
	"strconv"
)

// State is what a key holds after one operation of its writer.
type State struct {
	Seq     uint64 // of the operation; 0: the key was never written
	Absent  bool   // the operation was a DEL
	Expires bool   // SET with EX
}

func (s State) String() string {
	switch {
	case s.Seq == 0:
		return "never written"
	case s.Absent:
		return fmt.Sprintf("deleted by %d", s.Seq)
	case s.Expires:
		return fmt.Sprintf("set with an expiry by %d", s.Seq)
	}
	return fmt.Sprintf("set by %d", s.Seq)
}

// shows says whether a reader sees s when it looks at a key whose state is t:
// which of several DELs was the last cannot be seen.
func (s State) shows(t State) bool {
	if s.Absent || t.Absent || t.Seq == 0 {
		return (s.Absent || s.Seq == 0) && (t.Absent || t.Seq == 0)
	}
	return s == t
}

// history is what one key went through since it was last looked at.
type history struct {
	acked State
	sent  []State // after acked, not acknowledged
}

// Ledger is what one writer knows of its keys. It is used by one goroutine at
// a time.
type Ledger struct {
	keys  map[string]*history
	order []string // keys as they were first written
}

// NewLedger returns a ledger without keys.
func NewLedger() *Ledger { return &Ledger{keys: make(map[string]*history)} }

// Sent notes an operation before its bytes leave.
func (l *Ledger) Sent(key string, s State) {
	h := l.keys[key]
	if h == nil {
		h = new(history)
		l.keys[key] = h
		l.order = append(l.order, key)
	}
	h.sent = append(h.sent, s)
}

// Acked notes the reply to the oldest operation of the key that had none.
func (l *Ledger) Acked(key string) {
	h := l.keys[key]
	h.acked, h.sent = h.sent[0], h.sent[1:]
}

// Verdict is the judgement on one key.
type Verdict string

// Verdicts.
const (
	Kept    Verdict = "kept"
	Lost    Verdict = "lost"    // an acknowledged write is gone
	Foreign Verdict = "foreign" // it holds what nobody wrote
)

// Check judges what a key shows, where absent is State{Absent: true}.
func (l *Ledger) Check(key string, seen State) Verdict {
	h := l.keys[key]
	if seen.shows(h.acked) {
		return Kept
	}
	for _, s := range h.sent {
		if seen.shows(s) {
			return Kept
		}
	}
	if seen.Absent || seen.Seq < h.acked.Seq {
		return Lost
	}
	return Foreign
}

// Settle takes what a key shows after a restart for acknowledged: from now on
// it must stay.
func (l *Ledger) Settle(key string, seen State) {
	h := l.keys[key]
	if seen.Absent {
		seen.Seq = h.acked.Seq // so that an older value is older than this
		for _, s := range h.sent {
			if s.Absent {
				seen.Seq = s.Seq
			}
		}
	}
	h.acked, h.sent = seen, nil
}

// Describe tells what a key may show.
func (l *Ledger) Describe(key string) string {
	h := l.keys[key]
	return fmt.Sprintf("acknowledged: %v; sent after it: %v", h.acked, h.sent)
}

// Keys returns the keys in the order in which they were first written.
func (l *Ledger) Keys() []string { return l.order }

// Counter is what is known of a counter, of one writer or of several.
type Counter struct{ Acked, Sent int64 }

// Check judges the value of a counter.
func (c Counter) Check(seen int64) Verdict {
	switch {
	case seen < c.Acked:
		return Lost
	case seen > c.Sent:
		return Foreign
	}
	return Kept
}

// Value is what operation seq writes into a key: it names both, and every byte
// of it follows from them.
func Value(key string, seq uint64) []byte {
	x := seq*0x9E3779B97F4A7C15 + uint64(len(key))
	size := 20 + int(x>>40%1500)
	b := make([]byte, 0, size+len(key)+24)
	b = strconv.AppendUint(b, seq, 10)
	b = append(append(append(b, ' '), key...), ' ')
	for len(b) < size {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b = append(b, 'a'+byte(x%26))
	}
	return b
}

// Parse returns the operation that wrote a value, false for bytes that no
// operation wrote into this key.
func Parse(key string, value []byte) (seq uint64, ok bool) {
	digits, _, found := bytes.Cut(value, []byte(" "))
	if !found {
		return 0, false
	}
	seq, err := strconv.ParseUint(string(digits), 10, 64)
	if err != nil || !bytes.Equal(value, Value(key, seq)) {
		return 0, false
	}
	return seq, true
}
