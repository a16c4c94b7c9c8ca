package peer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// The kinds of frame that links keep for themselves. Values are for ever: append only.
const (
	kindHello   = wire.KindTransport + 0
	kindWelcome = wire.KindTransport + 1
	kindPing    = wire.KindTransport + 2
	kindPong    = wire.KindTransport + 3
	kindRefusal = wire.KindTransport + 4
)

// lowestVersion is the oldest version of the frames that this node still speaks; wire.Version is the newest.
const lowestVersion = 1

// maxGreeting bounds a frame of the handshake, in bytes.
const maxGreeting = 512

// Refusal says why a connection was not accepted. Values are for ever: append only.
type Refusal uint8

// The refusals. The first three are never sent, for there is nobody to tell.
const (
	RefusedGarbage  Refusal = 1  // no hello came, or something else
	RefusedCrowded  Refusal = 2  // too many connections were in their handshake
	RefusedTLS      Refusal = 3  // the TLS handshake failed
	RefusedVersion  Refusal = 4  // no version of the frames that both speak
	RefusedCluster  Refusal = 5  // another cluster
	RefusedSelf     Refusal = 6  // the node's own id
	RefusedOther    Refusal = 7  // it was meant for another node
	RefusedUnknown  Refusal = 8  // no member
	RefusedIdentity Refusal = 9  // the certificate is of another node
	RefusedOlder    Refusal = 10 // a newer incarnation of that node has been met
	RefusedLeft     Refusal = 11 // the cluster that this one continues goes on without it
	refusalEnd      Refusal = 12 // one past the last
)

// String returns the reason, for people.
func (r Refusal) String() string {
	switch r {
	case RefusedGarbage:
		return "no hello"
	case RefusedCrowded:
		return "too many handshakes at once"
	case RefusedTLS:
		return "TLS handshake failed"
	case RefusedVersion:
		return "no common version"
	case RefusedCluster:
		return "another cluster"
	case RefusedSelf:
		return "this node's own id"
	case RefusedOther:
		return "meant for another node"
	case RefusedUnknown:
		return "not a member"
	case RefusedIdentity:
		return "certificate of another node"
	case RefusedOlder:
		return "an older incarnation than one met before"
	case RefusedLeft:
		return "left behind when the ring was recovered: empty its data directory and start it with --join"
	}
	return fmt.Sprintf("refusal %d", uint8(r))
}

// A RefusedError is a peer's answer to a hello.
type RefusedError struct{ Reason Refusal }

func (e *RefusedError) Error() string { return "peer: refused: " + e.Reason.String() }

var (
	errOlder    = errors.New("peer: answered by an older incarnation than one met before")
	errStale    = errors.New("peer: the link changed while it connected")
	errGreeting = errors.New("peer: bad greeting")
	errMeant    = errors.New("peer: answered by another node")
)

// hello is what the node that dials says first.
type hello struct {
	lowest, highest byte // versions of the frames it can write
	cluster         ClusterID
	from, to        object.NodeID
	inc             object.Incarnation
}

const (
	helloLen   = 2 + 16 + 3*8
	welcomeLen = 1 + 2*8
)

func appendHello(dst []byte, h *hello) []byte {
	body := make([]byte, 0, helloLen)
	body = append(body, h.lowest, h.highest)
	body = append(body, h.cluster[:]...)
	body = binary.BigEndian.AppendUint64(body, uint64(h.from))
	body = binary.BigEndian.AppendUint64(body, uint64(h.to))
	body = binary.BigEndian.AppendUint64(body, uint64(h.inc))
	return wire.AppendControl(dst, kindHello, body)
}

// decodeHello takes longer bodies, too: a newer node may have more to say to its like.
func decodeHello(body []byte) (hello, error) {
	if len(body) < helloLen {
		return hello{}, fmt.Errorf("%w: hello of %d bytes", errGreeting, len(body))
	}
	h := hello{lowest: body[0], highest: body[1], cluster: ClusterID(body[2:18])}
	h.from = object.NodeID(binary.BigEndian.Uint64(body[18:]))
	h.to = object.NodeID(binary.BigEndian.Uint64(body[26:]))
	h.inc = object.Incarnation(binary.BigEndian.Uint64(body[34:]))
	return h, nil
}

// welcome answers a hello that is accepted.
type welcome struct {
	version byte // of all frames that follow
	node    object.NodeID
	inc     object.Incarnation
}

func appendWelcome(dst []byte, w *welcome) []byte {
	body := append(make([]byte, 0, welcomeLen), w.version)
	body = binary.BigEndian.AppendUint64(body, uint64(w.node))
	body = binary.BigEndian.AppendUint64(body, uint64(w.inc))
	return wire.AppendControl(dst, kindWelcome, body)
}

// decodeWelcome returns the answer to a hello, a *RefusedError if it is no welcome.
func decodeWelcome(k wire.Kind, body []byte) (welcome, error) {
	switch {
	case k == kindRefusal && body[0] > 0 && body[0] < byte(refusalEnd):
		return welcome{}, &RefusedError{Reason: Refusal(body[0])}
	case k != kindWelcome || len(body) < welcomeLen:
		return welcome{}, fmt.Errorf("%w: %s of %d bytes instead of a welcome", errGreeting, k, len(body))
	}
	return welcome{
		version: body[0], node: object.NodeID(binary.BigEndian.Uint64(body[1:])), inc: object.Incarnation(binary.BigEndian.Uint64(body[9:])),
	}, nil
}

func appendRefusal(dst []byte, r Refusal) []byte {
	return wire.AppendControl(dst, kindRefusal, []byte{byte(r)})
}

// appendBeat appends a ping or a pong. A pong repeats the number of its ping.
func appendBeat(dst []byte, k wire.Kind, n uint64) []byte {
	var body [8]byte
	binary.BigEndian.PutUint64(body[:], n)
	return wire.AppendControl(dst, k, body[:])
}

// readGreeting reads one frame of the handshake and nothing behind it.
func readGreeting(conn net.Conn) (wire.Kind, []byte, error) {
	frame := make([]byte, 5, maxGreeting)
	if _, err := io.ReadFull(conn, frame); err != nil {
		return 0, nil, fmt.Errorf("read greeting: %w", err)
	}
	n, err := wire.FrameLen(frame)
	if err != nil {
		return 0, nil, fmt.Errorf("read greeting: %w", err)
	}
	if n > maxGreeting {
		return 0, nil, fmt.Errorf("%w: %d bytes", errGreeting, n)
	}
	frame = frame[:n]
	if _, err := io.ReadFull(conn, frame[5:]); err != nil {
		return 0, nil, fmt.Errorf("read greeting: %w", err)
	}
	return wire.Control(frame)
}
