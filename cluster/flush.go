package cluster

import (
	"errors"
	"fmt"

	"github.com/rondokv/rondo/cluster/hlc"
	"github.com/rondokv/rondo/engine/object"
)

// Flush clears a database, or all of them with db -1, at one instant: every partition's mutex is held while one batch
// writes the new cleared of each partition's database. Rows of a cleared database are dead from then on; what has not been
// dropped with the batch goes in the background.
func (n *Node) Flush(db int) error {
	if err := n.clock.MakeRoom(hlc.Margin * 5); err != nil {
		return err
	}
	commit, seqs, err := n.flushLocked(db)
	if err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	if err := commit.Wait(); err != nil {
		for i := range n.partitions {
			n.partitions[i].fail()
		}
		return fmt.Errorf("flush: %w", err)
	}
	var batches []stored
	for i := range n.partitions {
		batches = n.partitions[i].settled(seqs[i], batches)
	}
	return settleAll(batches)
}

// flushLocked takes every mutex, in the order of the partitions: whoever holds one never waits for another. It returns the
// number of the batch in each partition.
func (n *Node) flushLocked(db int) (object.Commit, []uint64, error) {
	for i := range n.partitions {
		n.partitions[i].mu.Lock()
		defer n.partitions[i].mu.Unlock()
	}
	for i := range n.partitions {
		if !n.partitions[i].alone {
			return nil, nil, errSeveral
		}
	}
	first, ok := n.clock.Tick(n.clock.Physical(), 1)
	if !ok {
		return nil, nil, errors.New("the clock's ceiling is in the way: try again")
	}
	stamp := object.Stamp{HLC: first, Node: n.id, Inc: n.inc}
	flushed := func(d int) bool { return db < 0 || d == db }
	drop := true // no database that stays holds keys: the whole data space can go at once
	for d := range object.DBCount {
		drop = drop && (flushed(d) || n.counts.keys[d].Load() == 0)
	}
	drop = drop && (db < 0 || n.counts.missing.Load() == 0 && !n.someUnreadable())
	commit, err := n.applyFlush(n.clearedRows(stamp, flushed, drop), drop)
	if err != nil {
		return nil, nil, err
	}
	seqs := make([]uint64, len(n.partitions))
	for i := range n.partitions {
		p := &n.partitions[i]
		if p.core == nil {
			continue
		}
		seqs[i] = p.core.Batch()
		for d := range object.DBCount {
			if flushed(d) {
				p.core.SetCleared(uint8(d), stamp, !drop)
			}
		}
	}
	for d := range object.DBCount {
		if flushed(d) {
			n.counts.forget(d)
		}
	}
	return commit, seqs, nil
}

// clearedRows returns the database rows that a flush writes: those of the flushed databases, and, when everything else is
// dropped with them, those of the others as they are.
func (n *Node) clearedRows(stamp object.Stamp, flushed func(db int) bool, drop bool) []object.Write {
	encoded := databaseRow(stamp, !drop)
	ws := make([]object.Write, 0, len(n.partitions)*object.DBCount)
	for i := range n.partitions {
		for d := range object.DBCount {
			row := encoded
			if !flushed(d) {
				cleared := n.partitions[i].clearedLocked(uint8(d))
				if !drop || cleared.IsZero() {
					continue
				}
				row = databaseRow(cleared, false)
			}
			ws = append(ws, object.Write{Key: object.AppendDatabaseKey(nil, n.firstSlot(i), uint8(d)), Row: row})
		}
	}
	return ws
}

// databaseRow encodes the row of a database in a partition. leftover says that rows which cleared covers may still be
// stored; it is kept in the row's local field.
func databaseRow(cleared object.Stamp, leftover bool) []byte {
	row := object.KeyRow{Cleared: cleared}
	if leftover {
		row.Own = cleared
	}
	return row.AppendRow(nil)
}

func (n *Node) applyFlush(writes []object.Write, drop bool) (object.Commit, error) {
	if !drop {
		return n.store.ApplyFreeing(writes)
	}
	lo := object.AppendSlotKey(nil, 0)
	hi := object.AppendSlotKey(nil, object.SlotCount)
	return n.store.DropRange(lo, hi, writes)
}

func (c *counts) forget(db int) {
	c.keys[db].Store(0)
	c.expires[db].Store(0)
	for s := range c.slots[db] {
		c.slots[db][s].Store(0)
	}
}
