package paxos

// eventKind says what happens.
type eventKind uint8

const (
	evPacket eventKind = iota
	evStored           // what a node was storing is durable
	evTick
	evPropose
	evGossip
	evCrash
	evStart
	evFall // a crash of this life
	evCut
)

type event struct {
	at     Time
	seq    uint64
	kind   eventKind
	node   int
	life   int
	packet packet
}

// packet is what nodes send. Bodies of registers' messages go as bytes.
type packet struct {
	kind     packetKind
	from, to int
	known    uint64 // gossip, fetch and document: the sender's last epoch
	epoch    uint64 // document
	body     []byte
}

type packetKind uint8

const (
	pkRegister packetKind = iota
	pkGossip
	pkFetch
	pkDocument
)

// events is a heap: the earliest first, those of one time as they came.
type events struct {
	heap []event
	seq  uint64
}

func (q *events) before(i, j int) bool {
	a, b := &q.heap[i], &q.heap[j]
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}

func (q *events) push(e event) {
	q.seq++
	e.seq = q.seq
	q.heap = append(q.heap, e)
	for i := len(q.heap) - 1; i > 0 && q.before(i, (i-1)/2); i = (i - 1) / 2 {
		q.heap[i], q.heap[(i-1)/2] = q.heap[(i-1)/2], q.heap[i]
	}
}

// pop takes the next event that is not later than until.
func (q *events) pop(until Time) (event, bool) {
	if len(q.heap) == 0 || q.heap[0].at > until {
		return event{}, false
	}
	first, last := q.heap[0], len(q.heap)-1
	q.heap[0] = q.heap[last]
	q.heap[last] = event{}
	q.heap = q.heap[:last]
	for i := 0; ; {
		least := i
		for _, c := range []int{2*i + 1, 2*i + 2} {
			if c < last && q.before(c, least) {
				least = c
			}
		}
		if least == i {
			return first, true
		}
		q.heap[i], q.heap[least] = q.heap[least], q.heap[i]
		i = least
	}
}
