package ring

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// plain is a Document without its methods.
type plain Document

// sealed is a document as it is encoded.
type sealed struct {
	*plain
	Sum Hash `json:"hash"`
}

// Encode returns the document's bytes, the same for the same document.
func (d *Document) Encode() ([]byte, error) {
	b, err := json.Marshal(sealed{(*plain)(d), d.Hash()})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	if len(b) > MaxDocument {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrDocument, len(b), MaxDocument)
	}
	return b, nil
}

// DecodeDocument reads a document and checks all of it. Unknown fields are refused: a newer version says so in Version.
func DecodeDocument(b []byte) (*Document, error) {
	d, sum, err := parse(b)
	if err != nil {
		return nil, err
	}
	if err := d.check(); err != nil {
		return nil, err
	}
	if d.Hash() != sum {
		return nil, fmt.Errorf("%w: its hash is wrong", ErrDocument)
	}
	return d, nil
}

// parse reads the fields, and checks nothing but what bounds the memory they take.
func parse(b []byte) (*Document, Hash, error) {
	if len(b) > MaxDocument {
		return nil, Hash{}, fmt.Errorf("%w: %d bytes, at most %d", ErrDocument, len(b), MaxDocument)
	}
	var v struct {
		Version int               `json:"version"`
		Members []json.RawMessage `json:"members"`
		Plan    struct {
			Changes []json.RawMessage `json:"changes"`
			Target  []json.RawMessage `json:"target"`
		} `json:"plan"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return nil, Hash{}, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	if v.Version != DocumentVersion {
		return nil, Hash{}, fmt.Errorf("%w: version %d, this rondo reads %d", ErrDocument, v.Version, DocumentVersion)
	}
	if m, t, c := len(v.Members), len(v.Plan.Target), len(v.Plan.Changes); m > MaxNodes || t > MaxNodes || c > MaxChanges {
		return nil, Hash{}, fmt.Errorf("%w: %d members, %d afterwards, %d changes", ErrDocument, m, t, c)
	}
	d := new(Document)
	s := sealed{plain: (*plain)(d)}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		return nil, Hash{}, fmt.Errorf("%w: %w", ErrDocument, err)
	}
	return d, s.Sum, nil
}

// Hash covers all that members must have alike: everything but addresses, and who staged the plan.
func (d *Document) Hash() Hash {
	h := hasher{}
	h.number(uint64(d.Version))
	h.text(d.Cluster)
	h.text(d.Name)
	h.number(uint64(len(d.Founders)))
	for _, f := range d.Founders {
		h.text(f)
	}
	h.number(uint64(d.Epoch))
	h.text(string(d.Parent[:]))
	h.replicas(d.Replicas, d.PerDC)
	h.number(uint64(d.Slots))
	h.number(uint64(len(d.Members)))
	for i := range d.Members {
		h.member(d.Members[i].Node, d.Members[i].Leaving)
	}
	hashAll(&h, d.Voters)
	h.number(uint64(d.Stage))
	h.lists(d.Lists)
	hashAll(&h, d.Moving)
	h.lists(d.Pending)
	hashAll(&h, d.Since)
	h.number(uint64(b2i(d.Plan != nil)))
	if d.Plan != nil {
		h.plan(d.Plan)
	}
	h.text(string(canonical(d.Rules)))
	return sha256.Sum256(h.b)
}

// canonical returns JSON as json.Marshal writes it.
func canonical(m json.RawMessage) []byte {
	if len(m) == 0 {
		return nil
	}
	b, err := json.Marshal(m)
	if err != nil {
		return m
	}
	return b
}

// hasher collects what is hashed: every number has eight bytes and every text and list its length before it, so that no two
// documents collect the same.
type hasher struct{ b []byte }

func (h *hasher) number(n uint64) { h.b = binary.BigEndian.AppendUint64(h.b, n) }

func (h *hasher) text(s string) {
	h.number(uint64(len(s)))
	h.b = append(h.b, s...)
}

func hashAll[T ~uint16 | ~uint64](h *hasher, list []T) {
	h.number(uint64(len(list)))
	for _, x := range list {
		h.number(uint64(x))
	}
}

func (h *hasher) lists(lists [][]uint16) {
	h.number(uint64(len(lists)))
	for _, l := range lists {
		hashAll(h, l)
	}
}

func (h *hasher) replicas(n int, perDC map[string]int) {
	h.number(uint64(n))
	h.number(uint64(len(perDC)))
	for _, dc := range slices.Sorted(maps.Keys(perDC)) {
		h.text(dc)
		h.number(uint64(perDC[dc]))
	}
}

func (h *hasher) member(n Node, leaving bool) {
	h.number(uint64(n.ID))
	h.number(uint64(n.Weight))
	h.text(n.Rack)
	h.text(n.DC)
	h.number(uint64(b2i(leaving)))
}

func (h *hasher) plan(p *PlanNote) {
	h.number(uint64(len(p.Changes)))
	for i := range p.Changes {
		c := &p.Changes[i]
		h.number(uint64(c.Kind))
		h.number(uint64(c.ID))
		h.member(c.Member.Node, c.Member.Leaving)
		h.number(uint64(c.Weight))
		h.replicas(c.Replicas, c.PerDC)
	}
	h.number(uint64(b2i(p.AcceptLoss)))
	h.number(uint64(len(p.Target)))
	for i := range p.Target {
		h.member(p.Target[i].Node, p.Target[i].Leaving)
	}
	h.replicas(p.Replicas, p.PerDC)
	h.number(uint64(p.Moves))
	h.number(uint64(p.Bound))
}
