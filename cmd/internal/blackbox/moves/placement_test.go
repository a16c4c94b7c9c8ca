package moves

import (
	"math"
	"testing"
)

func TestWhatMoves(t *testing.T) {
	before := Placement{{"a", "b"}, {"b", "c"}, {"c", "a"}}
	for name, c := range map[string]struct {
		after         Placement
		copied, bound int
	}{
		"nothing":          {before, 0, 0},
		"another order":    {Placement{{"b", "a"}, {"c", "b"}, {"a", "c"}}, 0, 0},
		"one joins":        {Placement{{"a", "d"}, {"b", "c"}, {"c", "d"}}, 2, 2},
		"one too many":     {Placement{{"a", "c"}, {"b", "c"}, {"d", "a"}}, 2, 1},
		"places exchanged": {Placement{{"c", "b"}, {"b", "a"}, {"c", "a"}}, 2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if copied, bound := before.Copied(c.after), before.Bound(c.after); copied != c.copied || bound != c.bound {
				t.Errorf("%d copied, at least %d; expected %d and %d", copied, bound, c.copied, c.bound)
			}
		})
	}
}

func TestUneven(t *testing.T) {
	weight := map[string]int{"a": 1, "b": 1, "c": 2}
	for _, c := range []struct {
		held map[string]int
		want float64
	}{
		{map[string]int{"a": 25, "b": 25, "c": 50}, 0},
		{map[string]int{"a": 20, "b": 25, "c": 55}, 0.2},
		{map[string]int{"a": 50, "b": 50}, 1},
	} {
		if got := Uneven(c.held, weight); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%v is uneven by %v, not %v", c.held, got, c.want)
		}
	}
}
