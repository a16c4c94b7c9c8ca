package cluster

import (
	"errors"
	"testing"
	"time"
)

func TestUsageSurvivesItsBytes(t *testing.T) {
	var u Usage
	for i, f := range u.fields() {
		*f = uint64(i)<<40 + 7
	}
	body := u.append(nil)
	var got Usage
	if err := got.parse(body); err != nil || got != u {
		t.Fatalf("%+v, %v, want %+v", got, err, u)
	}
	// A later build tells more, an earlier one less.
	got = Usage{}
	if err := got.parse(append(body, 1, 2, 3, 4, 5, 6, 7, 8)); err != nil || got != u {
		t.Errorf("with a figure more: %+v, %v", got, err)
	}
	got = Usage{}
	if err := got.parse(body[:8*8]); err != nil || got.Cores != u.Cores || got.WindowMillis != 0 {
		t.Errorf("with figures less: %+v, %v", got, err)
	}
	for _, bad := range [][]byte{nil, body[:3], body[:9]} {
		if err := got.parse(bad); !errors.Is(err, errAsk) {
			t.Errorf("%d bytes: %v", len(bad), err)
		}
	}
}

func TestUsageOfANodeThatDoesNotMeasure(t *testing.T) {
	n := &Node{id: 1}
	if _, err := n.Usage(1, time.Second); !errors.Is(err, errNoUsage) {
		t.Errorf("%v", err)
	}
	n.usage = func() Usage { return Usage{Keys: 3} }
	if u, err := n.Usage(1, time.Second); err != nil || u.Keys != 3 {
		t.Errorf("%+v, %v", u, err)
	}
}
