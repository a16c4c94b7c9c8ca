package sim

import (
	"testing"

	"github.com/rondokv/rondo/cluster/quorum"
	"github.com/rondokv/rondo/engine/object"
)

// history makes a world of one text key and the operations that are given as (verb, from, to, what it saw).
type step struct {
	verb     verb
	from, to Time // to 0: no answer
	saw      string
	token    uint64
}

func linearWorld(steps []step) *world {
	w := &world{plan: &plan{keys: []keyPlan{{class: classText}}}}
	w.keys = []keyHistory{{replicas: 3, floors: make([]pair, 4), replaced: map[uint64]overwritten{}}}
	for i, s := range steps {
		rec := &record{
			id: uint32(i), commands: []command{{verb: s.verb, token: s.token}}, write: !s.verb.reads(), invoked: s.from, finished: s.to,
			outcome: succeeded, results: []result{{looked: !s.verb.blind(), saw: seen{present: s.saw != "", text: []byte(s.saw)}}},
			written: make([]object.Stamp, 1), levels: [2]quorum.Choice{{Level: quorum.Quorum}, {Level: quorum.Quorum}},
		}
		if s.to == 0 {
			rec.outcome, rec.evaluations = unknown, append(rec.evaluations, rec.results[0].stamp)
		}
		w.records = append(w.records, rec)
		w.keys[0].touched = append(w.keys[0].touched, touch{rec, 0})
	}
	return w
}

func TestCheckLinear(t *testing.T) {
	for name, c := range map[string]struct {
		steps []step
		ok    bool
	}{
		"one after the other": {[]step{{verbSet, 1, 2, "", 0xa}, {verbGet, 3, 4, "a;", 0}}, true},
		"stale":               {[]step{{verbSet, 1, 2, "", 0xa}, {verbSet, 3, 4, "", 0xb}, {verbGet, 5, 6, "a;", 0}}, false},
		"at once, either":     {[]step{{verbSet, 1, 9, "", 0xa}, {verbSet, 1, 9, "", 0xb}, {verbGet, 10, 11, "a;", 0}}, true},
		"new, then old":       {[]step{{verbSet, 1, 2, "", 0xa}, {verbSet, 3, 9, "", 0xb}, {verbGet, 4, 5, "b;", 0}, {verbGet, 6, 7, "a;", 0}}, false},
		"unknown happened":    {[]step{{verbSet, 1, 0, "", 0xa}, {verbGet, 5, 6, "", 0}, {verbGet, 7, 8, "a;", 0}}, true},
		"unknown did not":     {[]step{{verbSet, 1, 0, "", 0xa}, {verbGet, 5, 6, "", 0}}, true},
		"unknown and back":    {[]step{{verbSet, 1, 0, "", 0xa}, {verbGet, 5, 6, "a;", 0}, {verbGet, 7, 8, "", 0}}, false},
		"lost append":         {[]step{{verbAppend, 1, 9, "", 0xa}, {verbAppend, 1, 9, "", 0xb}, {verbGet, 10, 11, "b;", 0}}, false},
		"both appends":        {[]step{{verbAppend, 1, 9, "", 0xa}, {verbAppend, 1, 9, "a;", 0xb}, {verbGet, 10, 11, "a;b;", 0}}, true},
	} {
		w := linearWorld(c.steps)
		w.checkLinear(0)
		if ok := w.violation == nil; ok != c.ok {
			t.Errorf("%s: linear %t, want %t", name, ok, c.ok)
		}
		if c.ok && w.totals.Checks[checkLinear] != 1 {
			t.Errorf("%s: not decided", name)
		}
	}
}
