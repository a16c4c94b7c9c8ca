package object

import "testing"

// What a replica tells the coordinator of a blind write: whether another's write, stamped later, keeps it from showing.
func TestHides(t *testing.T) {
	set := func(m *Mutation) { m.Set(0, []byte("mine"), 0) }
	del := func(m *Mutation) { m.Delete(0) }
	element := func(m *Mutation) { m.SetElement(0, subs[0], []byte("mine")) }
	type side struct {
		ms   int64
		node NodeID
		f    func(*Mutation)
	}
	theirs := func(ms int64, f func(*Mutation)) []side { return []side{{ms, 2, f}} }
	add := func(m *Mutation) { m.Add(0, 1) }
	expire := func(m *Mutation) { m.Expire(0, 9000) }
	for _, c := range []struct {
		name  string
		mine  func(*Mutation)
		other []side
		want  bool
	}{
		{"SET alone", set, nil, false},
		{"SET over an older SET", set, theirs(50, set), false},
		{"SET under a later SET", set, theirs(150, set), true},
		{"SET under a later DEL", set, theirs(150, del), true},
		{"SET under a later value that clears nothing", set, theirs(150, func(m *Mutation) { m.Write(0, []byte("x")) }), true},
		{"SET beside a later EXPIRE", set, theirs(150, expire), false},
		{"SET over an older increment", set, theirs(50, add), false},
		{"SET beside a later increment", set, theirs(150, add), true},
		{"SET beside a later element", set, theirs(150, element), true},
		{"SET over an older element", set, theirs(50, element), false},
		{"SET beside a later tombstone", set, theirs(150, func(m *Mutation) { m.DropElement(0, subs[0]) }), false},
		{"SET beside a later sibling", set, theirs(150, func(m *Mutation) { m.PutSibling(0, nil, false, []byte("x")) }), true},
		{"SET under this node's own later SET", set, []side{{150, 1, set}}, false},
		{"SET under this node's own later DEL", set, []side{{150, 1, del}}, false},
		{"DEL beside a later SET", del, theirs(150, set), true},
		{"DEL beside a later element", del, theirs(150, element), true},
		{"DEL over older things", del, theirs(50, element), false},
		{"element under a later element", element, theirs(150, element), true},
		{"element under a later tombstone", element, theirs(150, func(m *Mutation) { m.DropElement(0, subs[0]) }), true},
		{"element beside another element", element, theirs(150, func(m *Mutation) { m.SetElement(0, subs[1], nil) }), false},
		{"element under a later DEL", element, theirs(150, del), true},
		{"EXPIRE under a later EXPIRE", expire, theirs(150, expire), false},
	} {
		var mine, k KeyState
		s := apply(&mine, 100, 1, c.mine)
		for _, o := range c.other {
			var other KeyState
			apply(&other, o.ms, o.node, o.f)
			if _, err := k.Merge(&other); err != nil {
				t.Fatal(err)
			}
		}
		in := sentState(t, &mine)
		if _, err := k.Merge(&in); err != nil {
			t.Fatal(err)
		}
		if got := k.Hides(&in.Row, in.Elements, s, s.HLC); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
		k.Database = Stamp{HLC: HLCOf(500), Node: 3, Inc: 1}
		wrote := c.name[:6] != "EXPIRE"
		if got := k.Hides(&in.Row, in.Elements, s, s.HLC); got != wrote {
			t.Errorf("%s, under a later FLUSHDB: %v", c.name, got)
		}
	}
}

// Ticks: each of a transaction's stamps is its own.
func TestHidesTransaction(t *testing.T) {
	var k KeyState
	first := apply(&k, 100, 1, func(m *Mutation) { m.Set(0, []byte("a"), 0) })
	var mu Mutation
	mu.Set(0, []byte("b"), 0)
	k.Apply(&mu.Changes[0], first.Tick(3))
	in := sentState(t, &k)
	later := KeyState{}
	apply(&later, 101, 2, func(m *Mutation) { m.Set(0, []byte("c"), 0) })
	if k.Hides(&in.Row, nil, first, first.Tick(3).HLC) {
		t.Error("hidden by nothing")
	}
	if _, err := k.Merge(&later); err != nil {
		t.Fatal(err)
	}
	if !k.Hides(&in.Row, nil, first, first.Tick(3).HLC) {
		t.Error("the last command's value is hidden")
	}
	if k.Hides(&in.Row, nil, first, first.Tick(1).HLC) {
		t.Error("the value of another operation is not this one's")
	}
}

// A clock raised above Latest is above every stamp of the state.
func TestLatest(t *testing.T) {
	s := Stamp{HLC: 1000, Node: 1, Inc: 1}
	for name, k := range map[string]KeyState{
		"database": {Database: s},
		"cleared":  {Row: KeyRow{Cleared: s}},
		"expiry":   {Row: KeyRow{Expiry: Expiry{Stamp: s}}},
		"value":    {Row: KeyRow{Value: Value{Stamp: s}}},
		"total":    {Row: KeyRow{Totals: []Total{{Stamp: s}}}},
		"seen":     {Row: KeyRow{Seen: []Seen{{Name: s}}}},
		"reset":    {Row: KeyRow{Seen: []Seen{{Stamp: s}}}},
		"updated":  {Row: KeyRow{Siblings: &SiblingSet{Updated: s}}},
		"actor":    {Row: KeyRow{Siblings: &SiblingSet{Context: []Dot{{s, 1}}}}},
		"sibling":  {Row: KeyRow{Siblings: &SiblingSet{Values: []Sibling{{Stamp: s}}}}},
		"element":  {Elements: []ElementState{{Row: ElementRow{Stamp: s}}}},
	} {
		if k.Latest() != s {
			t.Errorf("%s: latest %v", name, k.Latest())
		}
	}
}
