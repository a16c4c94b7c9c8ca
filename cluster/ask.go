package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// What a node can be asked, as wire.Ask.What. Values are for ever: append only.
const (
	askScan   = 1 // db u8 | cursor u64 | end u32 | count u32 -> next u64 | (type u8 | uvarint len | name)*
	askCounts = 2 // db u8 -> u32 a slot that has keys: slot u16 | keys u32
	// db u8 | slot u16 | name -> database's cleared | found u8 | found: uvarint bytes | uvarint bytes of the value |
	// uvarint len | row without values | uvarint elements | the latest's stamp | (for u64 | uvarint rows | uvarint bytes | stamp)*;
	// a stamp being hlc u64 | node u64 | incarnation u64
	askKey = 3
	// -> K0 u64 | K1 u64: the cluster's hash secret, for members
	askSecret = 4
	// -> u64*: see Usage
	askUsage = 5
)

const (
	// askTimeout is how long an answer of another node is waited for.
	askTimeout = 5 * time.Second
	// askCount bounds how many keys one Ask may want.
	askCount = 100_000
)

var errAsk = errors.New("cluster: a node's answer makes no sense")

// asks are the questions to other nodes that wait for an answer.
type asks struct {
	mu     sync.Mutex
	lastID uint64
	open   map[uint64]chan *wire.Answer
}

func (a *asks) begin() (uint64, chan *wire.Answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.open == nil {
		a.open = make(map[uint64]chan *wire.Answer)
	}
	a.lastID++
	ch := make(chan *wire.Answer, 1)
	a.open[a.lastID] = ch
	return a.lastID, ch
}

func (a *asks) end(id uint64) {
	a.mu.Lock()
	delete(a.open, id)
	a.mu.Unlock()
}

func (a *asks) answered(m *wire.Answer) {
	a.mu.Lock()
	ch := a.open[m.ID]
	delete(a.open, m.ID)
	a.mu.Unlock()
	if ch != nil {
		ch <- m
	}
}

// ask sends a question and waits for its answer.
func (n *Node) ask(to object.NodeID, what uint8, body []byte) ([]byte, error) {
	return n.askWithin(to, what, body, askTimeout)
}

// askWithin is ask with a time of its own.
func (n *Node) askWithin(to object.NodeID, what uint8, body []byte, timeout time.Duration) ([]byte, error) {
	return n.asks.ask(n.links, to, n.header(0), what, body, timeout)
}

// ask sends a question under a header that lacks its id, and waits for the answer.
func (a *asks) ask(links Links, to object.NodeID, h wire.Header, what uint8, body []byte, timeout time.Duration) ([]byte, error) {
	id, ch := a.begin()
	defer a.end(id)
	m := &wire.Ask{Header: h, What: what, Body: body}
	m.ID, m.Budget = id, uint32(max(1, timeout.Milliseconds()))
	if !links.Send(to, m) {
		return nil, fmt.Errorf("cluster: node %016x cannot be reached", uint64(to))
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case reply := <-ch:
		if reply.Asker != h.Asker {
			return nil, errAsk
		}
		switch reply.Status {
		case wire.StatusOK:
		case wire.StatusOverloaded:
			return nil, ErrOverloaded
		default:
			return nil, &RemoteError{Text: string(reply.Body)}
		}
		return reply.Body, nil
	case <-timer.C:
		return nil, fmt.Errorf("cluster: node %016x did not answer in time", uint64(to))
	}
}

func (n *Node) header(id uint64) wire.Header {
	return wire.Header{Epoch: uint64(n.ring.Load().Epoch()), HLC: n.clock.Read(), ID: id, Asker: n.inc}
}

// answer answers a peer's question, on a goroutine of its own: it may take long, and its link must not wait. How many run at
// once is bounded; more are refused.
func (n *Node) answer(from object.NodeID, m *wire.Ask) {
	reply := &wire.Answer{Header: n.header(m.ID)}
	reply.Asker = m.Asker
	select {
	case n.answering <- struct{}{}:
	default:
		reply.Status = wire.StatusOverloaded
		n.links.Send(from, reply)
		return
	}
	n.run(func() {
		defer func() { <-n.answering }()
		body, err := n.answerTo(from, m)
		if err != nil {
			reply.Status, body = wire.StatusError, []byte(err.Error())
		}
		reply.Body = body
		n.links.Send(from, reply)
	})
}

func (n *Node) answerTo(from object.NodeID, m *wire.Ask) ([]byte, error) {
	switch m.What {
	case askScan:
		return n.answerScan(m.Body)
	case askCounts:
		return n.answerCounts(m.Body)
	case askKey:
		return n.answerKey(m.Body)
	case askSecret:
		return n.answerSecret(from)
	case askUsage:
		return n.answerUsage()
	}
	return nil, fmt.Errorf("cluster: unknown question %d", m.What)
}

const scanAskLen = 1 + 8 + 4 + 4

func (r *scanRange) appendAsk(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint64(append(dst, r.db), r.cursor)
	dst = binary.BigEndian.AppendUint32(dst, uint32(r.end))
	return binary.BigEndian.AppendUint32(dst, uint32(r.count))
}

func (n *Node) answerScan(body []byte) ([]byte, error) {
	if len(body) != scanAskLen || body[0] >= object.DBCount {
		return nil, errAsk
	}
	r := scanRange{
		db: body[0], cursor: binary.BigEndian.Uint64(body[1:]),
		end:   min(object.SlotCount, uint64(binary.BigEndian.Uint32(body[9:]))),
		count: min(askCount, int(binary.BigEndian.Uint32(body[13:]))),
	}
	out := make([]byte, 8, 1024)
	next, err := n.scan(r, nil, func(name []byte, t object.Type) {
		out = append(out, byte(t))
		out = binary.AppendUvarint(out, uint64(len(name)))
		out = append(out, name...)
	})
	if err != nil {
		return nil, err
	}
	binary.BigEndian.PutUint64(out, next)
	return out, nil
}

// askToScan scans a range at another node.
func (n *Node) askToScan(to object.NodeID, r scanRange, fn func(name []byte, t object.Type)) (next uint64, err error) {
	body, err := n.ask(to, askScan, r.appendAsk(nil))
	if err != nil {
		return 0, err
	}
	if len(body) < 8 {
		return 0, errAsk
	}
	next = binary.BigEndian.Uint64(body)
	if next != 0 && next <= r.cursor || next>>object.HashBits > r.end {
		return 0, errAsk
	}
	for body = body[8:]; len(body) > 0; {
		length, w := binary.Uvarint(body[1:])
		if w <= 0 || length > uint64(len(body)-1-w) {
			return 0, errAsk
		}
		fn(body[1+w:1+w+int(length)], object.Type(body[0]))
		body = body[1+w+int(length):]
	}
	return next, nil
}

func (n *Node) answerCounts(body []byte) ([]byte, error) {
	if len(body) != 1 || body[0] >= object.DBCount {
		return nil, errAsk
	}
	if n.counts.missing.Load() > 0 {
		return nil, ErrCounting
	}
	var out []byte
	for slot := range object.SlotCount {
		if keys := n.counts.slots[body[0]][slot].Load(); keys > 0 {
			out = binary.BigEndian.AppendUint16(out, uint16(slot))
			out = binary.BigEndian.AppendUint32(out, uint32(keys))
		}
	}
	return out, nil
}

// askForCounts calls fn with how many keys a node stores in each slot that has any.
func (n *Node) askForCounts(to object.NodeID, db uint8, fn func(slot object.Slot, keys int64)) error {
	body, err := n.ask(to, askCounts, []byte{db})
	if err != nil {
		return err
	}
	for ; len(body) >= 6; body = body[6:] {
		fn(object.Slot(binary.BigEndian.Uint16(body)), int64(binary.BigEndian.Uint32(body[2:])))
	}
	if len(body) != 0 {
		return errAsk
	}
	return nil
}
