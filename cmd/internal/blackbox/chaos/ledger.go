package chaos

import (
	"fmt"
	"maps"
	"slices"
	"sync"
)

// Outcome is how an operation ended, as its client sees it.
type Outcome int

// Outcomes.
const (
	OK        Outcome = iota // acknowledged
	Refused                  // UNAVAILABLE and the like: nothing was stored
	Full                     // no room on a disk: nothing was stored
	Timeout                  // TIMEOUT: may have happened, or may yet
	Silent                   // no answer: broken connection, or none in time
	Unreached                // no connection: nothing was sent
	Other                    // an answer that nobody expected; unknown, too
	Moved                    // nothing was done: it belongs elsewhere
	outcomes
)

// String names the outcome as the report does.
func (o Outcome) String() string {
	return [outcomes]string{"ok", "unavailable", "no room", "timeout", "no answer", "unreached", "other", "moved"}[o]
}

// maxOpen bounds the numbers of unknown outcome that a key may have before its
// worker takes a fresh key, and those refused: they make the check blunt.
const maxOpen = 32

// Ledger is what is known of one key. Its writer writes one number after the
// other; any number of readers judge what they see.
type Ledger struct {
	Key string

	mu      sync.Mutex
	floor   uint64 // newest number acknowledged, or shown by a read
	sent    uint64 // newest number sent
	open    bool   // sent has no outcome yet
	unknown map[uint64]bool
	refused map[uint64]bool
}

// NewLedger returns the ledger of a key that was never written.
func NewLedger(key string) *Ledger {
	return &Ledger{Key: key, unknown: map[uint64]bool{}, refused: map[uint64]bool{}}
}

// Send notes that the next number is about to be written, and returns it.
func (l *Ledger) Send() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent++
	l.open = true
	return l.sent
}

// End notes how the write ended.
func (l *Ledger) End(o Outcome) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = false
	switch o {
	case OK:
		l.floor = l.sent
	case Refused, Full, Unreached, Moved:
		l.refused[l.sent] = true
		if l.floor == l.sent {
			return fmt.Errorf("%s: a read showed %d, whose write was refused then", l.Key, l.sent)
		}
	default:
		l.unknown[l.sent] = true
	}
	return nil
}

// Floor is taken before a read begins, and handed to Judge with what it showed.
func (l *Ledger) Floor() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.floor
}

// Judge says what is wrong with a read that began when floor was the floor, and
// showed seen; 0 is a key without a value.
func (l *Ledger) Judge(floor, seen uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case seen > l.sent:
		return fmt.Errorf("%s shows %d, which nobody wrote; %s", l.Key, seen, l.describe())
	case l.refused[seen]:
		return fmt.Errorf("%s shows %d, whose write was refused; %s", l.Key, seen, l.describe())
	case seen < floor && !l.unknown[seen]:
		return fmt.Errorf("%s shows %d, older than %d that was acknowledged or read before; %s", l.Key, seen, floor, l.describe())
	}
	l.floor = max(l.floor, seen)
	return nil
}

// Worn says that the key has gathered more doubt than a check can bear.
func (l *Ledger) Worn() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.unknown) >= maxOpen || len(l.refused) >= 8*maxOpen
}

func (l *Ledger) describe() string {
	return fmt.Sprintf("floor %d, sent %d (under way: %v), unknown %v, refused %v", l.floor, l.sent, l.open,
		slices.Sorted(maps.Keys(l.unknown)), slices.Sorted(maps.Keys(l.refused)))
}

// Counter is what is known of a key that is only incremented.
type Counter struct {
	Key string

	mu    sync.Mutex
	acked uint64 // increments acknowledged
	most  uint64 // those and the ones that may have happened, or may yet
}

// Send notes an increment before it leaves.
func (c *Counter) Send() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.most++
}

// End notes how the increment ended.
func (c *Counter) End(o Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch o {
	case OK:
		c.acked++
	case Refused, Full, Unreached, Moved:
		c.most--
	}
}

// Floor is taken before a read begins.
func (c *Counter) Floor() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.acked
}

// Judge says what is wrong with a read that began at floor and showed seen.
func (c *Counter) Judge(floor, seen uint64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if seen < floor || seen > c.most {
		return fmt.Errorf("%s shows %d: acknowledged were %d when the read began, possible are %d", c.Key, seen, floor, c.most)
	}
	return nil
}
