package ring

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"unicode/utf8"
)

// maxEpoch leaves room for all epochs to come.
const maxEpoch = 1 << 60

// check says what of the document contradicts itself or is beyond the bounds.
func (d *Document) check() error {
	for _, f := range []func() error{d.checkHead, d.checkMembers, d.checkLists, d.checkPending, d.checkVoters, d.checkPlan} {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

func bad(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrDocument, fmt.Errorf(format, args...))
}

func texts(list ...string) error {
	for _, s := range list {
		if len(s) > MaxText || !utf8.ValidString(s) {
			return bad("text %.40q is longer than %d bytes or not UTF-8", s, MaxText)
		}
	}
	return nil
}

func (d *Document) checkHead() error {
	id, err := hex.DecodeString(d.Cluster)
	switch {
	case d.Version != DocumentVersion:
		return bad("version %d", d.Version)
	case err != nil || len(id) == 0 || len(d.Cluster) > MaxText:
		return bad("cluster id %.40q", d.Cluster)
	case d.Epoch == 0 || d.Epoch > maxEpoch || (d.Epoch == 1) != (d.Parent == Hash{}):
		return bad("epoch %d, parent %v", d.Epoch, d.Parent)
	case len(d.Founders) > MaxNodes:
		return bad("%d founders", len(d.Founders))
	case d.Slots < 1 || d.Slots > Slots || bits.OnesCount(uint(d.Slots)) != 1:
		return bad("%d slots per partition", d.Slots)
	case len(d.Rules) > MaxRules || len(d.Rules) > 0 && !json.Valid(d.Rules):
		return bad("rules of %d bytes", len(d.Rules))
	}
	if err := checkReplicas(d.Replicas, d.PerDC); err != nil {
		return bad("%w", err)
	}
	return texts(append([]string{d.Name}, d.Founders...)...)
}

// checkReplicas is for the setting of N: what a list can be long is another matter.
func checkReplicas(n int, perDC map[string]int) error {
	sum := 0
	for _, dc := range slices.Sorted(maps.Keys(perDC)) {
		k := perDC[dc]
		if k < 1 || k > MaxReplicas || len(dc) > MaxText || !utf8.ValidString(dc) {
			return fmt.Errorf("%w: %d replicas in datacenter %.40q", ErrOptions, k, dc)
		}
		sum += k
	}
	if n < 1 || n > MaxReplicas || len(perDC) > 0 && n != sum {
		return fmt.Errorf("%w: %d replicas, want 1..%d", ErrOptions, n, MaxReplicas)
	}
	return nil
}

func (d *Document) checkMembers() error {
	if len(d.Members) == 0 || len(d.Members) > MaxNodes {
		return bad("%d members", len(d.Members))
	}
	for i := range d.Members {
		m := &d.Members[i]
		if m.ID == 0 || i > 0 && m.ID <= d.Members[i-1].ID || m.Weight < 1 || m.Weight > MaxWeight {
			return bad("member %016x, weight %d", m.ID, m.Weight)
		}
		if err := texts(m.Rack, m.DC, m.Client, m.Forward, m.Peer, m.Gossip); err != nil {
			return err
		}
	}
	return nil
}

func (d *Document) checkLists() error {
	if len(d.Lists) != Slots/d.Slots || len(d.Since) != len(d.Lists) {
		return bad("%d lists and %d epochs of %d partitions", len(d.Lists), len(d.Since), Slots/d.Slots)
	}
	for p, since := range d.Since {
		if since < 1 || since > d.Epoch {
			return bad("partition %d changed in epoch %d", p, since)
		}
	}
	return d.sameLength(d.Lists)
}

// sameLength checks that all lists are equally long, of distinct members.
func (d *Document) sameLength(lists [][]uint16) error {
	for k, list := range lists {
		if len(list) < 1 || len(list) > MaxReplicas || len(list) != len(lists[0]) {
			return bad("list %d has %d nodes", k, len(list))
		}
		for i, m := range list {
			if int(m) >= len(d.Members) || slices.Contains(list[:i], m) {
				return bad("list %d, member %d of %d", k, m, len(d.Members))
			}
			if d.Stage == Stable && d.Members[m].Leaving {
				return bad("list %d has node %016x, which leaves", k, d.Members[m].ID)
			}
		}
	}
	return nil
}

func (d *Document) checkPending() error {
	stable := d.Stage == Stable
	if d.Stage > Reading || stable != (len(d.Moving) == 0) || stable != (d.Plan == nil) || len(d.Moving) != len(d.Pending) {
		return bad("stage %v, %d partitions move to %d lists, plan %t", d.Stage, len(d.Moving), len(d.Pending), d.Plan != nil)
	}
	if stable {
		return nil
	}
	if len(d.Pending[0]) != len(d.Lists[0]) && len(d.Moving) != len(d.Lists) {
		return bad("lists of %d and of %d nodes", len(d.Lists[0]), len(d.Pending[0]))
	}
	for k, p := range d.Moving {
		switch {
		case int(p) >= len(d.Lists) || k > 0 && p <= d.Moving[k-1]:
			return bad("partition %d moves", p)
		case d.Since[p] != d.Epoch:
			return bad("partition %d moves since epoch %d, not %d", p, d.Since[p], d.Epoch)
		case slices.Equal(d.Pending[k], d.Lists[p]):
			return bad("partition %d moves to where it is", p)
		}
	}
	return d.sameLength(d.Pending)
}

func (d *Document) checkVoters() error {
	if len(d.Voters) < 1 || len(d.Voters) > MaxVoters {
		return bad("%d voters", len(d.Voters))
	}
	for i, id := range d.Voters {
		if d.Member(id) == nil || i > 0 && id <= d.Voters[i-1] {
			return bad("voter %016x", id)
		}
	}
	return nil
}

func (d *Document) checkPlan() error {
	p := d.Plan
	if p == nil {
		return nil
	}
	if err := checkReplicas(p.Replicas, p.PerDC); err != nil {
		return bad("%w", err)
	}
	if len(p.Changes) > MaxChanges || p.Moves < 0 || p.Bound < 0 {
		return bad("a plan of %d changes, %d moves", len(p.Changes), p.Moves)
	}
	for i := range p.Changes {
		m := &p.Changes[i].Member
		if err := texts(m.Rack, m.DC, m.Client, m.Forward, m.Peer, m.Gossip); err != nil {
			return err
		}
		if len(p.Changes[i].PerDC) > MaxReplicas {
			return bad("replicas in %d datacenters", len(p.Changes[i].PerDC))
		}
		if err := texts(slices.Sorted(maps.Keys(p.Changes[i].PerDC))...); err != nil {
			return err
		}
	}
	stay := map[NodeID]bool{}
	for i := range p.Target {
		t := &p.Target[i]
		m := d.Member(t.ID)
		if m == nil || i > 0 && t.ID <= p.Target[i-1].ID || t.Weight < 1 || t.Weight > MaxWeight || t.Rack != m.Rack || t.DC != m.DC {
			return bad("target %d", t.ID)
		}
		stay[t.ID] = !t.Leaving
	}
	for _, list := range d.Pending {
		for _, i := range list {
			if !stay[d.Members[i].ID] {
				return bad("node %016x is to go and to own", d.Members[i].ID)
			}
		}
	}
	for p, list := range d.Lists {
		if _, moves := slices.BinarySearch(d.Moving, Partition(p)); moves {
			continue
		}
		for _, i := range list {
			if !stay[d.Members[i].ID] {
				return bad("node %016x is to go and to own partition %d", d.Members[i].ID, p)
			}
		}
	}
	return texts(p.By)
}

// Member returns the member of that id, nil if there is none. Never change it.
func (d *Document) Member(id NodeID) *Member {
	i, ok := slices.BinarySearchFunc(d.Members, id, func(m Member, id NodeID) int {
		switch {
		case m.ID < id:
			return -1
		case m.ID > id:
			return 1
		}
		return 0
	})
	if !ok {
		return nil
	}
	return &d.Members[i]
}
