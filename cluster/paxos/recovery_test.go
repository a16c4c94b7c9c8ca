package paxos

import (
	"errors"
	"math"
	"strings"
	"testing"
)

func TestRecoveries(t *testing.T) {
	good := sampleRecovery()
	voters := []NodeID{3, 4, 5, sampleA, sampleB}
	if err := good.Check(voters); err != nil || good.Epoch() != sampleEpoch+RecoveryGap {
		t.Errorf("epoch %d, %v", good.Epoch(), err)
	}
	for name, change := range map[string]func(*Recovery){
		"no old cluster":        func(r *Recovery) { r.Old = ClusterID{} },
		"no new cluster":        func(r *Recovery) { r.New = ClusterID{} },
		"the same cluster":      func(r *Recovery) { r.New = r.Old },
		"after nothing":         func(r *Recovery) { r.Known = 0 },
		"after the last number": func(r *Recovery) { r.Known = math.MaxUint64 - 1 },
		"by nobody":             func(r *Recovery) { r.By = 0 },
		"by one who is lost":    func(r *Recovery) { r.By = 3 },
		"no voters":             func(r *Recovery) { r.Voters = nil },
		"eight voters":          func(r *Recovery) { r.Voters = []NodeID{11, 12, 13, 14, 15, 16, 17, 18} },
		"voters in disorder":    func(r *Recovery) { r.Voters = []NodeID{sampleB, sampleA} },
		"a lost voter":          func(r *Recovery) { r.Voters = []NodeID{3, sampleA} },
		"nobody lost":           func(r *Recovery) { r.Lost = nil },
		"one lost twice":        func(r *Recovery) { r.Lost = []NodeID{3, 3, 4, 5} },
		"a minority lost":       func(r *Recovery) { r.Lost = []NodeID{3, 4} },
		"others lost":           func(r *Recovery) { r.Lost = []NodeID{3, 4, 6, 7} },
		"no reason":             func(r *Recovery) { r.Reason = "" },
		"a book for a reason":   func(r *Recovery) { r.Reason = strings.Repeat("x", MaxReason+1) },
		"a reason of bytes":     func(r *Recovery) { r.Reason = "\xff" },
	} {
		r := sampleRecovery()
		change(&r)
		if err := r.Check(voters); !errors.Is(err, ErrRecovery) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := good.Check(nil); !errors.Is(err, ErrRecovery) {
		t.Errorf("of a document without voters: %v", err)
	}
	even := good
	even.Lost = []NodeID{3, 4} // two of four cannot decide either
	if err := even.Check([]NodeID{3, 4, sampleA, sampleB}); err != nil {
		t.Error(err)
	}
}
