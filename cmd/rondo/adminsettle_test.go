package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/rondokv/rondo/engine/object"
)

// Every partition is in one of the figures, also with two copies of which one is lost.
func TestReach(t *testing.T) {
	for name, tc := range map[string]struct {
		copies, alive int
		want          string
	}{
		"two, both alive":      {2, 2, "4 with all copies, 0 with a majority of them, 0 with fewer, 0 with none"},
		"two, one dead":        {2, 1, "0 with all copies, 0 with a majority of them, 4 with fewer, 0 with none"},
		"two, both dead":       {2, 0, "0 with all copies, 0 with a majority of them, 0 with fewer, 4 with none"},
		"three, one dead":      {3, 2, "0 with all copies, 4 with a majority of them, 0 with fewer, 0 with none"},
		"three, two are dead":  {3, 1, "0 with all copies, 0 with a majority of them, 4 with fewer, 0 with none"},
		"four, half are dead":  {4, 2, "0 with all copies, 0 with a majority of them, 4 with fewer, 0 with none"},
		"one that is no other": {1, 1, "4 with all copies, 0 with a majority of them, 0 with fewer, 0 with none"},
	} {
		var list []object.NodeID
		alive := map[object.NodeID]bool{}
		for i := range tc.copies {
			id := object.NodeID(i + 1)
			list = append(list, id)
			alive[id] = i < tc.alive
		}
		p := ringPage{Partitions: 4, Slots: 4096, Stage: "stable", Members: []ringLine{{ID: "1"}}}
		p.reach([][]object.NodeID{list, list, list, list}, alive)
		body, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := printRing(&out, body); err != nil || !strings.Contains(out.String(), "4 partitions of 4096 slots: "+tc.want+"\n") {
			t.Errorf("%s: %v\n%s", name, err, &out)
		}
	}
}

// asAsked is a page as rondo admin reads it.
func asAsked(t *testing.T, p ringPage) (read ringPage) {
	body, err := json.Marshal(p)
	if err == nil {
		err = json.Unmarshal(body, &read)
	}
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// A change is watched until old owners have cleared what they held, and the words say what is waited for.
func TestConclude(t *testing.T) {
	for name, tc := range map[string]struct {
		change  func(p *ringPage)
		cleared bool
		text    string
	}{
		"at rest":                {nil, true, "nothing is left to be cleared"},
		"one has yet to look":    {func(p *ringPage) { p.Members[1].MovesEpoch = 6 }, false, "not known yet is what is left to be cleared from n2"},
		"two have":               {func(p *ringPage) { p.Members[0].MovesEpoch, p.Members[1].MovesEpoch = 6, 0 }, false, "cleared from n1, n2"},
		"copying":                {func(p *ringPage) { p.Stage = "copying" }, false, ""},
		"one clears":             {func(p *ringPage) { p.Members[1].PartitionsLeft, p.Members[1].PartitionsDone = 3, 1 }, false, "settled; 3 partitions are still to be cleared from nodes that held them before: n2 1/4"},
		"a dead one would":       {func(p *ringPage) { p.Members[1].PartitionsLeft, p.Members[1].Alive = 3, false }, true, ""},
		"one is behind":          {func(p *ringPage) { p.Members[0].Adopted, p.Members[0].MovesEpoch = 6, 6 }, false, "n1 is at epoch 6"},
		"one says nothing":       {func(p *ringPage) { p.Members[0].Adopted, p.Members[0].MovesEpoch = 0, 0 }, false, "cleared from n1"},
		"a dead one said little": {func(p *ringPage) { p.Members[0].Alive, p.Members[0].MovesEpoch = false, 6 }, true, ""},
		"one leaves":             {func(p *ringPage) { p.Members[0].Leaving = true }, false, "n1 leaves once"},
		"a dead one was to":      {func(p *ringPage) { p.Members[0].Leaving, p.Members[0].Alive = true, false }, true, ""},
		"one is ahead of asked":  {func(p *ringPage) { m := &p.Members[0]; m.Adopted, m.MovesEpoch, m.PartitionsLeft = 8, 8, 9 }, false, "not done yet: n1 is at epoch 8 already"},
		"and has copied nothing": {func(p *ringPage) { p.Members[0].MovesEpoch = 8 }, false, "n1 is at epoch 8 already"},
		"what it said is of old": {func(p *ringPage) { m := &p.Members[0]; m.MovesEpoch, m.PartitionsLeft = 6, 9 }, false, "cleared from n1"},
	} {
		p := ringPage{State: "formed", Epoch: 7, Stage: "stable", Members: []ringLine{
			{ID: "n1", Alive: true, MovesEpoch: 7, Adopted: 7}, {ID: "n2", Alive: true, MovesEpoch: 7, Adopted: 7},
		}}
		if tc.change != nil {
			tc.change(&p)
		}
		p.conclude()
		p = asAsked(t, p)
		line := p.total().line(p, movesTotal{}, time.Second)
		if p.Cleared != tc.cleared || !strings.Contains(line, tc.text) || p.over(7, "", false) != tc.cleared {
			t.Errorf("%s: cleared %v, over %v: %s", name, p.Cleared, p.over(7, "", false), line)
		}
		if p.over(8, "", false) {
			t.Errorf("%s: over before it began", name)
		}
	}
	// One that leaves is waited for, and not what others have to clear.
	p := ringPage{State: "formed", Epoch: 7, Stage: "stable", Members: []ringLine{{ID: "n1"}, {ID: "n2"}}}
	if p.over(7, "n2", true) || !p.over(7, "n3", true) {
		t.Error("who leaves is not waited for until it has gone")
	}
	if p = (ringPage{State: stateAlone}); !p.over(0, "", false) {
		t.Error("there is nothing to watch at a node that is alone")
	}
}
