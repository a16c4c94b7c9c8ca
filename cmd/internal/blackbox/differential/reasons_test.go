//go:build blackbox

package differential

import (
	"slices"
	"testing"
)

// TestReasons sends commands whose replies differ for a reason and leave the
// databases different, which is why random scripts leave them out. Each must
// be excused by the reason named, and by a reply that differs.
func TestReasons(t *testing.T) {
	if againstItself() {
		t.Skip("SKIPPED: redis-server has no reason to differ from itself")
	}
	cases := []struct {
		face   Face
		reason string
		script [][]string
	}{
		{Forward, "crossslot", [][]string{{"SET", "a", "1"}, {"RENAME", "a", "b"}}},
		{Forward, "crossslot", [][]string{{"SET", "a", "1"}, {"RENAMENX", "a", "b"}}},
		{Forward, "crossslot", [][]string{{"SET", "a", "1"}, {"COPY", "a", "b"}}},
		{Forward, "crossslot", [][]string{{"MSETNX", "a", "1", "b", "2"}}},
		{Forward, "watch", [][]string{{"WATCH", "a", "b"}}},
		{Forward, "watch", [][]string{{"WATCH", "a"}, {"MULTI"}, {"SET", "b", "1"}, {"EXEC"}}},
		{Cluster, "watch", [][]string{{"WATCH", "a"}, {"WATCH", "b"}}},
		{Cluster, "watch", [][]string{{"WATCH", "a"}, {"MULTI"}, {"SET", "b", "1"}, {"EXEC"}}},
		{Forward, "undone", [][]string{{"WATCH", "a"}, {"SET", "a", "1"}, {"DEL", "a"}, {"MULTI"}, {"EXEC"}}},
		{Cluster, "aborted", [][]string{{"WATCH", "a"}, {"SET", "a", "1"}, {"MULTI"}, {"SET", "a", "1"}, {"SET", "b", "1"}, {"NOTHING"}, {"EXEC"}}},
		{Forward, "switch", [][]string{{"MULTI"}, {"GET", "a"}, {"HELLO", "3"}, {"EXEC"}}},
		{Forward, "later", [][]string{{"SET", "a", "1"}, {"SET", "a", "2", "IFEQ", "1"}}},
		{Cluster, "later", [][]string{{"SET", "a", "1"}, {"SET", "a", "2", "IFNE", "1"}}},
		{Forward, "later", [][]string{{"SET", "a", "1"}, {"DELEX", "a", "IFEQ", "1"}}},
		{Forward, "client-later", [][]string{{"CLIENT", "NO-TOUCH", "on"}}},
		{Cluster, "unserved-part", [][]string{{"LATENCY", "DOCTOR"}}},
		{Cluster, "refused", [][]string{{"CLUSTER", "BUMPEPOCH"}}},
		{Forward, "refused", [][]string{{"SWAPDB", "0", "1"}}},
		{Forward, "refused", [][]string{{"SET", "a", "1"}, {"MOVE", "a", "1"}}},
		{Forward, "refused", [][]string{{"BGREWRITEAOF"}}},
		{Forward, "refused", [][]string{{"SAVE"}}},
		{Forward, "unserved", [][]string{{"LPUSH", "a", "1"}}},
		{Cluster, "unserved", [][]string{{"HSET", "a", "f", "1"}}},
		{Forward, "unserved", [][]string{{"EVAL", "return 1", "0"}}},
		{Forward, "unserved", [][]string{{"SUBSCRIBE", "channel"}}},
	}
	pairs := map[Face]*Pair{Forward: startPair(t, Forward), Cluster: startPair(t, Cluster)}
	for _, c := range cases {
		pair := pairs[c.face]
		pair.Scripted = true
		var steps []Step
		for i, args := range c.script {
			steps = append(steps, Step{Batch: i, Args: args})
		}
		clear(pair.Excused)
		d, _, err := pair.Run(steps, 1)
		if err != nil {
			t.Fatal(err)
		}
		last := c.script[len(c.script)-1]
		switch {
		case d != nil:
			t.Errorf("%s face, %q: not excused:\nredis %q\nrondo %q", c.face, last, d.Redis, d.Rondo)
		case pair.Excused[c.reason] != 1:
			t.Errorf("%s face, %q: excused by %v, not once by %s", c.face, last, pair.Excused, c.reason)
		}
	}
	for _, c := range cases {
		if !slices.ContainsFunc(reasons(), func(r Reason) bool { return r.Name == c.reason }) {
			t.Errorf("there is no reason %q", c.reason)
		}
	}
}
