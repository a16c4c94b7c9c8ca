package chaos

import (
	"slices"
	"strings"
	"testing"
)

func TestOperations(t *testing.T) {
	var sent []string
	answer := func(reply string, end Outcome) Do {
		return func(key string, args ...string) ([]byte, Outcome) {
			sent = append(sent, key+": "+strings.Join(args, " "))
			return []byte(reply), end
		}
	}
	l, c := NewLedger("r"), &Counter{Key: "c"}
	for i, tc := range []struct {
		op    func(Do) error
		reply string
		end   Outcome
		good  bool
	}{
		{l.Get, "$-1\r\n", OK, true},
		{l.Set, "+OK\r\n", OK, true},
		{l.Get, "$1\r\n1\r\n", OK, true},
		{l.Get, "-TIMEOUT\r\n", Timeout, true},
		{l.Get, "$-1\r\n", OK, false},
		{l.Get, "+what\r\n", OK, false},
		{c.Increment, ":1\r\n", OK, true},
		{c.Increment, ":1\r\n", OK, false},
		{c.Increment, "", Silent, true},
		{c.Get, "$1\r\n3\r\n", OK, true},
		{c.Get, "$1\r\n1\r\n", OK, false},
		{c.Get, "$1\r\n4\r\n", OK, false},
	} {
		if err := tc.op(answer(tc.reply, tc.end)); (err == nil) != tc.good {
			t.Errorf("operation %d: %v", i, err)
		}
	}
	if want := []string{"r: GET r", "r: SET r 1", "c: INCR c", "c: GET c"}; !slices.Equal(want, []string{sent[0], sent[1], sent[6], sent[9]}) {
		t.Errorf("%q", sent)
	}
}
