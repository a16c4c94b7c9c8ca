package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/conf"
	"github.com/rondokv/rondo/engine/object"
)

// founder is a node of a founding that is acted out without gossip.
type founder struct {
	founding
	member ring.Member
	stored *document // survives a crash
	epoch  uint64
	said   word
	formed bool
	refuse error
}

func charterOf(t *testing.T, change func(*conf.Config)) charter {
	t.Helper()
	cfg := conf.Default()
	cfg.Founders = "10.0.0.1:1,10.0.0.2:1,10.0.0.3:1"
	cfg.PartitionSlots = 1024 // fewer partitions, the same rules
	if change != nil {
		change(&cfg)
	}
	return newCharter(cfg)
}

func newFounder(c charter, number int, id object.NodeID) *founder {
	addr := fmt.Sprintf("10.0.0.%d:1", number)
	return &founder{
		founding: founding{charter: c, self: id},
		member:   ring.Member{Node: ring.Node{ID: ring.NodeID(id), Weight: 1}, Client: addr, Peer: addr, Gossip: addr},
		said:     c.word(),
	}
}

// sees is how the others see a founder, and it sees itself.
func (f *founder) sees() sighting {
	return sighting{Member: f.member, alive: true, up: true, epoch: f.epoch, word: f.said}
}

// step lets a founder look at what it sees and do what it finds.
func (f *founder) step(seen ...sighting) verdict {
	v := f.look(f.charter.lookup(context.Background()), seen)
	if v.agree != nil {
		f.stored, f.epoch, f.said = v.agree, uint64(v.agree.Epoch), v.agree.word()
		f.stored.phase = agreed
		f.vote(v.agree)
	}
	f.formed, f.refuse = f.formed || v.formed, v.refused
	return v
}

// crash is a restart: what was stored is all that is left.
func (f *founder) crash() {
	f.founding = founding{charter: f.charter, self: f.self}
	if f.stored != nil {
		f.vote(f.stored)
	}
}

func TestFoundersFormOneRing(t *testing.T) {
	c := charterOf(t, nil)
	a, b, d := newFounder(c, 1, 11), newFounder(c, 2, 7), newFounder(c, 3, 9)
	if v := a.step(a.sees()); len(v.missing) != 2 || !strings.HasPrefix(v.waiting(), "10.0.0.2:1 (not heard of), 10.0.0.3:1") || v.formed {
		t.Fatalf("alone: %+v", v)
	}
	if v := a.step(a.sees(), b.sees()); len(v.missing) != 1 || !strings.Contains(v.waiting(), "10.0.0.3:1") {
		t.Fatalf("two of three: %+v", v)
	}
	all := func() []sighting { return []sighting{d.sees(), a.sees(), b.sees()} }
	if v := a.step(all()...); v.agree == nil || v.formed {
		t.Fatalf("all there: %+v", v)
	}
	if v := a.step(all()...); v.formed || len(v.missing) != 2 || !strings.Contains(v.waiting(), "has not agreed yet") {
		t.Fatalf("nobody else has voted: %+v", v)
	}
	b.step(all()...)
	d.step(all()...)
	for _, f := range []*founder{a, b, d} {
		if v := f.step(all()...); !v.formed {
			t.Fatalf("all have voted: %+v", v)
		}
	}
	if a.stored.Hash() != b.stored.Hash() || a.stored.Hash() != d.stored.Hash() {
		t.Error("three rings")
	}
	bytes, err := a.stored.encode()
	if err != nil {
		t.Fatal(err)
	}
	again, r, err := decodeDocument(bytes)
	if err != nil || r.Partitions() != 16 || r.Replicas() != 3 || again.Hash() != a.stored.Hash() {
		t.Errorf("read back: %+v, %v", again, err)
	}
	spoilt := strings.Replace(string(bytes), `"lists":[[`, `"lists":[[9,`, 1)
	if _, _, err := decodeDocument([]byte(spoilt)); !errors.Is(err, errDocument) {
		t.Errorf("spoilt: %v", err)
	}
}

func TestFoundersThatDiffer(t *testing.T) {
	c := charterOf(t, nil)
	others := map[string]charter{
		"another list of --founders":      charterOf(t, func(cfg *conf.Config) { cfg.Founders = "10.0.0.1:1,10.0.0.3:1" }),
		"--replicas 2, here 3":            charterOf(t, func(cfg *conf.Config) { cfg.Replicas = 2 }),
		"--partition.slots 16, here 1024": charterOf(t, func(cfg *conf.Config) { cfg.PartitionSlots = 16 }),
	}
	for why, other := range others {
		a, b, odd := newFounder(c, 1, 11), newFounder(c, 2, 7), newFounder(other, 3, 9)
		// One to one, and somebody is missing: who is right is not known yet.
		if v := a.step(a.sees(), odd.sees()); v.refused != nil || len(v.odd) != 1 || !strings.Contains(v.odd[0], "10.0.0.3:1 has "+why) {
			t.Errorf("%s: one to one: %+v", why, v)
		}
		if v := a.step(a.sees(), b.sees(), odd.sees()); v.refused != nil || v.agree != nil || len(v.odd) != 1 {
			t.Errorf("%s: the majority: %+v", why, v)
		}
		if odd.step(a.sees(), b.sees(), odd.sees()); odd.refuse == nil || !strings.Contains(odd.refuse.Error(), "10.0.0.1:1 has ") {
			t.Errorf("%s: the odd one goes on: %v", why, odd.refuse)
		}
		// A cluster that is formed is right, whatever the numbers.
		a.epoch = 1
		if odd.step(a.sees(), odd.sees()); odd.refuse == nil || !strings.Contains(odd.refuse.Error(), "there already") {
			t.Errorf("%s: after the ring was formed: %v", why, odd.refuse)
		}
	}
	// Nobody is missing and nobody outnumbers: both go.
	two := func(replicas int) charter {
		return charterOf(t, func(cfg *conf.Config) { cfg.Founders, cfg.Replicas = "10.0.0.1:1,10.0.0.2:1", replicas })
	}
	a, b := newFounder(two(2), 1, 11), newFounder(two(1), 2, 7)
	a.step(a.sees(), b.sees())
	b.step(a.sees(), b.sees())
	if a.refuse == nil || b.refuse == nil {
		t.Errorf("a draw: %v, %v", a.refuse, b.refuse)
	}
}

// A stranger whose list names this node is named, and changes nothing.
func TestFounderNobodyListed(t *testing.T) {
	c := charterOf(t, nil)
	wrong := charterOf(t, func(cfg *conf.Config) { cfg.Founders = "10.0.0.1:1,10.0.0.2:1,10.0.0.4:1" })
	a, b, d, x := newFounder(c, 1, 11), newFounder(c, 2, 7), newFounder(c, 3, 9), newFounder(wrong, 4, 5)
	if v := a.step(a.sees(), b.sees(), d.sees(), x.sees()); v.agree == nil || !slices.Contains(v.odd, "10.0.0.4:1 is not among the founders") {
		t.Errorf("the founder: %+v", v)
	}
	if x.step(a.sees(), b.sees(), x.sees()); x.refuse == nil {
		t.Error("the stranger goes on")
	}
}

// A founder that comes back with an empty directory is another node: one that saw the first and one that saw the second
// must not both have a ring.
func TestFounderWithAnEmptiedDirectory(t *testing.T) {
	c := charterOf(t, nil)
	a, b, old, anew := newFounder(c, 1, 11), newFounder(c, 2, 7), newFounder(c, 3, 9), newFounder(c, 3, 8)
	a.step(a.sees(), b.sees(), old.sees())
	if a.stored == nil || a.formed {
		t.Fatal("no vote")
	}
	gone := old.sees()
	gone.alive, gone.up, gone.why = false, false, "dead"
	if v := b.step(a.sees(), b.sees(), old.sees(), anew.sees()); v.agree != nil || len(v.missing) != 1 {
		t.Fatalf("two nodes at one address: %+v", v)
	}
	if v := b.step(a.sees(), b.sees(), gone, anew.sees()); v.agree != nil || v.refused == nil || !strings.Contains(v.refused.Error(), "emptied or replaced") {
		t.Fatalf("the other ring: %+v", v)
	}
	if v := a.step(a.sees(), b.sees(), gone, anew.sees()); v.formed || !slices.Contains(v.odd, "10.0.0.3:1 came back with another data directory") {
		t.Fatalf("the one that voted: %+v", v)
	}
}

// Whatever is seen by whom and when, and whoever crashes or is replaced: no two founders form different rings.
func TestFoundingNeverForks(t *testing.T) {
	formed := 0
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		c := charterOf(t, func(cfg *conf.Config) { cfg.PartitionSlots = 1024 })
		all := []*founder{newFounder(c, 1, 1), newFounder(c, 2, 2), newFounder(c, 3, 3)}
		live := slices.Clone(all)
		past := map[object.NodeID][]sighting{} // what was ever told: gossip may be late
		for range 60 {
			f := live[r.IntN(len(live))]
			past[f.self] = append(past[f.self], f.sees())
			switch k := r.IntN(40); {
			case k == 0 && len(all) < 6 && !f.formed: // an empty directory, a new id
				i := slices.Index(live, f)
				live[i] = newFounder(c, i+1, object.NodeID(len(all)+1))
				all = append(all, live[i])
			case k < 4:
				f.crash()
			default:
				seen := []sighting{f.sees()}
				for _, o := range all {
					if told := past[o.self]; o != f && len(told) > 0 && r.IntN(4) > 0 {
						s := told[len(told)-1-r.IntN(min(2, len(told)))]
						if !slices.Contains(live, o) && r.IntN(2) == 0 {
							s.alive, s.up, s.why = false, false, "dead"
						}
						seen = append(seen, s)
					}
				}
				f.step(seen...)
			}
		}
		hash := uint32(0)
		for _, f := range all {
			if !f.formed {
				continue
			}
			formed++
			if hash != 0 && hash != f.stored.short {
				t.Fatalf("seed %d: two rings", seed)
			}
			hash = f.stored.short
		}
	}
	if formed < 1000 {
		t.Errorf("only %d founders formed a ring: the test tests little", formed)
	}
}

func TestCharter(t *testing.T) {
	base := charterOf(t, nil)
	turned := charterOf(t, func(cfg *conf.Config) { cfg.Founders = "10.0.0.3:1,10.0.0.1:1,10.0.0.2:1" })
	if base.secret() != turned.secret() || base.clusterID() != turned.clusterID() || base.word() != turned.word() {
		t.Error("the order of the list matters")
	}
	seen := map[object.Secret]bool{base.secret(): true}
	for name, change := range map[string]func(*conf.Config){
		"list": func(cfg *conf.Config) { cfg.Founders = "10.0.0.1:1,10.0.0.2:1" },
		"name": func(cfg *conf.Config) { cfg.ClusterName = "other" },
		"key":  func(cfg *conf.Config) { cfg.GossipKey = strings.Repeat("ab", 32) },
	} {
		c := charterOf(t, change)
		if seen[c.secret()] || c.clusterID() == base.clusterID() {
			t.Errorf("%s does not matter", name)
		}
		seen[c.secret()] = true
	}
	w := base.word().with(77)
	if w.ring() != 77 || w.charter() != base.word() || w.replicas() != 3 || w.slots() != 1024 || base.word().difference(w) != "" {
		t.Errorf("word %x", w)
	}
}

func TestOwnFounder(t *testing.T) {
	local := []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("10.0.0.2")}
	for gossip, want := range map[string]int{"10.0.0.1:1": 0, "0.0.0.0:1": 1, ":1": 1, "10.0.0.4:1": -1, "10.0.0.1:2": -1} {
		c := charterOf(t, nil)
		i, err := c.own(c.lookup(t.Context()), gossip, local)
		if err != nil {
			i = -1
		}
		if i != want {
			t.Errorf("gossip %s: %d, %v; want %d", gossip, i, err, want)
		}
	}
}
