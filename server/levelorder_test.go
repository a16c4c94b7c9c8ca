package server

import (
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/rondokv/rondo/cluster"
)

func levelOf(t testing.TB, name string) cluster.Level {
	t.Helper()
	if name == "" {
		return cluster.Level{}
	}
	l, err := cluster.ParseLevel([]byte(name))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func levelsOf(t testing.TB, read, write string) Levels {
	t.Helper()
	return Levels{Read: levelOf(t, read), Write: levelOf(t, write)}
}

func rule(t testing.TB, prefix, read, write string) KeyspaceRule {
	return KeyspaceRule{Prefix: prefix, Levels: levelsOf(t, read, write)}
}

// newOrderRig has a level at every place where one can come from.
func newOrderRig(t testing.TB) *ringRig {
	return newRingRig(t, view(3, 3), func(o *Options) {
		o.Levels = levelsOf(t, "QUORUM", "TWO")
		o.Users = []User{
			{Name: "app", Passwords: [][sha256.Size]byte{sha256.Sum256([]byte("secret"))}, Rights: AllRights(), Levels: levelsOf(t, "", "ALL")},
			{Name: "plain", NoPass: true, Rights: AllRights()},
		}
		o.Keyspaces = []KeyspaceRule{
			rule(t, "s:", "ONE", "ANY"), rule(t, "s:long:", "THREE", ""), rule(t, "{s}", "", "ONE/SLOPPY"), rule(t, "{s}all", "", "ALL"),
		}
	})
}

// First found: the operation, the connection, the user, the rule with the longest prefix, the default.
func TestOrderOfLevels(t *testing.T) {
	r := newOrderRig(t)
	c := r.dial(r.forward)
	for _, s := range []struct{ words, saw string }{
		{"GET k", "read QUORUM TWO"},
		{"SET k v", "write QUORUM TWO"},
		{"GET s:k", "read ONE ANY"},
		{"SET s:k v", "write ONE ANY"},
		{"SET s:long:k v", "write THREE TWO"}, // the longest alone: what it leaves open is the default's
		{"SET {s}1 v", "write QUORUM ONE/SLOPPY"},
		{"MSET {s}1 v {s}all v", "write QUORUM ALL"}, // the one that asks for most
		{"MSET {s}all v {s}1 v", "write QUORUM ALL"},
		{"DEL {s}1", "write QUORUM ONE/SLOPPY"},
		{"AT THREE SET s:k v", "write THREE THREE"},
		{"SET s:k w", "write ONE ANY"},
		{"AUTH app secret", ""},
		{"SET s:k v", "write ONE ALL"},
		{"SET k v", "write QUORUM ALL"},
		{"AT ONE SET s:k v", "write ONE ONE"},
		{"CONSISTENCY READ TWO", ""},
		{"SET s:k v", "write TWO ALL"},
		{"CONSISTENCY ONE", ""},
		{"SET s:k v", "write ONE ONE"},
		{"SET k v", "write ONE ONE"},
		{"AT ALL SET s:k v", "write ALL ALL"},
		{"HELLO 2", ""},
		{"SET s:k v", "write ONE ALL"}, // the user stays
		{"CONSISTENCY TWO", ""},
		{"RESET", ""},
		{"SET s:k v", "write ONE ANY"}, // the user does not
		{"AUTH plain x", ""},
		{"SET s:k v", "write ONE ANY"},
		{"HELLO 2 AUTH app secret", ""},
		{"SET k v", "write QUORUM ALL"},
		{"RESET", ""},
		{"MULTI", ""},
		{"SET {s}1 v", ""},
		{"SET {s}all v", ""},
		{"EXEC", "write QUORUM ALL"},
	} {
		if got := show(c.do(strings.Fields(s.words)...)); strings.HasPrefix(got, "-") {
			t.Fatalf("%s: %s", s.words, got)
		}
		if s.saw != "" && r.node.last() != s.saw {
			t.Errorf("%s: the node saw %q, want %q", s.words, r.node.last(), s.saw)
		}
	}
	if got := r.srv.levels[indexWrite][levelIndex(levelOf(t, "ANY"))].histogram().total; got != 4 {
		t.Errorf("%d writes counted at the rule's level, want 4", got)
	}
}

func TestConsistencyTellsTheOrigin(t *testing.T) {
	c := newOrderRig(t)
	conn := c.dial(c.forward)
	rules := ` "keyspaces" [["prefix" "s:" "read" "ONE" "write" "ANY"] ["prefix" "{s}" "write" "ONE/SLOPPY"] ["prefix" "{s}all" "write" "ALL"] ["prefix" "s:long:" "read" "THREE"]]]`
	want := func(text, user string, words ...string) {
		t.Helper()
		if len(words) > 0 {
			conn.do(words...)
		}
		got := show(conn.do("CONSISTENCY"))
		if head, rest, _ := strings.Cut(got, ` "keyspaces" `); head != `[`+text+` "user" "`+user+`"` || len(rest) != len(rules)-len(` "keyspaces" `) {
			t.Errorf("%q: %s", words, got)
		}
	}
	want(`"read" "QUORUM" "write" "TWO" "read_from" "default" "write_from" "default"`, "default")
	want(`"read" "QUORUM" "write" "ALL" "read_from" "default" "write_from" "user"`, "app", "AUTH", "app", "secret")
	want(`"read" "ONE" "write" "ALL" "read_from" "connection" "write_from" "user"`, "app", "CONSISTENCY", "READ", "ONE")
	want(`"read" "QUORUM" "write" "ALL" "read_from" "default" "write_from" "user"`, "app", "HELLO", "2")
	want(`"read" "QUORUM" "write" "TWO" "read_from" "default" "write_from" "default"`, "default", "RESET")
}
