package main

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/rondokv/rondo/cluster/peer"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/engine"
	"github.com/rondokv/rondo/engine/object"
)

const (
	ringState    = "ring"      // name in the store of what a node keeps of the ring
	addressState = "addresses" // and of where the members were met last
	ringVersion  = 2
	firstEpoch   = 1
)

// phase says how far a node is with the document that it has stored. Values are for ever: append only.
type phase string

const (
	agreed   phase = "agreed"   // a founder has voted for it and waits for the others
	admitted phase = "admitted" // it names this node, which has not got all it needs to serve
	formed   phase = "formed"   // the node serves by it
)

// document is the ring as a node keeps it: what it needs to serve again without asking anybody.
type document struct {
	*ring.Document
	phase    phase
	register []byte         // of the agreement on the next one
	former   peer.ClusterID // the cluster that this one continues; zero: none
	short    uint32         // of the hash, never 0
}

// storedRing is a document on the disk.
type storedRing struct {
	Version  int             `json:"version"`
	Phase    phase           `json:"phase"`
	Former   string          `json:"former,omitempty"`
	Register []byte          `json:"register,omitempty"`
	Document json.RawMessage `json:"document"`
}

func newDocument(d *ring.Document) *document {
	h := d.Hash()
	return &document{Document: d, short: max(binary.BigEndian.Uint32(h[:4]), 1)}
}

// found makes the first ring's document: a pure function of the charter and of who the members are.
func found(c charter, members []ring.Member) (*document, error) {
	id := c.clusterID()
	d, err := ring.Found(ring.Founding{
		Cluster: hex.EncodeToString(id[:]), Name: c.name, Founders: c.founders, Replicas: c.replicas, PerDC: c.byDC, Slots: c.slots, Members: members,
	})
	if err != nil {
		return nil, err
	}
	return newDocument(d), nil
}

// bootstrap makes the first document of a node that nobody was named to: a ring of one, which others may join.
func bootstrap(c charter, member ring.Member) (*document, error) {
	var id peer.ClusterID
	_, _ = rand.Read(id[:]) // it never fails
	d, err := ring.Found(ring.Founding{
		Cluster: hex.EncodeToString(id[:]), Name: c.name, Replicas: c.replicas, PerDC: c.byDC, Slots: c.slots, Members: []ring.Member{member},
	})
	if err != nil {
		return nil, err
	}
	doc := newDocument(d)
	doc.phase = formed
	return doc, nil
}

func (d *document) encode() ([]byte, error) {
	text, err := d.Encode()
	if err != nil {
		return nil, err
	}
	s := storedRing{Version: ringVersion, Phase: d.phase, Register: d.register, Document: text}
	if d.former != (peer.ClusterID{}) {
		s.Former = hex.EncodeToString(d.former[:])
	}
	return json.Marshal(s)
}

var errDocument = errors.New("the ring in the data directory cannot be read")

// decodeDocument reads a document and checks all of it.
func decodeDocument(b []byte) (*document, *ring.Ring, error) {
	var s storedRing
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errDocument, err)
	}
	if s.Version == 1 {
		return decodeFirst(b)
	}
	if s.Version != ringVersion || s.Phase != agreed && s.Phase != admitted && s.Phase != formed {
		return nil, nil, fmt.Errorf("%w: it has version %d and phase %q, this rondo reads version %d", errDocument, s.Version, s.Phase, ringVersion)
	}
	inner, err := ring.DecodeDocument(s.Document)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errDocument, err)
	}
	d := newDocument(inner)
	d.phase, d.register = s.Phase, s.Register
	if s.Former != "" {
		if d.former, err = clusterID(s.Former); err != nil {
			return nil, nil, err
		}
	}
	return d.checked()
}

func (d *document) checked() (*document, *ring.Ring, error) {
	if _, err := d.clusterID(); err != nil {
		return nil, nil, err
	}
	r, err := d.Ring()
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errDocument, err)
	}
	return d, r, nil
}

// decodeFirst reads what was stored before rings could change: founders' documents of epoch 1. All members make the same of it.
func decodeFirst(b []byte) (*document, *ring.Ring, error) {
	var old struct {
		Formed   bool
		Cluster  string
		Name     string
		Founders []string
		Epoch    uint64
		Replicas int
		Slots    int `json:"slots_per_partition"`
		Members  []ring.Member
		Lists    [][]uint16
	}
	if err := json.Unmarshal(b, &old); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errDocument, err)
	}
	if old.Epoch != firstEpoch {
		return nil, nil, fmt.Errorf("%w: epoch %d of version 1", errDocument, old.Epoch)
	}
	inner, err := ring.Found(ring.Founding{
		Cluster: old.Cluster, Name: old.Name, Founders: old.Founders, Replicas: old.Replicas, Slots: old.Slots, Members: old.Members,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errDocument, err)
	}
	inner.Lists = old.Lists // where the data is, whatever would be chosen now
	d := newDocument(inner)
	if d.phase = agreed; old.Formed {
		d.phase = formed
	}
	return d.checked()
}

func (d *document) clusterID() (peer.ClusterID, error) { return clusterID(d.Cluster) }

func clusterID(text string) (id peer.ClusterID, err error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(id) {
		return id, fmt.Errorf("%w: cluster id %q", errDocument, text)
	}
	return peer.ClusterID(b), nil
}

// word is what gossip tells of the document.
func (d *document) word() word {
	return charter{name: d.Name, founders: d.Founders, replicas: d.Replicas, byDC: d.PerDC, slots: d.Slots}.word().with(d.short)
}

func (d *document) member(id object.NodeID) *ring.Member { return d.Member(ring.NodeID(id)) }

// loadRing reads the ring of the data directory; nil when there is none.
func loadRing(store *engine.Store) (*document, *ring.Ring, error) {
	b, err := store.LoadState(ringState)
	if err != nil || b == nil {
		return nil, nil, err
	}
	return decodeDocument(b)
}

// saveRing makes a document durable, whatever the policy of rows is.
func saveRing(store *engine.Store, d *document) error {
	b, err := d.encode()
	if err != nil {
		return err
	}
	if err := store.SaveState(ringState, b); err != nil {
		return err
	}
	return store.Sync()
}

// addresses are where a member was met last.
type addresses struct {
	ID      object.NodeID `json:"id"`
	Client  string        `json:"client"`
	Forward string        `json:"forward,omitempty"`
	Peer    string        `json:"peer"`
	Gossip  string        `json:"gossip"`
}

// loadAddresses reads where the members were met last: a node that comes back when all others have moved, one after the other, must
// find them. What cannot be read is no loss.
func loadAddresses(store *engine.Store) map[object.NodeID]addresses {
	known := map[object.NodeID]addresses{}
	b, err := store.LoadState(addressState)
	var list []addresses
	if err != nil || json.NewDecoder(bytes.NewReader(b)).Decode(&list) != nil {
		return known
	}
	for _, a := range list {
		known[a.ID] = a
	}
	return known
}

func saveAddresses(store *engine.Store, list []addresses) error {
	b, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return store.SaveState(addressState, b)
}
