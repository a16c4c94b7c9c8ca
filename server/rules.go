package server

import (
	"cmp"
	"slices"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
)

// KeyspaceRule is what holds for keys that begin with Prefix, where neither the operation, nor its connection, nor the user say
// anything else.
type KeyspaceRule struct {
	Prefix string
	Levels Levels
}

// keyspaceRules are rules, those with the longest prefixes first.
type keyspaceRules []KeyspaceRule

func newKeyspaceRules(rules []KeyspaceRule) keyspaceRules {
	sorted := slices.Clone(rules)
	slices.SortStableFunc(sorted, func(a, b KeyspaceRule) int { return cmp.Compare(len(b.Prefix), len(a.Prefix)) })
	return sorted
}

// find is what the rule with the longest prefix of a key says; zero when no rule has one.
func (r keyspaceRules) find(key []byte) Levels {
	for i := range r {
		if p := r[i].Prefix; len(key) >= len(p) && string(key[:len(p)]) == p {
			return r[i].Levels
		}
	}
	return Levels{}
}

// levelsFor are the levels of an operation on keys, and their indexes. Of several keys the one whose rule asks for most replicas
// speaks.
func (s *session) levelsFor(keys []object.KeyRef, slot object.Slot) (Levels, [2]uint8) {
	l := &s.levels
	if !l.open || len(s.srv.rules) == 0 || len(keys) == 0 {
		return l.force, l.index
	}
	of := func(key []byte) Levels { return l.said.or(s.srv.rules.find(key)).or(s.srv.opt.Levels) }
	most := of(keys[0].Name)
	for i := 1; i < len(keys); i++ {
		next := of(keys[i].Name)
		most.Read, most.Write = s.stricter(most.Read, next.Read, slot), s.stricter(most.Write, next.Write, slot)
	}
	if most == l.force {
		return l.force, l.index
	}
	return most, [2]uint8{levelIndex(most.Read), levelIndex(most.Write)}
}

// stricter is the one of two levels that more home replicas are sure to have answered for, a if it is the same.
func (s *session) stricter(a, b cluster.Level, slot object.Slot) cluster.Level {
	if a != b && s.ring.least(b, slot) > s.ring.least(a, slot) {
		return b
	}
	return a
}

// reply shows the rules, shortest prefixes first.
func (r keyspaceRules) reply() resp.Value {
	all := make([]resp.Value, 0, len(r))
	for i := len(r) - 1; i >= 0; i-- {
		var f fields
		f.text("prefix", r[i].Prefix)
		for _, part := range []struct {
			name  string
			level cluster.Level
		}{{"read", r[i].Levels.Read}, {"write", r[i].Levels.Write}} {
			if part.level.Level != 0 {
				f.text(part.name, part.level.String())
			}
		}
		all = append(all, resp.Map(f...))
	}
	return resp.Array(all...)
}
