package sim

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/rondokv/rondo/cluster/dynamo"
	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/engine/object"
)

// outcome is what a client knows of an operation.
type outcome uint8

const (
	pending outcome = iota
	succeeded
	refused // nothing was stored
	unknown // it may have taken effect, or may yet
)

func (o outcome) String() string { return [...]string{"pending", "ok", "refused", "unknown"}[o] }

// record is one operation in the history.
type record struct {
	id       uint32
	client   int // -1: the final reads
	node     int
	commands []command
	multi    bool // as a MULTI: a tick a command
	write    bool
	levels   [2]quorum.Choice // read, write
	invoked  Time
	finished Time
	timeout  Time
	outcome  outcome
	err      error
	results  []result

	// What the whole world knows of it beside.
	evaluations []object.Stamp // that changed something
	written     []object.Stamp // by command: the greatest stamp that a stored row had for its token
	ends        [][]int64      // by command: expiries that its evaluations wrote
	texts       [][]string     // by command: strings that its evaluations wrote
	gone        [][]uint64     // by command: siblings that its evaluations superseded
	knew        []object.Stamp // by command: what the value with the greatest stamp says that its writer knew of
	stored      bool           // something of it was in a row
	before      []before       // by command: what was known of the key when it began
}

func (r *record) blind() bool {
	for i := range r.commands {
		if !r.commands[i].verb.blind() {
			return false
		}
	}
	return true
}

// at returns the stamp that command i took effect at, as far as is known: a blind one may have been stamped again, which shows in
// the rows; what looked is stamped once an evaluation.
func (r *record) at(i int) object.Stamp {
	if r.commands[i].verb.blind() {
		return object.MaxOf(r.results[i].stamp, r.written[i])
	}
	return r.results[i].stamp
}

func (r *record) String() string {
	text := fmt.Sprintf("#%d client %d node %d [%d.%06d", r.id, r.client, r.node, r.invoked/millisecond, r.invoked%millisecond)
	if r.outcome != pending {
		text += fmt.Sprintf(" - %d.%06d", r.finished/millisecond, r.finished%millisecond)
	}
	text += fmt.Sprintf("] %v/%v", r.levels[0], r.levels[1])
	for i := range r.commands {
		text += " " + r.commands[i].String()
		if r.outcome == succeeded {
			if res := &r.results[i]; res.looked {
				text += " saw " + res.saw.String()
			}
			if r.results[i].applied {
				text += fmt.Sprintf(" wrote @%v", r.at(i))
			}
		} else if len(r.evaluations) > 0 {
			text += fmt.Sprintf(" evaluated %v written %v", r.evaluations, r.written[i])
		}
	}
	text += " -> " + r.outcome.String()
	if r.err != nil {
		text += " " + r.err.Error()
	}
	return text
}

// history is all that clients did.
type history struct {
	records []*record
	replies [][]result
	keys    []keyHistory
	owner   map[object.Stamp]uint32 // of every stamp that an evaluation took
}

// keyHistory is what the checks keep of one key.
type keyHistory struct {
	replicas  int    // when the run began
	moved     bool   // its owners have changed since: levels by number promise nothing any more
	relocated bool   // other nodes are its home replicas than were once
	floors    []pair // by how many home replicas are known to hold it
	edges     edges
	replaced  map[uint64]overwritten // by token: when somebody who had seen it and wrote over it was first acknowledged at QUORUM or above
	settled   []settled              // writes of the value that were acknowledged at QUORUM or above, in that order
	ended     []touch                // SETEX and EXPIRE that were acknowledged so, in that order
	passed    map[object.Stamp]Time  // by stamp of an expiry: when it was first shown at QUORUM to have passed
	touched   []touch                // every command on it, in the order of invocation
}

// touch is one command of a record.
type touch struct {
	rec *record
	i   int
}

func (t touch) command() *command { return &t.rec.commands[t.i] }

func (h *history) start(w *world) {
	h.owner = map[object.Stamp]uint32{}
	h.keys = make([]keyHistory, len(w.plan.keys))
	for i := range h.keys {
		n := w.ring.Replicas()
		h.keys[i] = keyHistory{replicas: n, floors: make([]pair, n+1), replaced: map[uint64]overwritten{}, passed: map[object.Stamp]Time{}}
	}
}

// of tells the history of a key.
func (h *history) of(key int) (lines []string) {
	for _, t := range h.keys[key].touched {
		lines = append(lines, t.rec.String())
	}
	return slices.Compact(lines)
}

// invoke adds an operation that begins now.
func (w *world) invoke(client int, n *node, commands []command, levels [2]quorum.Choice, multi bool, timeout Time) *record {
	rec := &record{
		id: uint32(len(w.records)), client: client, node: n.index, commands: commands, multi: multi, levels: levels,
		invoked: w.now, timeout: timeout,
		written: make([]object.Stamp, len(commands)), knew: make([]object.Stamp, len(commands)), texts: make([][]string, len(commands)), ends: make([][]int64, len(commands)), gone: make([][]uint64, len(commands)),
	}
	for i := range commands {
		c := &commands[i]
		c.token = uint64(rec.id+1)<<3 | uint64(i)
		rec.write = rec.write || !c.verb.reads()
	}
	w.records = append(w.records, rec)
	for i := range commands {
		k := &w.keys[commands[i].key]
		k.touched = append(k.touched, touch{rec, i})
		rec.before = append(rec.before, w.snapshot(rec, &commands[i]))
	}
	w.trace.line(w.now, n.index, onInvoke, [3]uint64{uint64(rec.id), commands[0].token, uint64(len(commands))}, rec.String)
	return rec
}

// byToken returns whose token it is.
func (h *history) byToken(token uint64) (touch, bool) {
	id, i := token>>3, int(token&7)
	if id == 0 || id > uint64(len(h.records)) || i >= len(h.records[id-1].commands) {
		return touch{}, false
	}
	return touch{h.records[id-1], i}, true
}

// evaluated notes an evaluation: where an operation runs, it tells.
func (w *world) evaluated(o *op, stamp object.Stamp) {
	rec := o.rec
	changed := false
	for i := range o.results {
		res := &o.results[i]
		if !res.applied {
			continue
		}
		changed = true
		w.totals.Verbs[rec.commands[i].verb].Applied++
		rec.gone[i] = append(rec.gone[i], res.gone...)
		if res.at != 0 {
			rec.ends[i] = append(rec.ends[i], res.at)
		}
		if rec.commands[i].verb == verbAppend {
			text := string(rec.commands[i].value(w.plan.padded))
			if len(res.saw.text) < 300 && !res.saw.isNumber {
				text = string(res.saw.text) + text
			}
			rec.texts[i] = append(rec.texts[i], text)
		}
	}
	if !changed || stamp.Node == 0 {
		return
	}
	rec.evaluations = append(rec.evaluations, stamp)
	w.checkPlace(rec, stamp)
	ticks := 1
	if rec.multi {
		ticks = len(rec.commands)
	}
	for tick := range ticks {
		// I7: a stamp is the name of one write. Two evaluations may share one only if they are of the same operation.
		s := stamp.Tick(tick)
		w.totals.Checks[checkUnique]++
		if id, ok := w.owner[s]; ok && id != rec.id {
			w.fail("I7 unique", rec.commands[0].key, "operations #%d and #%d were both stamped %v", id, rec.id, s)
		}
		w.owner[s] = rec.id
	}
}

// checkPlace is I15: what looks before it writes runs on a home replica. A fallback knows only what it was given to keep, so an
// APPEND there would begin from nothing and win over everything that it has not seen.
func (w *world) checkPlace(rec *record, stamp object.Stamp) {
	if rec.blind() {
		return
	}
	w.totals.Checks[checkPlace]++
	key := rec.commands[0].key
	if n := w.nodeOf(stamp.Node); n == nil || !n.isHome(key) {
		w.fail("I15 place", key, "it looked and wrote on node %v, which is no home replica: %v", stamp.Node, rec)
	}
}

// conclude notes how an operation ended, and checks its answer.
func (w *world) conclude(rec *record, err error, results []result) {
	rec.finished, rec.err, rec.results = w.now, err, results
	rec.outcome = w.outcomeOf(rec, err)
	w.trace.line(w.now, rec.node, onAnswer, [3]uint64{uint64(rec.id), uint64(rec.outcome), 0}, rec.String)
	for i := range rec.commands {
		w.totals.Verbs[rec.commands[i].verb].Outcomes[rec.outcome]++
		if err == nil {
			w.trace.mixBytes(results[i].saw.text)
			w.trace.mix(uint64(results[i].saw.number) ^ uint64(results[i].stamp.HLC))
		}
	}
	switch rec.outcome {
	case refused:
		w.checkRefused(rec)
	case succeeded:
		for i := range rec.commands {
			w.checkAnswer(rec, i)
		}
		w.learn(rec)
	}
}

var errBroken = errors.New("sim: the connection broke")

// outcomeOf sorts errors. Each must be one that an operation may end with.
func (w *world) outcomeOf(rec *record, err error) outcome {
	var level *quorum.LevelError
	var unavailable *quorum.UnavailableError
	var timeout *dynamo.TimeoutError
	var remote *dynamo.RemoteError
	w.totals.Checks[checkAnswers]++
	switch {
	case err == nil:
		return succeeded
	case errors.Is(err, errBroken), errors.As(err, &timeout), errors.As(err, &remote):
		return unknown
	case errors.As(err, &unavailable), errors.Is(err, dynamo.ErrOverloaded), errors.Is(err, errFull), errors.Is(err, dynamo.ErrClockCeiling):
		if w.plan.profile == ProfileCalm {
			w.fail("I12 answers", rec.commands[0].key, "nothing is wrong, yet %v", rec)
		}
		return refused
	case errors.As(err, &level):
		if w.possible(rec) {
			w.fail("I12 answers", rec.commands[0].key, "a level that the ring can satisfy: %v", rec)
		}
		return refused
	}
	w.fail("I12 answers", rec.commands[0].key, "an error that no operation may end with: %v", rec)
	return unknown
}

func appendInt(x uint64) []byte { return strconv.AppendUint(nil, x, 10) }
