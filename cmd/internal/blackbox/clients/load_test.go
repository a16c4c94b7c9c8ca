package clients

import (
	"maps"
	"slices"
	"testing"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

func TestEvenKeys(t *testing.T) {
	keys := EvenKeys()
	seen := map[int]bool{}
	for _, k := range keys {
		seen[harness.SlotOf(k)/(harness.Slots/partitions)] = true
	}
	if len(keys) != partitions || len(seen) != partitions {
		t.Errorf("%d keys in %d of %d partitions", len(keys), len(seen), partitions)
	}
}

func TestLedgerKeepsPhasesApart(t *testing.T) {
	var l Ledger
	l.Enter("before")
	l.Note(Report{Version: "1.2", Calls: 5, LongestMs: 3, Errors: map[string]int{"dial 127.0.0.1:80: refused": 1, "dial 127.0.0.1:81: refused": 1}})
	l.Enter("after")
	l.Note(Report{Calls: 2, LongestMs: 9, Errors: map[string]int{"gone": 2, "ERR TIMEOUT unknown, acks 1 of 2": 3}})
	before, all := l.Of("before"), l.Of("before", "after")
	if before.Calls != 5 || before.LongestMs != 3 || before.ErrorText() != "2 x dial #: refused" {
		t.Errorf("before: %+v", before)
	}
	if all.Calls != 7 || all.LongestMs != 9 || all.Failed() != 7 || all.Version != "1.2" || all.Refused() != 4 || all.ErrorText() != "3 x ERR TIMEOUT unknown, acks # of #; 2 x dial #: refused; 2 x gone" {
		t.Errorf("all: %+v, %s", all, all.ErrorText())
	}
	if got := l.Of("before"); !maps.Equal(got.Errors, before.Errors) {
		t.Errorf("a sum changed what it was made of: %+v", got)
	}
}

func TestShares(t *testing.T) {
	s := NewShares()
	for node, lines := range [][]string{
		{`+1.5 [0 127.0.0.1:1] "SET" "a:{t1}" "5"`, `+1.5 [0 127.0.0.1:1] "GET" "a:{t1}"`, `+1.5 [0 127.0.0.1:1] "GET" "b:{t1}"`},
		{`+OK`, `+1.5 [0 127.0.0.1:1] "PING"`, `+1.5 [0 127.0.0.1:1] "CLUSTER" "SLOTS"`, `+1.5 [0 127.0.0.1:1] "GET" "a:{t2}"`},
	} {
		for _, line := range lines {
			s.Note(node, 2, line)
		}
	}
	if got := s.Of("a", 2); !slices.Equal(got, []int{2, 1}) {
		t.Errorf("a: %v", got)
	}
	if part, total := Between([]int{1, 0}, s.Of("a", 2), 1); part != 0.5 || total != 2 {
		t.Errorf("%v of %d", part, total)
	}
	if part, total := Between([]int{0, 0}, s.Of("c", 2), 1); part != 0 || total != 0 {
		t.Errorf("%v of %d", part, total)
	}
	for part, want := range map[float64]bool{0.2: true, 0.181: true, 0.179: false, 0.219: true, 0.221: false} {
		if Even(part, 5) != want {
			t.Errorf("%v of 5 nodes", part)
		}
	}
}
