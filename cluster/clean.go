package cluster

import (
	"context"
	"errors"
	"time"

	"github.com/rondokv/rondo/engine/object"
)

// errSeveral ends what only a node that is alone may do.
var errSeveral = errors.New("cluster: the ring has several members now")

const (
	cleanInterval = time.Second
	cleanPause    = 5 * time.Millisecond // between chunks, so that cleaning takes a small share of a core
	cleanChunk    = 512
)

// clean drops, at a low rate, the rows that a flush of one database among several left behind. Reads never show them.
func (n *Node) clean(ctx context.Context) {
	timer := time.NewTimer(cleanInterval)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		for i := range n.partitions {
			if !n.alone.Load() {
				break // as for sweeping
			}
			for db := range object.DBCount {
				if err := n.cleanDatabase(ctx, i, uint8(db)); err != nil && ctx.Err() == nil && !errors.Is(err, errSeveral) {
					n.log.Warn("rows of a flushed database not dropped yet", "partition", i, "db", db, "error", err)
				}
			}
		}
		timer.Reset(cleanInterval)
	}
}

// cleanDatabase drops what the cleared of a database covers in partition i, if a flush left anything.
func (n *Node) cleanDatabase(ctx context.Context, i int, db uint8) error {
	p := &n.partitions[i]
	if p.unreadable != nil {
		return nil
	}
	p.mu.Lock()
	leftover, cleared := p.alone && p.core.Leftover(db), p.core.Cleared(db)
	p.mu.Unlock()
	if !leftover {
		return nil
	}
	for s := range object.Slot(1) << n.slotShift {
		slot := n.firstSlot(i) + s
		lo := object.AppendScanKey(nil, slot, db, 0)
		for lo != nil {
			var r stored
			var err error
			if lo, r, err = n.cleanSome(p, lo, slot, db); err != nil {
				return err
			}
			if r.commit != nil {
				if err := settleAll([]stored{r}); err != nil {
					return err
				}
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(cleanPause):
			}
		}
	}
	return n.cleaned(i, db, cleared)
}

// cleanSome looks at the next rows from lo on and returns where to go on, nil at the slot's end.
func (n *Node) cleanSome(p *partition, lo []byte, slot object.Slot, db uint8) (next []byte, r stored, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.alone {
		return nil, stored{}, errSeveral
	}
	hi := object.AppendDatabaseKey(nil, slot, db+1)
	seen := 0
	var writes []object.Write
	var bad error
	err = n.store.Scan(lo, hi, func(key, row []byte) bool {
		if seen == cleanChunk {
			next = append([]byte(nil), key...)
			return false
		}
		seen++
		k := object.KeyState{Database: p.core.Cleared(db)}
		if bad = k.Row.DecodeRow(row); bad != nil {
			return false
		}
		if !k.Row.Stored(k.Database) && k.Row.Collect(k.Database, n.clock.Read()) {
			writes = append(writes, object.Write{Key: append([]byte(nil), key...)})
		}
		return true
	})
	if err == nil {
		err = bad
	}
	if err != nil || len(writes) == 0 {
		return next, stored{}, err
	}
	commit, err := n.store.Apply(writes)
	if err != nil {
		return nil, stored{}, err
	}
	return next, stored{p, commit, p.core.Batch()}, nil
}

// cleaned records that nothing is left of what cleared covers, unless the database was flushed again meanwhile.
func (n *Node) cleaned(i int, db uint8, cleared object.Stamp) error {
	p := &n.partitions[i]
	p.mu.Lock()
	if !p.alone || p.core.Cleared(db) != cleared {
		p.mu.Unlock()
		return nil
	}
	key := object.AppendDatabaseKey(nil, n.firstSlot(i), db)
	commit, err := n.store.ApplyFreeing([]object.Write{{Key: key, Row: databaseRow(cleared, false)}})
	if err != nil {
		p.mu.Unlock()
		return err
	}
	p.core.SetCleared(db, cleared, false)
	batch := p.core.Batch()
	p.mu.Unlock()
	return settleAll([]stored{{p, commit, batch}})
}
