package sim

import (
	"fmt"
	"io"

	"github.com/rondokv/rondo/cluster/dynamo"
)

// Time is virtual time in nanoseconds since the start of the run.
type Time = dynamo.Time

// Units of Time.
const (
	microsecond Time = 1e3
	millisecond      = dynamo.Millisecond
	second           = 1000 * millisecond
)

// Profile says which faults a run may have.
type Profile uint8

// The profiles. ProfileDrawn lets the seed choose.
const (
	ProfileDrawn Profile = iota
	ProfileChaos
	ProfileStable
	ProfileCalm
)

// String returns the profile's name.
func (p Profile) String() string { return [...]string{"drawn", "chaos", "stable", "calm"}[p] }

// Config narrows what a seed draws: the zero Config runs the seed as it is. A limit can only lower what was drawn, so that
// a failure can be made smaller step by step.
type Config struct {
	Profile Profile
	Ops     int      // at most so many operations; 0: as drawn
	Clients int      // at most so many clients
	Without FaultSet // faults that do not happen
	Trace   io.Writer
}

// String is the config as the command's flags.
func (c Config) String() string {
	text := ""
	if c.Profile != ProfileDrawn {
		text += fmt.Sprintf(" -profile %v", c.Profile)
	}
	if c.Ops > 0 {
		text += fmt.Sprintf(" -ops %d", c.Ops)
	}
	if c.Clients > 0 {
		text += fmt.Sprintf(" -clients %d", c.Clients)
	}
	if c.Without != 0 {
		text += fmt.Sprintf(" -without %v", c.Without)
	}
	return text
}

// Violation is what a run found wrong.
type Violation struct {
	Invariant string // as in the package comment, or "panic"
	Detail    string
	History   []string // of the key, a line an operation
}

func (v *Violation) Error() string { return v.Invariant + ": " + v.Detail }

// Result is how a run went.
type Result struct {
	Seed      uint64
	Violation *Violation // nil: all held
	Totals    Totals
	Trace     uint64 // hash of the trace
	Plan      string
}

// ParseProfile reads a profile's name.
func ParseProfile(name string) (Profile, error) {
	for p := ProfileDrawn; p <= ProfileCalm; p++ {
		if p.String() == name {
			return p, nil
		}
	}
	return 0, fmt.Errorf("no profile is called %q: drawn, chaos, stable, calm", name)
}
