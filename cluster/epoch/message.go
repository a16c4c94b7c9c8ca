package epoch

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/rondokv/rondo/cluster/paxos"
	"github.com/rondokv/rondo/cluster/ring"
)

const (
	// version is that of the bodies. A new field means a new version.
	version = 1
	// reportVersion is that of reports: 2 says what ring the numbers are about. Those of version 1 are taken in as well.
	reportVersion = 2
)

// kind says what a body holds. Values are for ever: append only.
type kind uint8

const (
	kindPaxos    kind = 1 // a message of a register
	kindWant     kind = 2 // asks for the document, of an epoch at least
	kindDocument kind = 3 // the sender's document
	kindReport   kind = 4 // how far the sender is
	kindHeard    kind = 5 // which epoch the sender knows: answers a report, and a want that cannot be met; also said unasked
	kindCommand  kind = 6 // an operator's, for the conductor
	kindAnswer   kind = 7 // of a command
	kindLineage  kind = 8 // the document of a new lineage, for survivors of the old one
)

const (
	bodyHead = 2
	// MaxCommand bounds commands and their answers, in bytes.
	MaxCommand = 2 << 20
	// MaxBody is the length of the longest body, in bytes.
	MaxBody = bodyHead + 1 + ring.MaxText + max(ring.MaxDocument, paxos.MaxMessage, 16+MaxCommand)
)

// ErrMessage: bytes that are no body. It is wrapped.
var ErrMessage = errors.New("epoch: bad message")

type want struct {
	cluster string // "": the sender waits to be admitted
	epoch   ring.Epoch
}

type report struct {
	cluster  string
	epoch    ring.Epoch
	hash     ring.Hash
	adopted  ring.Epoch
	inc, seq uint64
	progress Progress
}

type heard struct {
	cluster string
	epoch   ring.Epoch // 0: the sender waits to be admitted
	hash    ring.Hash
}

// passed is a command or an answer, in JSON, with the name of the command: unique at who asks.
type passed struct {
	inc, id uint64
	text    []byte
}

func head(dst []byte, k kind) []byte { return append(dst, version, byte(k)) }

func appendPaxos(dst []byte, x paxos.Message) []byte {
	return paxos.AppendMessage(head(dst, kindPaxos), x)
}

// appendCluster appends a cluster id. REQUIRES: it is from a document that was checked.
func appendCluster(dst []byte, id string) []byte {
	return append(append(dst, byte(len(id))), id...)
}

func appendWant(dst []byte, cluster string, epoch ring.Epoch) []byte {
	return binary.BigEndian.AppendUint64(appendCluster(head(dst, kindWant), cluster), uint64(epoch))
}

func appendDocument(dst, encoded []byte) []byte { return append(head(dst, kindDocument), encoded...) }

func appendReport(dst []byte, r report) []byte {
	dst = appendCluster(append(dst, reportVersion, byte(kindReport)), r.cluster)
	dst = append(binary.BigEndian.AppendUint64(dst, uint64(r.epoch)), r.hash[:]...)
	p := &r.progress
	for _, n := range []uint64{uint64(r.adopted), r.inc, r.seq, uint64(p.Copied), uint64(p.Empty)} {
		dst = binary.BigEndian.AppendUint64(dst, n)
	}
	dst = binary.BigEndian.AppendUint32(dst, p.PartitionsDone)
	dst = binary.BigEndian.AppendUint32(dst, p.PartitionsLeft)
	dst = binary.BigEndian.AppendUint64(dst, p.BytesDone)
	dst = binary.BigEndian.AppendUint64(dst, p.BytesLeft)
	return binary.BigEndian.AppendUint64(dst, uint64(p.Epoch))
}

func appendHeard(dst []byte, h heard) []byte {
	dst = appendCluster(head(dst, kindHeard), h.cluster)
	return append(binary.BigEndian.AppendUint64(dst, uint64(h.epoch)), h.hash[:]...)
}

func appendPassed(dst []byte, k kind, p passed) []byte {
	dst = binary.BigEndian.AppendUint64(head(dst, k), p.inc)
	return append(binary.BigEndian.AppendUint64(dst, p.id), p.text...)
}

func appendLineage(dst []byte, old string, encoded []byte) []byte {
	return append(appendCluster(head(dst, kindLineage), old), encoded...)
}

// Receive takes in the body of a wire.Ring. An error means that it was refused and changed nothing; only ErrConflict asks for
// more than counting it. The body is not kept but must not change until Receive has returned.
func (m *Machine) Receive(now Time, from ring.NodeID, body []byte) error {
	if err := m.receive(now, from, body); err != nil {
		return fmt.Errorf("receive from node %016x: %w", from, err)
	}
	return nil
}

func (m *Machine) receive(now Time, from ring.NodeID, body []byte) error {
	if len(body) < bodyHead || len(body) > MaxBody || from == 0 || from == m.self {
		return fmt.Errorf("%w: %d bytes", ErrMessage, len(body))
	}
	k, newest := kind(body[1]), byte(version)
	if k == kindReport {
		newest = reportVersion
	}
	if body[0] < version || body[0] > newest {
		return fmt.Errorf("%w: version %d of kind %d, this node speaks %d to %d", ErrMessage, body[0], k, version, newest)
	}
	r := reader{b: body[bodyHead:], version: body[0]}
	switch k {
	case kindPaxos:
		return m.receivePaxos(now, from, append([]byte(nil), r.b...)) // registers keep values
	case kindDocument:
		return m.receiveDocument(now, from, r.b)
	case kindLineage:
		old := r.cluster()
		if r.short || old == "" {
			return fmt.Errorf("%w: kind %d", ErrMessage, k)
		}
		return m.receiveLineage(now, from, old, r.b)
	case kindCommand, kindAnswer:
		p := passed{inc: r.uint64(), id: r.uint64(), text: r.b}
		if r.short || len(p.text) > MaxCommand {
			return fmt.Errorf("%w: kind %d of %d bytes", ErrMessage, k, len(body))
		}
		if k == kindCommand {
			return m.receiveCommand(now, from, p)
		}
		return m.receiveAnswer(now, p)
	default:
		return m.receiveShort(now, from, k, r)
	}
}

// receiveShort is for what has a cluster and fixed fields.
func (m *Machine) receiveShort(now Time, from ring.NodeID, k kind, r reader) error {
	cluster := r.cluster()
	var do func() error
	switch k {
	case kindWant:
		w := want{cluster, ring.Epoch(r.uint64())}
		do = func() error { m.receiveWant(from, w); return nil }
	case kindHeard:
		h := heard{cluster, ring.Epoch(r.uint64()), r.hash()}
		do = func() error { return m.receiveHeard(now, from, h) }
	case kindReport:
		x := report{cluster: cluster, epoch: ring.Epoch(r.uint64()), hash: r.hash(), adopted: ring.Epoch(r.uint64()), inc: r.uint64(), seq: r.uint64()}
		x.progress = r.progress()
		if cluster == "" || x.epoch == 0 || x.adopted > x.epoch {
			r.short = true
		}
		do = func() error { return m.receiveReport(now, from, x) }
	default:
		return fmt.Errorf("%w: kind %d", ErrMessage, k)
	}
	if r.short || len(r.b) > 0 {
		return fmt.Errorf("%w: kind %d", ErrMessage, k)
	}
	if m.doc != nil && cluster != "" && cluster != m.doc.Cluster {
		return fmt.Errorf("%w: %.40q", ErrForeign, cluster)
	}
	return do()
}

// A reader takes fields off the front of b. When they do not suffice it gives zeros, and short is set.
type reader struct {
	b       []byte
	version byte // of the body
	short   bool
}

func (r *reader) take(n int) []byte {
	if n > len(r.b) {
		r.b, r.short = nil, true
		return nil
	}
	taken := r.b[:n]
	r.b = r.b[n:]
	return taken
}

func (r *reader) uint32() uint32 {
	if b := r.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if b := r.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (r *reader) progress() Progress {
	p := Progress{
		Copied: ring.Epoch(r.uint64()), Empty: ring.Epoch(r.uint64()),
		PartitionsDone: r.uint32(), PartitionsLeft: r.uint32(), BytesDone: r.uint64(), BytesLeft: r.uint64(),
	}
	if r.version >= 2 {
		p.Epoch = ring.Epoch(r.uint64())
	}
	return p
}

func (r *reader) hash() (h ring.Hash) {
	copy(h[:], r.take(len(h)))
	return h
}

func (r *reader) cluster() string {
	n := r.take(1)
	if n == nil {
		return ""
	}
	return string(r.take(int(n[0])))
}
