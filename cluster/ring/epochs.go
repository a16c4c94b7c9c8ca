package ring

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Epochs is an epoch a partition. It is encoded by runs, [count, epoch, count, epoch, ...]: few plans move everything.
type Epochs []Epoch

// MarshalJSON encodes the runs.
func (e Epochs) MarshalJSON() ([]byte, error) {
	runs := make([]uint64, 0, 16)
	for i, x := range e {
		if i == 0 || x != e[i-1] {
			runs = append(runs, 0, uint64(x))
		}
		runs[len(runs)-2]++
	}
	return json.Marshal(runs)
}

// UnmarshalJSON decodes the runs, of Slots entries at most.
func (e *Epochs) UnmarshalJSON(b []byte) error {
	var runs []uint64
	if err := json.Unmarshal(b, &runs); err != nil {
		return fmt.Errorf("%w: epochs: %w", ErrDocument, err)
	}
	if len(runs)%2 != 0 {
		return fmt.Errorf("%w: epochs: half a run", ErrDocument)
	}
	*e = (*e)[:0]
	for i := 0; i < len(runs); i += 2 {
		if n := runs[i]; n == 0 || n > uint64(Slots-len(*e)) || i > 0 && runs[i+1] == runs[i-1] {
			return fmt.Errorf("%w: epochs: a run of %d", ErrDocument, n)
		}
		*e = append(*e, slices.Repeat([]Epoch{Epoch(runs[i+1])}, int(runs[i]))...)
	}
	return nil
}
