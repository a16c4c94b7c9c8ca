package ring

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

const (
	// DocumentVersion is the version of the documents that this package writes and reads.
	DocumentVersion = 2
	// MaxDocument bounds an encoded document, in bytes.
	MaxDocument = 4 << 20
	// MaxVoters bounds the voters of an epoch.
	MaxVoters = 7
	// MaxText bounds names and addresses, in bytes.
	MaxText = 255
	// MaxRules bounds the keyspace rules, in bytes.
	MaxRules = 1 << 20
)

// ErrDocument reports bytes that are no document, or one that contradicts itself.
var ErrDocument = errors.New("ring: bad document")

// Hash names a document for ever.
type Hash [32]byte

// String is the hash in hex.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText gives the hash in hex.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what MarshalText made.
func (h *Hash) UnmarshalText(b []byte) error {
	if len(b) != hex.EncodedLen(len(h)) {
		return fmt.Errorf("%w: a hash of %d bytes", ErrDocument, len(b))
	}
	if _, err := hex.Decode(h[:], b); err != nil {
		return fmt.Errorf("%w: %w", ErrDocument, err)
	}
	return nil
}

// Member is a node of a document.
type Member struct {
	Node
	// Leaving: it owns nothing any more and goes once it stores nothing.
	Leaving bool `json:"leaving,omitempty"`
	// The last addresses known, for until gossip has heard of it. The hash does not cover them.
	Client  string `json:"client,omitempty"`
	Forward string `json:"forward,omitempty"`
	Peer    string `json:"peer,omitempty"`
	Gossip  string `json:"gossip,omitempty"`
}

// Target is a member as it will be once the plan is carried out.
type Target struct {
	Node
	Leaving bool `json:"leaving,omitempty"`
}

// PlanNote is the plan that a document carries out.
type PlanNote struct {
	By         string         `json:"by,omitempty"` // who staged it, for people
	Changes    []Change       `json:"changes"`
	AcceptLoss bool           `json:"accept_loss,omitempty"`
	Target     []Target       `json:"target"` // the members after it
	Replicas   int            `json:"replicas"`
	PerDC      map[string]int `json:"replicas_by_dc,omitempty"`
	Moves      int            `json:"moves"` // vnodes
	Bound      int            `json:"bound"` // what no plan for this target could go below
}

// Document is all that the members must agree on in one epoch. Treat it as immutable: what follows it shares its slices.
type Document struct {
	Version  int             `json:"version"`
	Cluster  string          `json:"cluster"` // hex id of the lineage
	Name     string          `json:"name"`
	Founders []string        `json:"founders,omitempty"`
	Epoch    Epoch           `json:"epoch"`
	Parent   Hash            `json:"parent"` // of the document before; zero in the first
	Replicas int             `json:"replicas"`
	PerDC    map[string]int  `json:"replicas_by_dc,omitempty"` // N by datacenter; Replicas is their sum. Empty: one N
	Slots    int             `json:"slots_per_partition"`
	Members  []Member        `json:"members"` // by id
	Voters   []NodeID        `json:"voters"`  // ascending; they decide on the next document
	Stage    Stage           `json:"stage"`
	Lists    [][]uint16      `json:"lists"`             // by partition, indexes into Members: the old ones until the plan is done
	Moving   []Partition     `json:"moving,omitempty"`  // ascending: those with a pending list
	Pending  [][]uint16      `json:"pending,omitempty"` // their new lists
	Since    Epochs          `json:"since"`             // by partition: when its lists or stage last changed
	Plan     *PlanNote       `json:"plan,omitempty"`
	Rules    json.RawMessage `json:"rules,omitempty"` // keyspace rules; not looked into here
}

// Founding says what the first document is made of.
type Founding struct {
	Cluster  string // hex id
	Name     string
	Founders []string
	Replicas int            // N; ignored when PerDC is given
	PerDC    map[string]int // N by datacenter
	Slots    int            // per partition; 0: the default
	Members  []Member       // in any order
	Rules    json.RawMessage
}
