package ring

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

// TestHash: whatever members must agree on changes the hash, and nothing else does.
func TestHash(t *testing.T) {
	whole := func() *Document {
		d := founded(t, nodes(1, 5, 2), 3, 4096)
		d.Rules = []byte(`{"a":1}`)
		d = propose(t, d, PlanOptions{By: "ops"}, append(joins(Node{ID: 70, Rack: "A"}), Change{Kind: SetWeight, ID: 2, Weight: 3})...).Next
		d.Members, d.Pending, d.Lists, d.Since = slices.Clone(d.Members), slices.Clone(d.Pending), slices.Clone(d.Lists), slices.Clone(d.Since)
		return d
	}
	want := whole().Hash()
	seen := map[Hash]string{want: "nothing"}
	for name, change := range map[string]func(d *Document){
		"version": func(d *Document) { d.Version++ }, "cluster": func(d *Document) { d.Cluster = "01" }, "name": func(d *Document) { d.Name = "other" },
		"founders": func(d *Document) { d.Founders = []string{"a"} }, "epoch": func(d *Document) { d.Epoch++ }, "parent": func(d *Document) { d.Parent[31]++ },
		"replicas": func(d *Document) { d.Replicas++ }, "per dc": func(d *Document) { d.PerDC = map[string]int{"": 3} }, "slots": func(d *Document) { d.Slots = 1 },
		"id": func(d *Document) { d.Members[0].ID = 99 }, "weight": func(d *Document) { d.Members[0].Weight++ }, "rack": func(d *Document) { d.Members[0].Rack += "x" },
		"dc": func(d *Document) { d.Members[0].DC += "x" }, "leaving": func(d *Document) { d.Members[0].Leaving = true }, "members": func(d *Document) { d.Members = d.Members[:5] },
		"voters": func(d *Document) { d.Voters = d.Voters[:2] }, "stage": func(d *Document) { d.Stage = Reading },
		"a list": func(d *Document) { d.Lists[0] = d.Lists[0][:2] }, "moving": func(d *Document) { d.Moving = d.Moving[:1] },
		"pending": func(d *Document) { d.Pending[0] = []uint16{0, 1, 2, 3} }, "since": func(d *Document) { d.Since[0]-- },
		"no plan": func(d *Document) { d.Plan = nil }, "rules": func(d *Document) { d.Rules = []byte(`{"a":2}`) },
		"loss": func(d *Document) { p := *d.Plan; p.AcceptLoss = true; d.Plan = &p }, "target": func(d *Document) { p := *d.Plan; p.Target = p.Target[:3]; d.Plan = &p },
		"moves": func(d *Document) { p := *d.Plan; p.Moves++; d.Plan = &p }, "bound": func(d *Document) { p := *d.Plan; p.Bound++; d.Plan = &p },
		"replicas after": func(d *Document) { p := *d.Plan; p.Replicas++; d.Plan = &p }, "changes": func(d *Document) { p := *d.Plan; p.Changes = p.Changes[:1]; d.Plan = &p },
	} {
		d := whole()
		change(d)
		if was, twice := seen[d.Hash()]; twice {
			t.Errorf("%s hashes like %s", name, was)
		}
		seen[d.Hash()] = name
	}
	d := whole()
	d.Members[0].Client, d.Members[1].Forward, d.Members[2].Peer, d.Members[3].Gossip = "a:1", "b:1", "c:1", "d:1"
	d.Plan.By, d.Plan.Changes[0].Member.Client = "somebody", "e:1"
	d.Rules = []byte(` { "a" : 1 } `)
	if d.Hash() != want {
		t.Error("an address, or a blank, changes the hash")
	}
	d.Name = "a name as long"
	b, err := d.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := DecodeDocument(b); err != nil {
		t.Error(err)
	}
	if _, err := DecodeDocument(bytes.Replace(b, []byte("as long"), []byte("so long"), 1)); !errors.Is(err, ErrDocument) {
		t.Errorf("a document with the hash of another: %v", err)
	}
}

// TestFallbacksOwnNothing: while partitions move, who is on either list is no fallback, and everybody else that holds something is.
func TestFallbacksOwnNothing(t *testing.T) {
	d := founded(t, nodes(1, 8, 0), 3, 64)
	copying := propose(t, d, PlanOptions{}, leaves(2, 2)...).Next
	reading, _ := Next(copying, done(copying))
	for _, d := range []*Document{copying, reading} {
		r := ringOf(t, d)
		holders := map[NodeID]bool{}
		for _, id := range r.lists {
			holders[id] = true
		}
		for p := range r.Partitions() {
			p, n := Partition(p), 0
			it := r.Fallbacks(p)
			for id, ok := it.Next(); ok; id, ok = it.Next() {
				if n++; r.Owns(p, id) {
					t.Fatalf("%v, partition %d: node %d owns it and is a fallback", d.Stage, p, id)
				}
			}
			want := 0
			for id := range holders {
				want += b2i(!r.Owns(p, id))
			}
			if n != want {
				t.Fatalf("%v, partition %d: %d fallbacks, want %d", d.Stage, p, n, want)
			}
		}
	}
}
