package dynamo

// held is something that must not leave the node before a batch is durable.
type held struct {
	batch   uint64
	message Envelope // to send; without a Message: none
	request *Request // to answer
	op      uint64   // an operation whose own rows count from then on; 0: none
	attempt uint8
	phase   phase
	copied  *transfer // it has copied from a source
}

// work is what a held entry of an operation comes to.
func (h *held) work() work {
	return work{kind: workOwnRows, op: h.op, phase: h.phase, attempt: h.attempt}
}

// queue holds things in the order of their batches.
type queue struct {
	items []held
	first int
}

func (q *queue) push(h held) { q.items = append(q.items, h) }

// pop takes the first item that batch durable frees.
func (q *queue) pop(durable uint64) (held, bool) {
	if q.first == len(q.items) || q.items[q.first].batch > durable {
		return held{}, false
	}
	h := q.items[q.first]
	q.items[q.first] = held{}
	q.first++
	if q.first == len(q.items) {
		q.items, q.first = q.items[:0], 0
	} else if q.first > 64 && q.first > len(q.items)/2 {
		n := copy(q.items, q.items[q.first:])
		clear(q.items[n:])
		q.items, q.first = q.items[:n], 0
	}
	return h, true
}

// dropFrom lets go what waits for batch or later ones.
func (q *queue) dropFrom(batch uint64) {
	n := len(q.items)
	for n > q.first && q.items[n-1].batch >= batch {
		n--
	}
	clear(q.items[n:])
	q.items = q.items[:n]
}

func (q *queue) len() int { return len(q.items) - q.first }
