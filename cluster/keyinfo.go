package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/engine/object"
)

// KeyReport is what one member of the ring tells of a key.
type KeyReport struct {
	Node object.NodeID
	Home bool  // it is a home replica of the key
	Err  error // why nothing is known of it: ErrDead, or what became of the question

	// Found says that there is a key row. Key is as the node holds it, but for its elements and the bytes of its values: of
	// those it has the numbers only.
	Found    bool
	Key      object.KeyState
	Bytes    int          // of the key row
	Text     int          // of the value
	Elements int          // element rows, dead ones among them, at most maxKeyElements
	Element  object.Stamp // the latest of those
	Hints    []KeyHint
}

// KeyHint is what a node keeps of a key for a home replica.
type KeyHint struct {
	For    object.NodeID
	Rows   int
	Bytes  int
	Latest object.Stamp
}

// ErrDead is why a member was not asked.
var ErrDead = errors.New("cluster: the node is not alive")

// maxKeyElements bounds how many elements of a key are looked at.
const maxKeyElements = 1 << 20

// KeyInfo asks every member of the ring what it holds of a key: the home replicas come first, in the order of the preference
// list. One that does not answer in time is listed with an error.
func (n *Node) KeyInfo(key object.KeyRef, slot object.Slot) []KeyReport {
	var reports []KeyReport
	for _, id := range n.homesOf(slot) {
		reports = append(reports, KeyReport{Node: id, Home: true})
	}
	for _, m := range n.ring.Load().Members() {
		id := object.NodeID(m.ID)
		if !slices.ContainsFunc(reports, func(r KeyReport) bool { return r.Node == id }) {
			reports = append(reports, KeyReport{Node: id})
		}
	}
	body := appendKeyAsk(nil, key, slot)
	var answers sync.WaitGroup
	for i := range reports {
		r := &reports[i]
		switch {
		case r.Node == n.id:
			r.Err = n.inspect(r, key, slot)
		case !n.hears(r.Node):
			r.Err = ErrDead
		default:
			answers.Go(func() { r.Err = n.askForKey(r, body) })
		}
	}
	answers.Wait()
	return reports
}

// homesOf returns the home replicas of a slot, first places first.
func (n *Node) homesOf(slot object.Slot) []object.NodeID {
	var ids []object.NodeID
	for _, id := range n.ring.Load().Lookup(ring.Slot(slot)) {
		ids = append(ids, object.NodeID(id))
	}
	return ids
}

// inspect fills in what this node holds. It is shown when it is as durable as the policy says.
func (n *Node) inspect(to *KeyReport, key object.KeyRef, slot object.Slot) error {
	p := n.partitionOf(slot)
	if p.unreadable != nil {
		return p.unreadable
	}
	own := object.AppendRowKey(nil, n.secret, slot, key, nil)
	p.mu.Lock()
	to.Key.Database = p.core.Cleared(key.DB)
	row, err := n.store.Get(nil, own)
	row = bytes.Clone(row)
	p.mu.Unlock()
	if err != nil {
		return fmt.Errorf("read key: %w", err)
	}
	if row != nil {
		if err := to.Key.Row.DecodeRow(row); err != nil {
			return fmt.Errorf("read key: %w", err)
		}
		to.Found, to.Bytes = true, len(row)
		to.slim()
	}
	if to.Elements, to.Element, err = n.elementsOf(own); err != nil {
		return err
	}
	if err := n.hintsOf(to, key, slot); err != nil {
		return err
	}
	return n.awaitPartition(p)
}

// slim lets go of the values' bytes.
func (r *KeyReport) slim() {
	v := &r.Key.Row.Value
	r.Text, v.Bytes = len(v.Bytes), nil
	if s := r.Key.Row.Siblings; s != nil {
		for i := range s.Values {
			s.Values[i].Bytes = nil
		}
	}
}

// elementsOf counts the element rows under the engine key of a key row, which theirs begin with.
func (n *Node) elementsOf(key []byte) (count int, latest object.Stamp, err error) {
	var bad error
	lo := append(bytes.Clone(key), 0)
	err = n.store.Scan(lo, after(key), func(_, row []byte) bool {
		var e object.ElementRow
		if bad = e.DecodeRow(row); bad != nil {
			return false
		}
		count++
		latest = object.MaxOf(latest, e.Stamp)
		return count < maxKeyElements
	})
	if err = errors.Join(err, bad); err != nil {
		return 0, latest, fmt.Errorf("read elements: %w", err)
	}
	return count, latest, nil
}

// after returns the least key behind all that begin with prefix.
func after(prefix []byte) []byte {
	end := bytes.Clone(prefix)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil // never: prefixes begin with a letter
}

// hintsOf lists what this node keeps of a key for its home replicas: rows of the key, and of its database.
func (n *Node) hintsOf(to *KeyReport, key object.KeyRef, slot object.Slot) error {
	first := slot &^ (1<<n.slotShift - 1)
	for _, id := range n.homesOf(slot) {
		if id == n.id {
			continue
		}
		h := KeyHint{For: id}
		prefix := object.AppendHintPrefix(nil, id)
		database := object.AppendDatabaseKey(bytes.Clone(prefix), first, key.DB)
		err := n.store.Scan(database, append(bytes.Clone(database), 0), h.add)
		if err == nil {
			rows := object.AppendRowKey(bytes.Clone(prefix), n.secret, slot, key, nil)
			err = n.store.Scan(rows, after(rows), h.add)
		}
		if err != nil {
			return fmt.Errorf("read hints: %w", err)
		}
		if h.Rows > 0 {
			to.Hints = append(to.Hints, h)
		}
	}
	return nil
}

// add counts the row of a hint. Its latest stamp is of what can be read.
func (h *KeyHint) add(_, row []byte) bool {
	h.Rows++
	h.Bytes += len(row)
	var k object.KeyState
	var e object.ElementRow
	if k.Row.DecodeRow(row) == nil {
		h.Latest = object.MaxOf(h.Latest, k.Latest())
	} else if e.DecodeRow(row) == nil {
		h.Latest = object.MaxOf(h.Latest, e.Stamp)
	}
	return h.Rows < maxKeyElements
}
