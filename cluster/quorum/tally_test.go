package quorum

import (
	"errors"
	"testing"
)

// nodes makes a list from a word a node: "B" before, "A" after, "BA" both, in small letters a fallback for those lists;
// then, after a colon, its datacenter.
func nodes(words ...string) (list []Node) {
	for _, w := range words {
		var n Node
		for i, c := range w {
			switch c {
			case 'B', 'b':
				n.Of |= Before
			case 'A', 'a':
				n.Of |= After
			case ':':
				n.DC = w[i+1:]
			}
			if n.DC != "" {
				break
			}
			n.Fallback = c == 'b' || c == 'a'
		}
		list = append(list, n)
	}
	return list
}

// run plays answers: '+' ack, '-' fail, digits the node; it returns the verdicts after each.
func run(t *Tally, script string) (verdicts string) {
	for i := 0; i+1 < len(script); i += 2 {
		node, v := int(script[i+1]-'0'), Pending
		if script[i] == '+' {
			v = t.Ack(node)
		} else {
			v = t.Fail(node)
		}
		verdicts += string("PWL"[v])
	}
	return verdicts
}

func TestTally(t *testing.T) {
	three, five := nodes("B", "B", "B"), nodes("B", "B", "B", "B", "B")
	withFallbacks := nodes("B", "B", "B", "b", "b")
	dcs := nodes("B:x", "B:x", "B:x", "B:y", "B:y", "B:y", "b:x", "b:y")
	move := nodes("B", "BA", "BA", "A", "a", "ba")
	for _, tc := range []struct {
		name     string
		level    string
		write    bool
		list     []Node
		script   string
		verdicts string
	}{
		{"one", "ONE", true, three, "+2", "W"},
		{"one, all fail", "ONE", true, three, "-0-1-2", "PPL"},
		{"quorum", "QUORUM", true, three, "+0+1", "PW"},
		{"quorum, one down", "QUORUM", true, three, "-0+1+2", "PPW"},
		{"quorum, two down", "QUORUM", true, three, "-0-1", "PL"},
		{"quorum of one", "QUORUM", true, nodes("B"), "+0", "W"},
		{"quorum of two", "QUORUM", true, nodes("B", "B"), "+0+1", "PW"},
		{"quorum of two, one down", "QUORUM", true, nodes("B", "B"), "-0", "L"},
		{"quorum of five", "QUORUM", true, five, "+0-1+2-3+4", "PPPPW"},
		{"a duplicate counts once", "QUORUM", true, three, "+0+0+0+1", "PPPW"},
		{"an ack after a failure is late", "QUORUM", true, three, "-0+0+1+2", "PPPW"},
		{"a failure after an ack is too", "ALL", true, three, "+0-0+1+2", "PPPW"},
		{"won stays won", "QUORUM", true, three, "+0+1-2", "PWW"},
		{"lost stays lost", "QUORUM", true, three, "-0-1+2+0+1", "PLLLL"},
		{"nobody", "ONE", true, three, "+8-9+0", "PPW"},
		{"all", "ALL", true, three, "+0+1+2", "PPW"},
		{"all, one down", "ALL", true, three, "+0-1", "PL"},
		{"number", "4", true, five, "+0+1+2+3", "PPPW"},
		{"number, too few left", "4", true, five, "-0-1", "PL"},
		{"strict: fallbacks do not count", "QUORUM", true, withFallbacks, "+3+4+0-1+2", "PPPPW"},
		{"strict: fallbacks do not save it", "QUORUM", true, withFallbacks, "+3+4-0-1", "PPPL"},
		{"sloppy", "QUORUM/SLOPPY", true, withFallbacks, "-0-1+3+2", "PPPW"},
		{"sloppy, fallbacks alone", "QUORUM/SLOPPY", true, withFallbacks, "-0-1-2+3+4", "PPPPW"},
		{"sloppy, too few left", "QUORUM/SLOPPY", true, withFallbacks, "-0-1-2+3-4", "PPPPL"},
		{"sloppy read: no hint there", "ONE/SLOPPY", false, withFallbacks, "-3-0-1-2+4", "PPPPW"},
		{"any: a hint counts", "ANY", true, withFallbacks, "-0-1-2+4", "PPPW"},
		{"any: nobody left", "ANY", true, withFallbacks, "-0-1-2-3-4", "PPPPL"},
		{"any read is one", "ANY", false, withFallbacks, "+3-0-1+2", "PPPW"},
		{"any read, sloppy", "ANY/SLOPPY", false, withFallbacks, "+3", "W"},
		{"local one", "LOCAL_ONE", true, dcs, "+3-0-1+2", "PPPW"},
		{"local quorum", "LOCAL_QUORUM", true, dcs, "+3+4+5+0+2", "PPPPW"},
		{"local quorum, lost", "LOCAL_QUORUM", true, dcs, "+3+4+5-0-2", "PPPPL"},
		{"local quorum, sloppy: the fallback there", "LOCAL_QUORUM/SLOPPY", true, dcs, "-0-1+7+6+2", "PPPPW"},
		{"each quorum", "EACH_QUORUM", true, dcs, "+0+1+2+3+4", "PPPPW"},
		{"each quorum, one dc lost", "EACH_QUORUM", true, dcs, "+0+1-4-5", "PPPL"},
		{"each quorum, sloppy", "EACH_QUORUM/SLOPPY", true, dcs, "+0+1-4-5+7+3", "PPPPPW"},
		{"move: those on both lists", "QUORUM", true, move, "+1+2", "PW"},
		{"move: not enough of the new", "QUORUM", true, move, "+0+1+3", "PPW"},
		{"move: one of each", "ONE", true, move, "+0+3", "PW"},
		{"move: one for both", "ONE", true, move, "+1", "W"},
		{"move: the new owners fail", "QUORUM", true, move, "+0+1-2-3", "PPPL"},
		{"move, sloppy: fallback of the new", "QUORUM/SLOPPY", true, move, "-3-2+4+0+1", "PPPPW"},
		{"move, sloppy: fallback of both", "ONE/SLOPPY", true, move, "+5", "W"},
		{"move: any is one ack in all", "ANY", true, move, "+0", "W"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := Parse(tc.level)
			if err != nil {
				t.Fatal(err)
			}
			var tally Tally
			if err := tally.Start(Requirement{Choice: c, Write: tc.write, Local: "x", Nodes: tc.list}); err != nil {
				t.Fatal(err)
			}
			if v := tally.Verdict(); v != Pending {
				t.Errorf("%v before any answer", v)
			}
			if got := run(&tally, tc.script); got != tc.verdicts {
				t.Errorf("%s: %s; want %s", tc.script, got, tc.verdicts)
			}
		})
	}
}

func TestStartRefuses(t *testing.T) {
	var many []Node
	for range MaxReplicas + 1 {
		many = append(many, Node{Of: Before})
	}
	crowd := nodes("B")
	for range MaxNodes {
		crowd = append(crowd, Node{Of: Before, Fallback: true})
	}
	for _, tc := range []struct {
		level Level
		list  []Node
		local string
		want  string
	}{
		{Three, nodes("B"), "", "THREE needs 3 home replicas, the ring has 1"},
		{Three, nodes("B", "B", "b", "b"), "", "THREE needs 3 home replicas, the ring has 2"},
		{5, nodes("B", "B", "B"), "", "5 needs 5 home replicas, the ring has 3"},
		{Two, nodes("BA", "A"), "", "TWO needs 2 home replicas, the ring has 1"},
		{LocalOne, nodes("B", "B"), "", "LOCAL_ONE needs datacenters, the ring has none"},
		{LocalQuorum, nodes("B:x"), "y", "LOCAL_QUORUM needs home replicas in datacenter y, the ring has none there"},
		{LocalQuorum, nodes("B:y", "A:x"), "y", "LOCAL_QUORUM needs home replicas in datacenter y, the ring has none there"},
		{EachQuorum, nodes("B", "B"), "x", "EACH_QUORUM needs datacenters, the ring has none"},
		{EachQuorum, nodes("B:x", "B"), "x", "EACH_QUORUM needs datacenters, the ring has none"},
		{Quorum, nil, "", ErrNodes.Error()},
		{Any, nodes("b"), "", ErrNodes.Error()},
		{Quorum, many, "", ErrNodes.Error()},
		{Quorum, crowd, "", ErrNodes.Error()},
		{0, nodes("B"), "", newParseError("no level").Error()},
		{MaxReplicas + 1, nodes("B"), "", newParseError("no level").Error()},
	} {
		for _, sloppy := range []bool{false, true} {
			var tally Tally
			err := tally.Start(Requirement{Choice: Choice{tc.level, sloppy}, Write: true, Local: tc.local, Nodes: tc.list})
			if err == nil || err.Error() != tc.want {
				t.Errorf("%v: %v; want %s", tc.level, err, tc.want)
			}
		}
	}
}

func TestWordsOfFailures(t *testing.T) {
	for _, tc := range []struct {
		name, level string
		list        []Node
		down        string
		refused     string // by Check
		script      string
		acks        Count
	}{
		{"unavailable", "QUORUM", nodes("B", "B", "B"), "-1-2", "need 2 of 3 home replicas, 1 reachable", "", Count{0, 2, 3, ""}},
		{"timeout", "QUORUM", nodes("B", "B", "B"), "-1", "", "+0", Count{1, 2, 3, ""}},
		{"all", "ALL", nodes("B", "B", "B"), "-1", "need 3 of 3 home replicas, 2 reachable", "+0", Count{1, 3, 3, ""}},
		{"sloppy", "ALL/SLOPPY", nodes("B", "B", "b"), "-0", "", "+2", Count{1, 2, 2, ""}},
		{"any", "ANY", nodes("B", "B", "b"), "-0-1-2", "need 1 of 2 home replicas, 0 reachable", "", Count{0, 1, 2, ""}},
		{"local", "LOCAL_QUORUM", nodes("B:y", "B:x", "B:x"), "-2", "need 2 of 2 home replicas in datacenter x, 1 reachable", "+0+1", Count{1, 2, 2, "x"}},
		{"each: the worst", "EACH_QUORUM", nodes("B:x", "B:y", "B:y", "B:y"), "-1-2", "need 2 of 3 home replicas in datacenter y, 1 reachable", "+0", Count{0, 2, 3, "y"}},
		{"each: the first of equals", "EACH_QUORUM", nodes("B:x", "B:y"), "", "", "", Count{0, 1, 1, "x"}},
		{"move: the worse list", "QUORUM", nodes("B", "BA", "BA", "A"), "-2-3", "need 2 of 3 home replicas, 1 reachable", "+0+1", Count{1, 2, 3, ""}},
		{"more than needed", "ONE", nodes("B", "B", "B"), "", "", "+0+1+2", Count{3, 1, 3, ""}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := Parse(tc.level)
			if err != nil {
				t.Fatal(err)
			}
			var tally Tally
			if err := tally.Start(Requirement{Choice: c, Write: true, Local: "x", Nodes: tc.list}); err != nil {
				t.Fatal(err)
			}
			run(&tally, tc.down)
			err = tally.Check()
			var unavailable *UnavailableError
			if refused := errors.As(err, &unavailable); refused != (tc.refused != "") || refused && err.Error() != tc.refused {
				t.Errorf("Check: %v; want %q", err, tc.refused)
			}
			run(&tally, tc.script)
			if got := tally.Acks(); got != tc.acks || tally.Have() != got.Have || tally.Need() != got.Need {
				t.Errorf("Acks: %+v (%d of %d); want %+v", got, tally.Have(), tally.Need(), tc.acks)
			}
		})
	}
}

func TestRestart(t *testing.T) {
	var tally Tally
	if tally.Ack(0) != Pending || tally.Acks() != (Count{}) || tally.Check() != nil {
		t.Error("the zero Tally counts")
	}
	if err := tally.Start(Requirement{Choice: Choice{Level: Quorum}, Nodes: nodes("B", "B", "B")}); err != nil {
		t.Fatal(err)
	}
	tally.Ack(0)
	tally.Fail(1)
	if !tally.Acked(0) || tally.Acked(1) || tally.Failed(0) || !tally.Failed(1) || tally.Acked(2) || tally.Failed(2) || tally.Acked(-1) || tally.Failed(99) {
		t.Error("who has answered is wrong")
	}
	tally.Restart()
	if got := run(&tally, "+1+2"); got != "PW" {
		t.Errorf("after a restart: %s", got)
	}
}

// Needs says of whom an answer would help: nobody of a list that has enough, whoever else has not answered.
func TestNeeds(t *testing.T) {
	var tally Tally
	if err := tally.Start(Requirement{Choice: Choice{Level: Quorum}, Nodes: nodes("B", "BA", "BA", "A")}); err != nil {
		t.Fatal(err)
	}
	needs := func() (who string) {
		for i := range 4 {
			if tally.Needs(i) {
				who += string(rune('a' + i))
			}
		}
		return who
	}
	for _, step := range []struct {
		ack  int
		want string
	}{{-1, "abcd"}, {0, "bcd"}, {1, "cd"}, {2, ""}} {
		if tally.Ack(step.ack); needs() != step.want {
			t.Errorf("after the ack of %d: %q, want %q", step.ack, needs(), step.want)
		}
	}
	if tally.Needs(4) || tally.Needs(-1) {
		t.Error("nobody is needed")
	}
}
