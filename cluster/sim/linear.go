package sim

import (
	"fmt"
	"slices"
	"strconv"
)

// checkLinear is I10: where every node sees every other all the time, each key has one primary, which runs one operation after the
// other on its own rows, and reads at QUORUM show what a majority holds. So there must be one order of all operations on a key
// that fits what each of them saw, in which no operation comes before one that had been answered before it began. Operations
// of unknown outcome may be anywhere after their beginning, or nowhere.
//
// The search is that of Wing and Gong (1993) with the memory of Lowe (2017): states that were reached with the same operations
// done are not tried again. It gives up, and says so, after a bounded number of steps.
func (w *world) checkLinear(key int) {
	if w.plan.keys[key].class == classSiblings {
		return // concurrent values have no single order
	}
	l := linear{class: w.plan.keys[key].class, padded: w.plan.padded, seen: map[string]bool{}}
	for _, t := range w.keys[key].touched {
		if t.rec.outcome == refused || t.rec.outcome != succeeded && (!t.rec.write || len(t.rec.evaluations) == 0) {
			continue
		}
		e := entry{touch: t, from: t.rec.invoked, to: t.rec.finished, known: t.rec.outcome == succeeded}
		if !e.known {
			e.to = 1 << 62
		}
		l.ops = append(l.ops, e)
	}
	slices.SortStableFunc(l.ops, func(a, b entry) int {
		switch {
		case a.from < b.from:
			return -1
		case a.from > b.from:
			return 1
		}
		return 0
	})
	l.done = make([]byte, (len(l.ops)+7)/8)
	if l.search(model{}, 0) {
		w.totals.Checks[checkLinear]++
		return
	}
	if l.steps >= maxLinear {
		w.totals.Checks[checkUndecided]++
		return
	}
	w.fail("I10 linear", key, "no order of the operations explains the answers; at most %d of %d fit", l.deepest, len(l.ops))
}

const maxLinear = 300_000

type entry struct {
	touch
	from, to Time
	known    bool // the answer is
}

// model is the state of a key as one Redis would have it.
type model struct {
	text   string
	exists bool
	number int64
	fields [fields]uint64 // tokens
}

type linear struct {
	class   class
	padded  bool
	ops     []entry // by beginning
	done    []byte  // bit by op: in the order already
	seen    map[string]bool
	steps   int
	deepest int
}

func (l *linear) isDone(i int) bool { return l.done[i/8]>>(i%8)&1 != 0 }

// search extends the order by one operation after the other.
func (l *linear) search(m model, placed int) bool {
	l.deepest = max(l.deepest, placed)
	// Whoever has not begun when another has been answered cannot come before it.
	limit := Time(1 << 62)
	left := false
	for i := range l.ops {
		if !l.isDone(i) && l.ops[i].known {
			left = true
			limit = min(limit, l.ops[i].to)
		}
	}
	if !left {
		return true // what is unknown need not have happened
	}
	mark := string(l.done) + m.String()
	if l.seen[mark] {
		return false
	}
	l.seen[mark] = true
	for i := range l.ops {
		e := &l.ops[i]
		if e.from > limit {
			break
		}
		if l.isDone(i) {
			continue
		}
		if l.steps++; l.steps >= maxLinear {
			return false
		}
		next, ok := l.apply(m, e)
		if !ok {
			continue
		}
		l.done[i/8] |= 1 << (i % 8)
		if l.search(next, placed+1) {
			return true
		}
		l.done[i/8] &^= 1 << (i % 8)
	}
	return false
}

func (m *model) String() string {
	return m.text + "\x00" + strconv.FormatBool(m.exists) + strconv.FormatInt(m.number, 10) + fmt.Sprint(m.fields)
}

// apply runs an operation on m as Redis would; false when it has seen something else.
func (l *linear) apply(m model, e *entry) (model, bool) {
	c := e.command()
	if e.known {
		if res := &e.rec.results[e.i]; res.looked && !l.fits(&m, &res.saw) {
			return m, false
		}
	}
	text := string(c.value(l.padded))
	switch c.verb {
	case verbSet, verbSetKeepTTL, verbGetSet:
		m = model{text: text, exists: true}
		if l.class == classCounter {
			m = model{number: int64(c.token * tokenBase), exists: true}
		}
	case verbSetNX:
		if !m.exists {
			m = model{text: text, exists: true}
		}
	case verbAppend:
		if len(m.text) < 300 {
			text = m.text + text
		}
		m = model{text: text, exists: true}
	case verbDel, verbFlush:
		m = model{}
	case verbIncr:
		m.number, m.exists = m.number+c.n, true
	case verbHSet, verbHSetBlind: // the blind one is not used on keys that can be strings
		if m.text == "" {
			m.fields[c.field-'a'], m.exists = c.token, true
		}
	case verbHDel:
		if m.text == "" {
			m.fields[c.field-'a'] = 0
			m.exists = m.fields != [fields]uint64{}
		}
	}
	return m, true
}

// fits reports whether an operation that saw s can have seen m.
func (l *linear) fits(m *model, s *seen) bool {
	switch l.class {
	case classCounter:
		return s.present == m.exists && (!s.present || s.number == m.number)
	case classText:
		return s.present == m.exists && (!s.present || string(s.text) == m.text)
	}
	if s.present != (m.text != "") || s.present && string(s.text) != m.text {
		return false
	}
	for f := range s.elements {
		if s.which>>f&1 == 0 {
			continue
		}
		if alive := s.elements[f].alive; alive != (m.fields[f] != 0) || alive && s.elements[f].token != m.fields[f] {
			return false
		}
	}
	return true
}
