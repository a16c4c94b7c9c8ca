package cluster

import (
	"encoding/binary"
	"errors"

	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/cluster/wire"
	"github.com/rondokv/rondo/engine/object"
)

// Applicant is a node that was admitted to a ring and is no Node yet: it asks a member for what the ring's document does not
// hold.
type Applicant struct {
	Inc   object.Incarnation
	Links Links
	asks  asks
}

// Receive takes what members send. What is not an answer is lost: this node serves nothing yet.
func (a *Applicant) Receive(ms []wire.Message) {
	for _, m := range ms {
		if m, ok := m.(*wire.Answer); ok {
			a.asks.answered(m)
		}
	}
}

// errStranger refuses the secret to who is no member.
var errStranger = errors.New("cluster: the node is no member of the ring")

// Secret asks a member for the cluster's hash secret. It is told to members only, over their link: with TLS that is who the
// certificate says.
func (a *Applicant) Secret(from object.NodeID) (object.Secret, error) {
	body, err := a.asks.ask(a.Links, from, wire.Header{Asker: a.Inc}, askSecret, nil, askTimeout)
	if err != nil {
		return object.Secret{}, err
	}
	if len(body) != 16 {
		return object.Secret{}, errAsk
	}
	return object.Secret{K0: binary.BigEndian.Uint64(body), K1: binary.BigEndian.Uint64(body[8:])}, nil
}

func (n *Node) answerSecret(from object.NodeID) ([]byte, error) {
	for _, m := range n.ring.Load().Members() {
		if m.ID == ring.NodeID(from) {
			return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, n.secret.K0), n.secret.K1), nil
		}
	}
	return nil, errStranger
}
