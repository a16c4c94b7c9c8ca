package server

import (
	"testing"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/cluster/ring"
	"github.com/rondokv/rondo/engine/object"
	"github.com/rondokv/rondo/resp"
	"github.com/rondokv/rondo/server/command"
)

// entry is the value of a name in a map's reply, a nil value when there is none.
func entryOf(v resp.Value, name string) resp.Value {
	for i := 0; i+1 < len(v.Elems); i += 2 {
		if v.Elems[i].Str == name {
			return v.Elems[i+1]
		}
	}
	return resp.Nil()
}

// homesOf are the home replicas of a key by index among the town's nodes, and some node that is none.
func (w *town) homesOf(key string) (homes []int, other int) {
	is := map[int]bool{}
	for _, id := range w.ring.Lookup(ring.Slot(command.Slot([]byte(key)))) {
		homes, is[int(id)-1] = append(homes, int(id)-1), true
	}
	for i := range w.nodes {
		if !is[i] {
			other = i
		}
	}
	return homes, other
}

func TestKeyInfoOfARing(t *testing.T) {
	w := newTown(t, 5, 3)
	homes, other := w.homesOf("k")
	c := w.servers[other].dial(w.servers[other].forward)
	c.want("OK", "AT", "ALL", "SET", "k", "hello", "EX", "1000")
	info := func(addr string) resp.Value {
		t.Helper()
		v := w.servers[0].dial(addr).do("KEYINFO", "k")
		list := entryOf(v, "home_replicas").Elems
		if len(list) != len(homes) {
			t.Fatalf("%d home replicas in %s", len(list), show(v))
		}
		for i, home := range homes {
			if got := entryOf(list[i], "node").Str; got != ClientNodeID(object.NodeID(home+1)) {
				t.Errorf("place %d: %s", i, show(v))
			}
		}
		return v
	}
	// Any node tells the same, on both faces.
	for _, addr := range []string{w.servers[other].cluster, w.servers[other].forward, w.servers[homes[1]].cluster} {
		v := info(addr)
		for _, r := range entryOf(v, "home_replicas").Elems {
			if entryOf(r, "state").Str != "alive" || show(entryOf(r, "lag")) != "[]" || entryOf(r, "value").Str != "string of 5 bytes" ||
				entryOf(r, "type").Str != "string" || entryOf(r, "expire_at").IsNil() {
				t.Errorf("%s", show(r))
			}
		}
		if show(entryOf(v, "hints")) != "[]" || show(entryOf(v, "not_answering")) != "[]" {
			t.Errorf("%s", show(v))
		}
	}

	// One is dead: the others keep hints for it, and when it is back but has not got them it is behind.
	dead := homes[2]
	w.kill(dead, 2)
	c.want("OK", "SET", "k", "longer", "KEEPTTL")
	c.want("OK", "SET", "k", "longer", "KEEPTTL")
	eventually(t, "a hint is kept", func() bool { return len(entryOf(info(w.servers[other].forward), "hints").Elems) > 0 })
	v := info(w.servers[other].forward)
	if r := entryOf(v, "home_replicas").Elems[2]; entryOf(r, "state").Str != "dead" || !entryOf(r, "type").IsNil() {
		t.Errorf("the dead one: %s", show(r))
	}
	id := ClientNodeID(object.NodeID(dead + 1))
	if got := show(entryOf(v, "not_answering")); got != `["`+id+`"]` {
		t.Errorf("not answering: %s", got)
	}
	hints := entryOf(v, "hints").Elems
	if h := hints[0]; len(hints) != 1 || entryOf(h, "for").Str != id || entryOf(h, "on").Str == id || entryOf(h, "on_address").Str == "" || entryOf(h, "rows").Int != 1 ||
		entryOf(h, "latest").Str != entryOf(entryOf(v, "home_replicas").Elems[0], "value_stamp").Str {
		t.Errorf("hints: %s", show(v))
	}
}

// A replica that has an older value lags by the difference, and one that has nothing by -1; what a clear covers is not missing.
func TestKeyInfoLag(t *testing.T) {
	stamp := func(ms int64) object.Stamp { return object.Stamp{HLC: object.HLCOf(ms), Node: 1, Inc: 1} }
	var newest fieldStamps
	newest[fieldValue], newest[fieldCleared] = stamp(1000), stamp(400)
	for _, c := range []struct {
		value, cleared object.Stamp
		want           string
	}{
		{stamp(1000), stamp(400), "{}"},
		{stamp(250), stamp(400), `{"value" :750}`},
		{object.Stamp{}, object.Stamp{}, `{"cleared" :-1 "value" :-1}`},
		{object.Stamp{}, stamp(300), `{"cleared" :100 "value" :-1}`},
		{object.Stamp{}, stamp(2000), "{}"},
	} {
		var r cluster.KeyReport
		r.Key.Row.Value.Stamp, r.Key.Row.Cleared = c.value, c.cleared
		v := newest.lag(&r)
		if show(v) != c.want {
			t.Errorf("value %v, cleared %v: %s, want %s", c.value, c.cleared, show(v), c.want)
		}
	}
}
