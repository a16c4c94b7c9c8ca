package sim

import "testing"

func TestEventsComeInOrder(t *testing.T) {
	var h events
	r := newRNG(1, 1)
	for i := range 1000 {
		h.push(event{at: Time(r.IntN(50)), seq: uint64(i)})
		if i%3 == 0 {
			h.pop()
		}
	}
	last := h.pop()
	for len(h) > 0 {
		e := h.pop()
		if e.before(&last) {
			t.Fatalf("%d/%d after %d/%d", e.at, e.seq, last.at, last.seq)
		}
		last = e
	}
}
