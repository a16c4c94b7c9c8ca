package object

import (
	"testing"

	"pgregory.net/rapid"
)

var testSecret = Secret{3, 4}

// Digests are equal exactly when the canonical states are.
func TestDigestIsCanonicalState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := history(t, 25)
		if rapid.Bool().Draw(t, "converged") {
			w.exchangeAll()
		}
		for _, a := range w.rs {
			for _, b := range w.rs {
				x, y := sentState(t, &a.k), copyState(&b.k)
				if rapid.Bool().Draw(t, "drop what a clear covers") {
					x.Row.dropCovered(MaxOf(x.Database, x.Row.Cleared))
				}
				if (canonical(&x) == canonical(&y)) != (x.Digest(testSecret) == y.Digest(testSecret)) {
					t.Fatalf("digests %x and %x of\n%s\n%s", x.Digest(testSecret), y.Digest(testSecret), canonical(&x), canonical(&y))
				}
			}
		}
	})
}

// fullState has every field, none covered.
func fullState() KeyState {
	s := func(h int) Stamp { return Stamp{HLC: HLC(h), Node: 1, Inc: 2} }
	return KeyState{
		Database: s(1),
		Row: KeyRow{
			Cleared: s(2), Expiry: Expiry{s(30), 77}, Value: Value{Stamp: s(31), Replaced: s(5), Kind: ValueBase, Int: 4},
			Totals: []Total{{s(10), 2, 5, s(11)}, {s(12), 1, 1, s(12)}}, Seen: []Seen{{s(10), 1, 3, s(13)}},
			Siblings: &SiblingSet{
				Updated: s(25), Context: []Dot{{s(20), 2}, {s(21), 1}},
				Values: []Sibling{{Dot{s(20), 2}, s(24), []byte("x")}},
			},
		},
		Elements: []ElementState{{Sub: subs[0], Row: ElementRow{s(15), s(14), false, []byte("e")}}},
	}
}

func TestDigestCoversEveryField(t *testing.T) {
	other := Stamp{HLC: 40, Node: 2, Inc: 2}
	sibs := func(f func(*SiblingSet)) func(*KeyState) {
		return func(k *KeyState) { f(k.Row.Siblings) }
	}
	full := fullState()
	digests := map[uint64]string{full.Digest(testSecret): "as it was"}
	for name, change := range map[string]func(*KeyState){
		"database":           func(k *KeyState) { k.Database.Inc++ },
		"database node":      func(k *KeyState) { k.Database.Node++ },
		"no database":        func(k *KeyState) { k.Database = Stamp{} },
		"cleared":            func(k *KeyState) { k.Row.Cleared.Inc++ },
		"no cleared":         func(k *KeyState) { k.Row.Cleared = Stamp{} },
		"expiry stamp":       func(k *KeyState) { k.Row.Expiry.Stamp = other },
		"expiry at":          func(k *KeyState) { k.Row.Expiry.At++ },
		"no expiry at":       func(k *KeyState) { k.Row.Expiry.At = 0 },
		"value stamp":        func(k *KeyState) { k.Row.Value.Stamp = other },
		"value stamp inc":    func(k *KeyState) { k.Row.Value.Stamp.Inc++ },
		"value replaced":     func(k *KeyState) { k.Row.Value.Replaced.HLC++ },
		"value replaced by":  func(k *KeyState) { k.Row.Value.Replaced.Node++ },
		"value kind":         func(k *KeyState) { k.Row.Value.Kind = ValueBytes },
		"value none":         func(k *KeyState) { k.Row.Value.Kind = ValueNone },
		"total name":         func(k *KeyState) { k.Row.Totals[0].Name.HLC-- },
		"total n":            func(k *KeyState) { k.Row.Totals[0].N++ },
		"total sum":          func(k *KeyState) { k.Row.Totals[0].Sum++ },
		"total stamp":        func(k *KeyState) { k.Row.Totals[0].Stamp.HLC++ },
		"one total less":     func(k *KeyState) { k.Row.Totals = k.Row.Totals[:1] },
		"seen name":          func(k *KeyState) { k.Row.Seen[0].Name = k.Row.Totals[1].Name },
		"seen n":             func(k *KeyState) { k.Row.Seen[0].N++ },
		"seen sum":           func(k *KeyState) { k.Row.Seen[0].Sum++ },
		"seen stamp":         func(k *KeyState) { k.Row.Seen[0].Stamp.HLC++ },
		"no seen":            func(k *KeyState) { k.Row.Seen = nil },
		"context actor":      sibs(func(s *SiblingSet) { s.Context[1].Actor = other }),
		"context seq":        sibs(func(s *SiblingSet) { s.Context[1].Seq++ }),
		"context shorter":    sibs(func(s *SiblingSet) { s.Context = s.Context[:1] }),
		"siblings updated":   sibs(func(s *SiblingSet) { s.Updated.HLC++ }),
		"sibling seq":        sibs(func(s *SiblingSet) { s.Values[0].Dot.Seq-- }),
		"sibling actor":      sibs(func(s *SiblingSet) { s.Values[0].Dot = s.Context[1] }),
		"sibling stamp":      sibs(func(s *SiblingSet) { s.Values[0].Stamp.HLC++ }),
		"no sibling":         sibs(func(s *SiblingSet) { s.Values = nil }),
		"no siblings at all": func(k *KeyState) { k.Row.Siblings = nil },
		"element sub":        func(k *KeyState) { k.Elements[0].Sub = subs[1] },
		"element stamp":      func(k *KeyState) { k.Elements[0].Row.Stamp.HLC++ },
		"element replaced":   func(k *KeyState) { k.Elements[0].Row.Replaced.HLC-- },
		"element tombstone":  func(k *KeyState) { k.Elements[0].Row.Tombstone = true },
		"no element":         func(k *KeyState) { k.Elements = nil },
	} {
		k := fullState()
		change(&k)
		d := k.Digest(testSecret)
		if was, twice := digests[d]; twice {
			t.Errorf("%s: the digest is that of %s", name, was)
		}
		digests[d] = name
		if d == k.Digest(Secret{3, 5}) {
			t.Errorf("%s: not keyed", name)
		}
	}
}

// What is local, or dead through a clear, is no part of a digest.
func TestDigestLeavesOut(t *testing.T) {
	for name, change := range map[string]func(*KeyState){
		"own":          func(k *KeyState) { k.Row.Own = Stamp{9, 9, 9} },
		"has elements": func(k *KeyState) { k.Row.HasElements = true },
		"clock":        func(k *KeyState) { k.Look(HLCOf(1000)) },
		"dead element": func(k *KeyState) {
			k.Elements = append(k.Elements, ElementState{Sub: subs[1], Row: ElementRow{Stamp: Stamp{2, 1, 2}}})
		},
		"dead total": func(k *KeyState) {
			k.Row.Totals = append([]Total{{Stamp{1, 1, 1}, 1, 1, Stamp{1, 1, 1}}}, k.Row.Totals...)
		},
	} {
		k := fullState()
		change(&k)
		if full := fullState(); full.Digest(testSecret) != k.Digest(testSecret) {
			t.Errorf("%s is part of the digest", name)
		}
	}
	covered := Stamp{HLC: 100, Node: 1, Inc: 1}
	absent := KeyState{Database: covered}
	dead := KeyState{Database: covered, Row: KeyRow{Cleared: Stamp{5, 1, 1}, Expiry: Expiry{Stamp{7, 1, 1}, 9}, Value: Value{Stamp: Stamp{6, 1, 1}, Kind: ValueBytes}}}
	if absent.Digest(testSecret) != dead.Digest(testSecret) {
		t.Error("a row that the database's cleared covers is not as an absent one")
	}
}
