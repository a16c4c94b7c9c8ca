package sim

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/engine/object"
)

// finale is the end of a run: heal, wait, read every key at ALL, wait, compare.
type finale struct {
	w     *world
	r     rng
	since Time
	key   int
	tries int
	epoch ring.Epoch // when it began to read
}

const (
	maxQuiet = 120 * second // until hints are at home and nothing is under way
	maxTries = 200
)

// heal ends all faults.
func (w *world) heal() {
	w.phase = healing
	w.trace.line(w.now, -1, onPhase, [3]uint64{uint64(healing), 0, 0}, nil)
	w.final = &finale{w: w, r: newRNG(w.seed, drawEnd+1), since: w.now}
	// A clock that was ahead stays so: it must not issue a stamp twice. So the right time catches up with all of them.
	for _, n := range w.nodes {
		n.steady()
		reached := n.ceiling.Millis()
		if n.up {
			reached = max(reached, n.clock.Read().Millis())
		}
		w.ahead = max(w.ahead, Time(reached-wallStart)*millisecond-w.now)
	}
	for _, n := range w.nodes {
		clear(n.until)
		n.slowUntil, n.departs = 0, false // who has not begun to leave stays
		switch {
		case n.mayStart() || !n.up && n.stopped && !n.gone:
			n.start()
		case !n.up:
		case n.pausedUntil > w.now:
			n.resume()
		}
	}
	w.after(50*millisecond, nil, w.final.wait)
}

// quiet says what is still under way; "" for nothing.
func (w *world) quiet() string {
	if n := w.flying(); n > 0 {
		return fmt.Sprintf("%d messages under way", n)
	}
	for _, n := range w.nodes {
		if n.stopped {
			continue
		}
		if len(n.calls) > 0 {
			return fmt.Sprintf("node %d has %v under way", n.index, n.calls[0].rec)
		}
		if len(n.batches) > 0 {
			return fmt.Sprintf("node %d has %d batches to sync", n.index, len(n.batches))
		}
		for p, part := range n.parts {
			if part.Busy() {
				return fmt.Sprintf("node %d, partition %d is busy", n.index, p)
			}
			if len(part.Hinted()) > 0 {
				return fmt.Sprintf("node %d, partition %d holds hints for %x", n.index, p, part.Hinted())
			}
		}
	}
	return ""
}

// wait goes on once nothing is under way.
func (f *finale) wait() {
	w := f.w
	if why := w.quiet(); why != "" {
		if w.now-f.since > maxQuiet {
			w.fail("I2 equal", -1, "after %d s without faults %s", maxQuiet/second, why)
			return
		}
		w.after(50*millisecond, nil, f.wait)
		return
	}
	if why := w.settledRing(); why != "" {
		if w.now-f.since > maxQuiet {
			w.fail("I21 ends", -1, "after %d s without faults %s", maxQuiet/second, why)
			return
		}
		w.after(50*millisecond, nil, f.wait)
		return
	}
	if w.phase == reading && f.epoch != w.doc.Epoch {
		w.phase = healing // it has changed once more
	}
	f.since = w.now
	switch w.phase {
	case healing:
		f.homecoming()
		w.phase = reading
		f.key, f.epoch = 0, w.doc.Epoch
		w.trace.line(w.now, -1, onPhase, [3]uint64{uint64(reading), 0, 0}, nil)
		f.read()
	case reading:
		f.compare()
		w.checkCleared()
		for key := range w.plan.keys {
			if w.violation == nil && w.plan.profile != ProfileChaos && !w.keys[key].moved {
				w.checkLinear(key)
			}
		}
		w.phase = over
	}
}

// homecoming is I17: before anybody has read to repair, every home replica has what was written, by hints if not at first, in
// a run in which no node crashed (its operations under way leave no hints), refused rows for lack of room, was refused
// for its clock, or dropped hints at a bound.
func (f *finale) homecoming() {
	w := f.w
	if w.crashed || w.totals.Refused+w.totals.Drifts > 0 {
		return
	}
	for _, n := range w.nodes {
		for _, part := range n.parts {
			if len(part.Apart()) > 0 {
				return
			}
		}
	}
	for key := range w.plan.keys {
		if w.keys[key].relocated {
			continue // what one old owner alone had, one new owner has
		}
		w.totals.Checks[checkHome]++
		var first []byte
		for i, n := range w.homesOf(key) {
			if rows, _ := n.canonical(key); i == 0 {
				first = rows
			} else if !bytes.Equal(rows, first) {
				w.fail("I17 home", key, "hints are home, and replicas differ:\n%s", w.replicas(key))
				return
			}
		}
	}
}

// read reads the next key at ALL, at one of its home replicas.
func (f *finale) read() {
	w := f.w
	if f.key == len(w.plan.keys) {
		w.after(50*millisecond, nil, f.wait)
		return
	}
	homes := w.homesOf(f.key)
	n := homes[f.r.IntN(len(homes))]
	all := quorum.Choice{Level: quorum.All}
	rec := w.invoke(-1, n, []command{{verb: verbGet, key: f.key}}, [2]quorum.Choice{all, all}, false, second)
	w.begin(n, rec, nil)
}

func (f *finale) answered(rec *record) {
	w := f.w
	if rec.outcome == succeeded {
		f.key, f.tries = f.key+1, 0
	} else if f.tries++; f.tries > maxTries {
		w.fail("I12 answers", f.key, "no faults any more, and yet %v", rec)
		return
	}
	w.after(50*millisecond, nil, f.read)
}

// compare checks I2: after a read at ALL, which repairs, and with nothing under way, the home replicas of a key hold the same
// bytes. What differs between replicas by right is left out: local fields, and elements that a clear covers, which go whenever
// somebody comes by. And no store holds a hint.
func (f *finale) compare() {
	w := f.w
	for _, n := range w.nodes {
		if !n.up || n.stopped {
			continue // and never will be again
		}
		err := n.store.Scan([]byte{object.SpaceHint}, []byte{object.SpaceHint + 1}, func(key, row []byte) bool {
			w.fail("I2 equal", -1, "node %d still holds a hint:%s", n.index, n.describeWrite(&object.Write{Key: key, Row: row}))
			return false
		})
		if err != nil {
			panic(err)
		}
	}
	for key := range w.plan.keys {
		var first []byte
		var firstDigest uint64
		for i, n := range w.homesOf(key) {
			w.totals.Checks[checkEqual]++
			w.totals.Checks[checkDigest]++
			rows, digest := n.canonical(key)
			if i == 0 {
				first, firstDigest = rows, digest
			} else if same := bytes.Equal(rows, first); same != (digest == firstDigest) {
				w.fail("I2 equal", key, "equal rows %t, digests %x and %x:\n%s", same, digest, firstDigest, w.replicas(key))
			} else if !bytes.Equal(rows, first) {
				w.fail("I2 equal", key, "replicas differ at the end:\n%s", w.replicas(key))
			}
		}
		for _, n := range w.nodes {
			if !n.up || n.stopped {
				continue
			}
			if rows, _ := n.canonical(key); len(rows) > 0 && !w.isHome(key, n) {
				w.fail("I2 equal", key, "node %d is no home replica and holds %x", n.index, rows)
			}
		}
	}
}

func (w *world) isHome(key int, n *node) bool {
	for _, home := range w.homesOf(key) {
		if home == n {
			return true
		}
	}
	return false
}

// keyState reads a key's rows from a store.
func (n *node) keyState(key int) (k object.KeyState) {
	plan := &n.w.plan.keys[key]
	first := n.w.partitionOf(plan.slot) * n.w.ring.SlotsPerPartition()
	if row, err := n.store.Get(nil, object.AppendDatabaseKey(nil, object.Slot(first), 0)); err != nil {
		panic(err)
	} else if row != nil {
		var d object.KeyRow
		if err := d.DecodeRow(row); err != nil {
			n.w.fail("I2 equal", key, "node %d holds %x: %v", n.index, row, err)
		}
		k.Database = d.Cleared
	}
	lo := object.AppendRowKey(nil, n.w.secret, plan.slot, plan.ref(), nil)
	hi := append(bytes.Clone(lo), 0xff)
	err := n.store.Scan(lo, hi, func(at, row []byte) bool {
		rk, err := object.ParseRowKey(at)
		switch {
		case err != nil:
		case len(rk.Sub) == 0:
			err = k.Row.DecodeRow(row)
		default:
			e := object.ElementState{Sub: bytes.Clone(rk.Sub)}
			err = e.Row.DecodeRow(row)
			k.Elements = append(k.Elements, e)
		}
		if err != nil {
			n.w.fail("I2 equal", key, "node %d holds %x: %v", n.index, row, err)
		}
		return err == nil
	})
	if err != nil {
		panic(err)
	}
	return k
}

// canonical returns what replicas must agree on of a key, and the digest by which they compare it themselves.
func (n *node) canonical(key int) (rows []byte, digest uint64) {
	k := n.keyState(key)
	digest = k.Digest(n.w.secret)
	r := &k.Row
	r.StripLocal()
	if !k.Database.Before(r.Cleared) {
		r.Cleared = object.Stamp{}
	}
	if !k.Database.Before(r.Expiry.Stamp) {
		r.Expiry = object.Expiry{}
	}
	clear := object.MaxOf(k.Database, r.Cleared)
	if !clear.Before(r.Value.Stamp) {
		r.Value = object.Value{}
	}
	r.Totals = slices.DeleteFunc(slices.Clone(r.Totals), func(t object.Total) bool { return !clear.Before(t.Stamp) })
	if s := r.Siblings; s != nil {
		live := slices.DeleteFunc(slices.Clone(s.Values), func(v object.Sibling) bool { return !clear.Before(v.Stamp) })
		r.Siblings = &object.SiblingSet{Context: s.Context, Values: live, Updated: s.Updated}
	}
	if !k.Database.IsZero() {
		rows = fmt.Append(rows, "flushed ", k.Database)
	}
	if !r.IsZero() {
		rows = r.AppendRow(rows)
	}
	for i := range k.Elements {
		if e := &k.Elements[i]; clear.Before(e.Row.Stamp) {
			rows = e.Row.AppendRow(append(rows, e.Sub...))
		}
	}
	return rows, digest
}

// replicas tells what each home replica holds of a key.
func (w *world) replicas(key int) (text string) {
	for _, n := range w.homesOf(key) {
		k := n.keyState(key)
		text += fmt.Sprintf("  node %d:", n.index)
		if !k.Row.IsZero() {
			text += " " + describeRow(false, k.Row.AppendRow(nil))
		}
		for i := range k.Elements {
			text += fmt.Sprintf(" %s %s", subName(k.Elements[i].Sub), describeRow(true, k.Elements[i].Row.AppendRow(nil)))
		}
		text += "\n"
	}
	return text
}
