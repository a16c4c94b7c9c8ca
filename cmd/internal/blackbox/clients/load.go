package clients

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

// Load is what one client is asked to do for a while: each worker takes keys of its own in turn, sets the next number and
// reads it back. Scripts get it as JSON on their standard input and end when that does.
type Load struct {
	Name    string   `json:"name"`    // keys begin with it
	Keys    []string `json:"keys"`    // parts of keys, see EvenKeys
	Workers int      `json:"workers"` // that wait for their calls at the same time
	Rate    int      `json:"rate"`    // calls a second of all workers
	Options string   `json:"options"` // that are set, as the table shows them; empty for defaults
}

// Report is what one client did in a while. Scripts print one as a line of JSON twice a second.
type Report struct {
	Version   string         `json:"version,omitempty"`
	Calls     int            `json:"calls"`
	LongestMs float64        `json:"longest"` // of a single call
	Errors    map[string]int `json:"errors"`  // by text
	Wrong     []string       `json:"wrong"`   // replies that cannot be
}

// Add counts what another report tells.
func (r *Report) Add(o Report) {
	if o.Version != "" {
		r.Version = o.Version
	}
	r.Calls += o.Calls
	r.LongestMs = max(r.LongestMs, o.LongestMs)
	if r.Errors == nil {
		r.Errors = map[string]int{}
	}
	for text, n := range o.Errors {
		r.Errors[plainText(text)] += n
	}
	r.Wrong = append(r.Wrong, o.Wrong...)
}

// Failed is how many calls ended with an error.
func (r *Report) Failed() (n int) {
	for _, count := range r.Errors {
		n += count
	}
	return n
}

// Refused is how many calls ended with an error other than TIMEOUT, which is what a node answers when the machine is too slow.
func (r *Report) Refused() (n int) {
	for text, count := range r.Errors {
		if !strings.Contains(text, "TIMEOUT unknown") {
			n += count
		}
	}
	return n
}

// ErrorText is the errors, the most frequent first.
func (r *Report) ErrorText() string {
	texts := slices.SortedFunc(maps.Keys(r.Errors), func(a, b string) int {
		if d := r.Errors[b] - r.Errors[a]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	for i, text := range texts {
		texts[i] = fmt.Sprintf("%d x %s", r.Errors[text], text)
	}
	return strings.Join(texts, "; ")
}

// plainText is an error without the addresses, slots and times that make two of a kind differ.
func plainText(text string) string {
	return regexp.MustCompile(`[0-9]+([.:][0-9]+)*`).ReplaceAllString(strings.TrimSpace(text), "#")
}

// Ledger is the reports of one client by phase of a test.
type Ledger struct {
	mu     sync.Mutex
	phase  string
	phases map[string]*Report
}

// Enter begins a phase: what is reported from now on belongs to it.
func (l *Ledger) Enter(phase string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.phase = phase
}

// Note books a report.
func (l *Ledger) Note(r Report) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.phases == nil {
		l.phases = map[string]*Report{}
	}
	if l.phases[l.phase] == nil {
		l.phases[l.phase] = &Report{}
	}
	l.phases[l.phase].Add(r)
}

// Of is the report of some phases together.
func (l *Ledger) Of(phases ...string) Report {
	l.mu.Lock()
	defer l.mu.Unlock()
	sum := Report{}
	for _, phase := range phases {
		if r := l.phases[phase]; r != nil {
			sum.Add(*r)
		}
	}
	return sum
}

// partitions is how many a ring has that was set up with defaults.
const partitions = 1024

// EvenKeys are hash tags, one in each partition of a ring: a client that uses them all alike sends each node exactly its
// share of the partitions. They come in an order that has nothing to do with that of the partitions.
func EvenKeys() []string {
	var found [partitions]string
	var keys []string
	for i := 0; len(keys) < partitions; i++ {
		tag := fmt.Sprintf("t%d", i)
		if p := harness.SlotOf(tag) / (harness.Slots / partitions); found[p] == "" {
			found[p] = tag
			keys = append(keys, "{"+tag+"}")
		}
	}
	return keys
}
