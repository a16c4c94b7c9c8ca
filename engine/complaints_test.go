package engine

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestComplaints(t *testing.T) {
	var said []string
	now := time.Unix(1e9, 0)
	c := newComplaints(func(s string) { said = append(said, s) }, func() time.Time { return now })
	for range 3 {
		c.say("a")
		c.say("b")
	}
	now = now.Add(complaintPause)
	c.say("a")
	if want := []string{"a", "b", "a"}; !slices.Equal(said, want) {
		t.Fatalf("said %q, want %q", said, want)
	}
	for i := range 2 * maxComplaints {
		c.say(fmt.Sprint(i))
	}
	if len(c.last) > maxComplaints {
		t.Fatalf("%d remembered", len(c.last))
	}
}
