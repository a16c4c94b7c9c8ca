package dynamo

import "slices"

// table is the operations under way, ascending by id. Removing leaves a hole, so that thousands that linger for a silent replica
// cost no more each than a few.
type table struct {
	entries []tableEntry
	holes   int
}

type tableEntry struct {
	id uint64
	op *operation // nil: a hole
}

func (t *table) len() int { return len(t.entries) - t.holes }

// add appends an operation. REQUIRES: its id is above all others.
func (t *table) add(op *operation) { t.entries = append(t.entries, tableEntry{op.id, op}) }

func (t *table) index(id uint64) (int, bool) {
	return slices.BinarySearchFunc(t.entries, id, func(e tableEntry, id uint64) int {
		switch {
		case e.id < id:
			return -1
		case e.id > id:
			return 1
		}
		return 0
	})
}

func (t *table) find(id uint64) *operation {
	if i, ok := t.index(id); ok {
		return t.entries[i].op
	}
	return nil
}

func (t *table) remove(id uint64) {
	i, ok := t.index(id)
	if !ok || t.entries[i].op == nil {
		return
	}
	t.entries[i].op = nil
	t.holes++
	if t.holes == len(t.entries) {
		t.entries, t.holes = t.entries[:0], 0
	} else if t.holes > 32 && t.holes > len(t.entries)/2 {
		t.entries = slices.DeleteFunc(t.entries, func(e tableEntry) bool { return e.op == nil })
		t.holes = 0
	}
}
