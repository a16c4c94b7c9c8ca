package ring

import "fmt"

// Stage is how far a change of the ring is. Values are for ever: append only.
type Stage uint8

const (
	// Stable: nothing moves.
	Stable Stage = iota
	// Copying: writes go to old and new owners, reads to the old ones; new owners copy.
	Copying
	// Reading: writes go to old and new owners, reads to the new ones.
	Reading
)

// String names the stage as operators read it.
func (s Stage) String() string {
	switch s {
	case Stable:
		return "stable"
	case Copying:
		return "copying"
	case Reading:
		return "reading"
	}
	return fmt.Sprintf("stage %d", uint8(s))
}

// MarshalText makes the stage readable in documents.
func (s Stage) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText made.
func (s *Stage) UnmarshalText(b []byte) error {
	for x := Stable; x <= Reading; x++ {
		if x.String() == string(b) {
			*s = x
			return nil
		}
	}
	return fmt.Errorf("%w: stage %.20q", ErrDocument, b)
}

// ChangeKind is what a Change does. Values are for ever: append only.
type ChangeKind uint8

const (
	// Join: Member becomes one. A member that was leaving stays after all.
	Join ChangeKind = iota + 1
	// Leave: ID hands over all that it has and then is no member any more.
	Leave
	// Remove: ID is dead and not waited for.
	Remove
	// Replace: Member takes the places of ID in all lists; ID leaves if it is alive, else it is removed.
	Replace
	// SetReplicas: N becomes Replicas, or by datacenter PerDC.
	SetReplicas
	// SetWeight: ID gets another Weight.
	SetWeight
)

var changeNames = [...]string{Join: "join", Leave: "leave", Remove: "remove", Replace: "replace", SetReplicas: "replicas", SetWeight: "weight"}

// String names the kind as operators write it.
func (k ChangeKind) String() string {
	if k == 0 || int(k) >= len(changeNames) {
		return fmt.Sprintf("change %d", uint8(k))
	}
	return changeNames[k]
}

// MarshalText makes the kind readable in documents.
func (k ChangeKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads what MarshalText made.
func (k *ChangeKind) UnmarshalText(b []byte) error {
	for x := Join; int(x) < len(changeNames); x++ {
		if changeNames[x] == string(b) {
			*k = x
			return nil
		}
	}
	return fmt.Errorf("%w: change %.20q", ErrDocument, b)
}

// Change is one change of a plan. Which fields count says its kind.
type Change struct {
	Kind     ChangeKind     `json:"kind"`
	ID       NodeID         `json:"id,omitempty"`     // Leave, Remove, Replace, SetWeight
	Member   Member         `json:"member,omitzero"`  // Join, Replace. Weight 0: 1, or that of who is replaced
	Weight   uint32         `json:"weight,omitempty"` // SetWeight
	Replicas int            `json:"replicas,omitempty"`
	PerDC    map[string]int `json:"replicas_by_dc,omitempty"`
}
