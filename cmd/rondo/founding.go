package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/engine/object"
)

// founding is how nodes that were given one list become a ring, without a leader: a state machine, pure.
//
//	wait     until every founder is there and all say the same of the list, the replicas and the partitions
//	agree    compute the ring from who they are, store it, only then tell its hash: a vote. It is never changed
//	formed   once every member of that ring has voted for it
//
// Invariant: when a node is formed, all members have stored that same ring, so no other one can ever be formed of them:
// whoever has not seen it yet will, whatever crashes. That is why it takes two steps. With one, a founder whose directory was
// emptied and that came back under a new id could be in the ring of some and not of others.
type founding struct {
	charter charter
	self    object.NodeID
	agreed  *document              // what this node has voted for; nil: nothing yet
	voted   map[object.NodeID]bool // members seen to have voted for it
}

// sighting is a node as gossip shows it now.
type sighting struct {
	ring.Member
	alive bool   // the data path may use it
	up    bool   // gossip hears of it; implied by alive
	why   string // why it is not alive
	epoch uint64 // 0: it has voted for no ring
	word  word
}

// verdict is what there is to do.
type verdict struct {
	missing []string  // founders that are waited for, each with the reason
	odd     []string  // nodes that do not fit, each with the reason
	agree   *document // to be stored and told: a vote
	formed  bool
	refused error // this node must not go on
}

// waiting is the missing ones as a text.
func (v *verdict) waiting() string { return strings.Join(v.missing, ", ") }

// refusal is why a node must not become a founder.
type refusal struct{ why string }

func (e *refusal) Error() string { return e.why }

// look decides on what is seen now. at are the founders' addresses, in their order.
func (f *founding) look(at []netip.AddrPort, seen []sighting) verdict {
	if f.agreed != nil {
		return f.count(at, seen)
	}
	var v verdict
	var members []ring.Member
	mine := f.charter.word()
	same, settled := 0, "" // founders that fit, this node among them; one that does not and has voted
	differ := 0
	for i, name := range f.charter.founders {
		s, why := f.founderAt(at[i], seen)
		if s == nil {
			v.missing = append(v.missing, name+" ("+why+")")
			continue
		}
		if s.word.charter() != mine {
			differ++
			v.odd = append(v.odd, name+" has "+mine.difference(s.word))
			if s.epoch > 0 {
				settled = v.odd[len(v.odd)-1]
			}
			continue
		}
		same++
		if !s.alive {
			v.missing = append(v.missing, name+" ("+s.why+")")
			continue
		}
		members = append(members, s.Member)
	}
	v.odd = append(v.odd, f.strangers(at, seen)...)
	switch {
	case settled != "":
		v.refused = &refusal{"a cluster that was formed otherwise is there already: founder " + settled}
	case differ > same || differ == same && len(v.missing) == 0:
		v.refused = &refusal{"the founders do not agree: " + strings.Join(v.odd, "; ") + ". Start all of them with the same --founders, --replicas and --partition.slots"}
	case differ == 0 && len(v.missing) == 0:
		f.propose(&v, members, seen)
	}
	return v
}

// founderAt finds the one node that is up at a founder's address.
func (f *founding) founderAt(at netip.AddrPort, seen []sighting) (*sighting, string) {
	if !at.IsValid() {
		return nil, "its name has no address"
	}
	var found *sighting
	why := "not heard of"
	for i := range seen {
		s := &seen[i]
		switch {
		case s.Gossip != at.String():
		case !s.up:
			why = s.why
		case found != nil:
			return nil, "two nodes were there one after the other; the first is not known to be dead yet"
		default:
			found = s
		}
	}
	return found, why
}

// strangers are nodes that take this one for a founder and are not on the list.
func (f *founding) strangers(at []netip.AddrPort, seen []sighting) (odd []string) {
	for i := range seen {
		s := &seen[i]
		known := slices.ContainsFunc(at, func(a netip.AddrPort) bool { return a.String() == s.Gossip })
		if s.up && !known && (f.agreed == nil || f.agreed.Member(s.ID) == nil) {
			odd = append(odd, s.Gossip+" is not among the founders")
		}
	}
	return odd
}

// propose makes the ring, unless others have voted for another one.
func (f *founding) propose(v *verdict, members []ring.Member, seen []sighting) {
	d, err := found(f.charter, members)
	if err != nil {
		v.refused = fmt.Errorf("no ring can be made of the founders: %w", err)
		return
	}
	for _, m := range members {
		for i := range seen {
			if s := &seen[i]; s.ID == m.ID && s.epoch > 0 && s.word.ring() != d.short {
				v.refused = &refusal{otherRing(s)}
				return
			}
		}
	}
	v.agree = d
}

func otherRing(s *sighting) string {
	return fmt.Sprintf("founder %s is in a ring of other members than are there now: a data directory was emptied or replaced, or a weight, "+
		"rack or dc changed. If that cluster serves, start this node with the data directory it had; if it never did, empty the directories of all founders", s.Gossip)
}

// vote is to be called when the document of verdict.agree is stored, or was found in the store.
func (f *founding) vote(d *document) {
	f.agreed, f.voted = d, map[object.NodeID]bool{f.self: true}
}

// count looks for the votes of the others.
func (f *founding) count(at []netip.AddrPort, seen []sighting) verdict {
	var v verdict
	for _, m := range f.agreed.Members {
		why := "not heard of"
		for i := range seen {
			switch s := &seen[i]; {
			case s.ID != m.ID:
			case s.epoch == 0:
				why = "has not agreed yet"
				if !s.up {
					why = s.why
				}
			case s.word.ring() == f.agreed.short && s.word.charter() == f.agreed.word().charter(),
				s.epoch > uint64(f.agreed.Epoch): // the ring was formed, and has changed since
				f.voted[object.NodeID(m.ID)] = true
			default:
				v.refused = &refusal{otherRing(s)}
			}
		}
		if !f.voted[object.NodeID(m.ID)] {
			v.missing = append(v.missing, f.nameOf(at, m.Gossip)+" ("+why+")")
		}
	}
	for i := range seen {
		s := &seen[i]
		if s.up && s.epoch == 0 && f.agreed.Member(s.ID) == nil && slices.ContainsFunc(f.agreed.Members, func(m ring.Member) bool { return m.Gossip == s.Gossip }) {
			v.odd = append(v.odd, f.nameOf(at, s.Gossip)+" came back with another data directory")
		}
	}
	v.odd = append(v.odd, f.strangers(at, seen)...)
	v.formed = len(v.missing) == 0 && v.refused == nil
	return v
}

// nameOf is a founder's name as the list has it.
func (f *founding) nameOf(at []netip.AddrPort, gossip string) string {
	for i, a := range at {
		if a.String() == gossip && i < len(f.charter.founders) {
			return f.charter.founders[i]
		}
	}
	return gossip
}
