package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/rondokv/rondo/cluster/peer"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/engine/object"
)

const (
	ringState       = "ring" // name of the document in the store
	documentVersion = 1
	firstEpoch      = 1
)

// document is the ring of one epoch as a node keeps it: what it needs to serve again without asking anybody.
type document struct {
	Version  int              `json:"version"`
	Formed   bool             `json:"formed"` // false: this node has agreed to it and waits for the others to
	Cluster  string           `json:"cluster"`
	Name     string           `json:"name"`
	Founders []string         `json:"founders"`
	Word     uint64           `json:"word"` // of the founders, see word
	Epoch    uint64           `json:"epoch"`
	Replicas int              `json:"replicas"` // as configured; a ring may have fewer nodes
	Slots    int              `json:"slots_per_partition"`
	Members  []documentMember `json:"members"`
	Lists    [][]uint16       `json:"lists"` // preference lists by partition, as indexes into Members
	Hash     uint32           `json:"hash"`  // over all that nodes must agree on: not over addresses
}

// documentMember is a node of the ring. Its addresses are the last ones known, for until gossip has heard of it.
type documentMember struct {
	ID      object.NodeID `json:"id"`
	Weight  uint32        `json:"weight"`
	Rack    string        `json:"rack,omitempty"`
	DC      string        `json:"dc,omitempty"`
	Client  string        `json:"client"`
	Forward string        `json:"forward,omitempty"`
	Peer    string        `json:"peer"`
	Gossip  string        `json:"gossip"`
}

// found makes the first ring's document: a pure function of the charter and of who the members are.
func found(c charter, members []documentMember) (*document, error) {
	nodes := make([]ring.Node, len(members))
	for i, m := range members {
		nodes[i] = ring.Node{ID: ring.NodeID(m.ID), Weight: m.Weight, Rack: m.Rack, DC: m.DC}
	}
	r, err := ring.Build(nodes, ring.Options{Replicas: c.replicas, SlotsPerPartition: c.slots})
	if err != nil {
		return nil, err
	}
	id := c.clusterID()
	d := &document{
		Version: documentVersion, Cluster: hex.EncodeToString(id[:]), Name: c.name, Founders: c.founders,
		Epoch: firstEpoch, Replicas: c.replicas, Slots: c.slots,
	}
	index := map[ring.NodeID]uint16{}
	for i, n := range r.Members() {
		index[n.ID] = uint16(i)
		for _, m := range members {
			if m.ID == object.NodeID(n.ID) {
				d.Members = append(d.Members, m)
			}
		}
	}
	for p := range r.Partitions() {
		var list []uint16
		for _, id := range r.PreferenceList(ring.Partition(p)) {
			list = append(list, index[id])
		}
		d.Lists = append(d.Lists, list)
	}
	d.Hash = d.hash()
	d.Word = uint64(c.word().with(d.Hash))
	return d, nil
}

// hash covers what all members must have alike. It is never 0.
func (d *document) hash() uint32 {
	var b []byte
	text := func(s string) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	text(d.Cluster)
	b = binary.BigEndian.AppendUint64(b, d.Epoch)
	b = binary.BigEndian.AppendUint32(b, uint32(d.Replicas))
	b = binary.BigEndian.AppendUint32(b, uint32(d.Slots))
	for _, m := range d.Members {
		b = binary.BigEndian.AppendUint64(b, uint64(m.ID))
		b = binary.BigEndian.AppendUint32(b, m.Weight)
		text(m.Rack)
		text(m.DC)
	}
	for _, list := range d.Lists {
		for _, i := range list {
			b = binary.BigEndian.AppendUint16(b, i)
		}
	}
	sum := sha256.Sum256(b)
	return max(binary.BigEndian.Uint32(sum[:4]), 1)
}

func (d *document) encode() ([]byte, error) { return json.Marshal(d) }

var errDocument = errors.New("the ring in the data directory cannot be read")

// decodeDocument reads a document and checks all of it.
func decodeDocument(b []byte) (*document, *ring.Ring, error) {
	d := new(document)
	if err := json.Unmarshal(b, d); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errDocument, err)
	}
	if d.Version != documentVersion {
		return nil, nil, fmt.Errorf("%w: it has version %d, this rondo reads %d", errDocument, d.Version, documentVersion)
	}
	if _, err := d.clusterID(); err != nil {
		return nil, nil, err
	}
	if d.hash() != d.Hash {
		return nil, nil, fmt.Errorf("%w: its hash is wrong", errDocument)
	}
	r, err := d.ring()
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errDocument, err)
	}
	return d, r, nil
}

func (d *document) clusterID() (id peer.ClusterID, err error) {
	b, err := hex.DecodeString(d.Cluster)
	if err != nil || len(b) != len(id) {
		return id, fmt.Errorf("%w: cluster id %q", errDocument, d.Cluster)
	}
	return peer.ClusterID(b), nil
}

func (d *document) ring() (*ring.Ring, error) {
	nodes := make([]ring.Node, len(d.Members))
	for i, m := range d.Members {
		nodes[i] = ring.Node{ID: ring.NodeID(m.ID), Weight: m.Weight, Rack: m.Rack, DC: m.DC}
	}
	lists := make([][]ring.NodeID, len(d.Lists))
	for p, list := range d.Lists {
		for _, i := range list {
			if int(i) >= len(nodes) {
				return nil, fmt.Errorf("%w: partition %d has member %d of %d", ring.ErrLists, p, i, len(nodes))
			}
			lists[p] = append(lists[p], nodes[i].ID)
		}
	}
	return ring.Load(ring.Epoch(d.Epoch), d.Slots, nodes, lists)
}

func (d *document) member(id object.NodeID) *documentMember {
	for i := range d.Members {
		if d.Members[i].ID == id {
			return &d.Members[i]
		}
	}
	return nil
}
