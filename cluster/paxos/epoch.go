package paxos

// Place is where a message's register lies for a node.
type Place uint8

// The places.
const (
	// Here: the register that the node has open, after the last epoch that it knows decided.
	Here Place = iota
	// Past: the epoch is decided and the node knows it. It answers Tell, or Refuse when it has not kept the document.
	Past
	// Future: epochs were decided that the node does not know. It answers Refuse, fetches documents from the sender and
	// takes no part until it has them: it does not know who the voters are.
	Future
)

// Judge says where the register of an epoch lies for a node that knows documents up to epoch known.
func Judge(known, epoch uint64) Place {
	switch {
	case epoch <= known:
		return Past
	case epoch == known+1:
		return Here
	}
	return Future
}

// Tell makes the answer to a message for a register in the past: its value. parent is what the node knows to be the hash of the
// document before; a question that names another is of another lineage and must not be told. False then, and when m is no
// question.
func Tell(m Message, parent Hash, value []byte) (Message, bool) {
	if m.Kind != Prepare && m.Kind != Accept || m.Parent != parent || len(value) == 0 {
		return Message{}, false
	}
	return Message{Kind: Decided, Epoch: m.Epoch, Parent: m.Parent, From: m.To, To: m.From, Value: value}, true
}

// Refuse makes the answer of a node that is at another register than m, having last known epoch known decided. False when m is
// no question, or is for the register that this node is at.
func Refuse(m Message, known uint64) (Message, bool) {
	if m.Kind != Prepare && m.Kind != Accept || Judge(known, m.Epoch) == Here {
		return Message{}, false
	}
	return Message{Kind: Elsewhere, Epoch: m.Epoch, Parent: m.Parent, From: m.To, To: m.From, Ballot: m.Ballot, Known: known}, true
}
