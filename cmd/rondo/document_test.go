package main

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/conf"
)

// What was stored before rings could change becomes a document of the same lists, the same on all members.
func TestDocumentOfVersion1(t *testing.T) {
	c := charterOf(t, nil)
	var members []ring.Member
	for id := range ring.NodeID(3) {
		members = append(members, ring.Member{Node: ring.Node{ID: id + 1, Weight: 1}, Client: "h:1", Peer: "h:2", Gossip: "h:3"})
	}
	d, err := found(c, members)
	if err != nil {
		t.Fatal(err)
	}
	lists := slices.Clone(d.Lists)
	slices.Reverse(lists) // as an earlier placement may have had it
	old := map[string]any{
		"version": 1, "formed": true, "cluster": d.Cluster, "name": d.Name, "founders": d.Founders, "word": 1, "epoch": 1,
		"replicas": 3, "slots_per_partition": 1024, "members": d.Members, "lists": lists, "hash": 7,
	}
	read := func() (*document, *ring.Ring, error) {
		b, err := json.Marshal(old)
		if err != nil {
			t.Fatal(err)
		}
		return decodeDocument(b)
	}
	was, r, err := read()
	if err != nil {
		t.Fatal(err)
	}
	if was.phase != formed || was.Epoch != 1 || !slices.EqualFunc(was.Lists, lists, slices.Equal) || r.Partitions() != 16 {
		t.Errorf("%+v", was)
	}
	old["members"] = []ring.Member{d.Members[0], d.Members[1], {Node: d.Members[2].Node, Client: "elsewhere:1"}}
	if again, _, err := read(); err != nil || again.Hash() != was.Hash() {
		t.Errorf("another member reads it as another document: %v", err)
	}
	for name, wrong := range map[string]any{"epoch": 2, "cluster": "word", "lists": lists[1:], "members": d.Members[:1]} {
		right := old[name]
		old[name] = wrong
		if _, _, err := read(); !errors.Is(err, errDocument) {
			t.Errorf("wrong %s: %v", name, err)
		}
		old[name] = right
	}
}

func TestStoredDocument(t *testing.T) {
	d, err := bootstrap(newCharter(conf.Default()), ring.Member{Node: ring.Node{ID: 7, Weight: 1}})
	if err != nil {
		t.Fatal(err)
	}
	d.register, d.former[0] = []byte{1, 2}, 9
	b, err := d.encode()
	if err != nil {
		t.Fatal(err)
	}
	again, _, err := decodeDocument(b)
	if err != nil || again.phase != formed || string(again.register) != "\x01\x02" || again.former != d.former || again.Hash() != d.Hash() || again.word() != d.word() {
		t.Errorf("%+v, %v", again, err)
	}
	for _, wrong := range []string{"", "{", `{"version":3}`, `{"version":2,"phase":"formed","document":{}}`, `{"version":2,"phase":"odd"}`} {
		if _, _, err := decodeDocument([]byte(wrong)); !errors.Is(err, errDocument) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

func TestParseReplicas(t *testing.T) {
	if n, byDC, err := parseReplicas("5"); n != 5 || byDC != nil || err != nil {
		t.Error(n, byDC, err)
	}
	if n, byDC, err := parseReplicas("eu=3, us=2"); n != 0 || byDC["eu"] != 3 || byDC["us"] != 2 || err != nil {
		t.Error(n, byDC, err)
	}
	for _, wrong := range []string{"", "eu", "eu=0", "eu=3,eu=2", "=3"} {
		if _, _, err := parseReplicas(wrong); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
}
