package server

import "testing"

// A story is what one connection sends, and which of it is answered with MOVED.
func TestNudge(t *testing.T) {
	const s = int64(1e9)
	type ask struct {
		version        uint64
		at             int64
		primary, alone bool
		want           bool
	}
	for name, story := range map[string][]ask{
		"a home replica that is not the primary nudges once a version": {
			{1, 0, false, true, true}, {1, s, false, true, false}, {1, 99 * s, false, false, false}, {2, 100 * s, false, true, true},
		},
		"the primary never nudges at the version of the beginning": {
			{1, 0, true, true, false}, {1, 100 * s, true, false, false},
		},
		"the primary nudges once the version is another": {
			{1, 0, true, true, false}, {2, s, true, true, true}, {2, 2 * s, true, true, false},
		},
		"one nudge a version, whoever it is for": {
			{2, 0, true, true, true}, {2, s, false, true, false},
		},
		"a pipeline is spared for five seconds": {
			{2, 0, false, false, false}, {2, 4 * s, false, false, false}, {2, 5 * s, false, false, true}, {2, 6 * s, false, false, false},
		},
		"a command that comes alone is taken at once": {
			{2, 0, false, false, false}, {2, s, false, true, true},
		},
		"the five seconds begin anew with a version": {
			{2, 0, false, false, false}, {3, 4 * s, false, false, false}, {3, 6 * s, false, false, false}, {3, 9 * s, false, false, true},
		},
		"time without keyed commands does not count": {
			{1, 0, true, false, false}, {2, 100 * s, true, false, false}, {2, 105 * s, true, false, true},
		},
	} {
		n := nudge{opened: 1}
		for i, a := range story {
			if got := n.take(a.version, a.at, a.primary, a.alone); got != a.want {
				t.Errorf("%s: step %d: %v", name, i, got)
			}
		}
	}
}
