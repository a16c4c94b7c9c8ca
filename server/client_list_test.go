package server

import (
	"strings"
	"testing"
)

// Names and order of the fields are those of redis-server 7.0.15.
func TestClientLine(t *testing.T) {
	c := clientInfo{id: 4, user: "default", addr: "127.0.0.1:53320", laddr: "127.0.0.1:27391", name: "x", age: 5, idle: 1, flags: "xe", db: 3, multi: 2, cmd: "client|list", proto: 3}
	want := "id=4 addr=127.0.0.1:53320 laddr=127.0.0.1:27391 fd=-1 name=x age=5 idle=1 flags=xe db=3 sub=0 psub=0 ssub=0 multi=2 qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 tot-mem=0 events=r cmd=client|list user=default redir=-1 resp=3\n"
	if got := string(c.appendLine(nil)); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	c.libName, c.libVer = "redis-py", "5.0.1"
	if got := string(c.appendLine(nil)); !strings.HasSuffix(got, " resp=3 lib-name=redis-py lib-ver=5.0.1\n") {
		t.Errorf("got %s", got)
	}
}

// The error texts are those of redis-server 7.0.15 for the same arguments; MAXAGE is of Redis 7.4.
func TestFilterArguments(t *testing.T) {
	for _, c := range []struct{ form, args, err string }{
		{"list", "", ""},
		{"list", "foo", "ERR syntax error"},
		{"list", "type", "ERR syntax error"},
		{"list", "id", "ERR syntax error"},
		{"list", "type foo", "ERR Unknown client type 'foo'"},
		{"list", "type normal extra", "ERR syntax error"},
		{"list", "TYPE Replica", ""},
		{"list", "id foo", "ERR Invalid client ID"},
		{"list", "id 1 2 x", "ERR Invalid client ID"},
		{"list", "id 0 -1 7", ""},
		{"kill", "id foo", "ERR client-id should be greater than 0"},
		{"kill", "id 0", "ERR client-id should be greater than 0"},
		{"kill", "id 999 type", "ERR syntax error"},
		{"kill", "type foo", "ERR Unknown client type 'foo'"},
		{"kill", "user nobody", "ERR No such user 'nobody'"},
		{"kill", "user default addr 1.2.3.4:5", ""},
		{"kill", "skipme foo", "ERR syntax error"},
		{"kill", "SKIPME No LADDR 1.1.1.1:1", ""},
		{"kill", "maxage x", string(errMaxAge)},
		{"kill", "maxage 0", string(errMaxAgePositive)},
		{"kill", "maxage 9 id 3", ""},
		{"kill", "foo bar", "ERR syntax error"},
	} {
		args := words(strings.Fields(c.args)...)
		_, err := parseListFilter(args)
		if c.form == "kill" {
			_, err = parseKillFilter(args, isDefault)
		}
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != c.err {
			t.Errorf("%s %s: got %q, want %q", c.form, c.args, got, c.err)
		}
	}
}

func isDefault(user string) bool { return user == defaultUser }

func TestFilterMatches(t *testing.T) {
	c := clientInfo{id: 5, user: "default", addr: "a:1", laddr: "b:2", age: 100}
	for _, k := range []struct {
		args string
		self int64
		want bool
	}{
		{"id 5", 1, true},
		{"id 6", 1, false},
		{"addr a:1", 1, true},
		{"addr a:2", 1, false},
		{"laddr b:2", 1, true},
		{"laddr a:1", 1, false},
		{"type normal", 1, true},
		{"type pubsub", 1, false},
		{"type replica", 1, false},
		{"user default", 1, true},
		{"maxage 100", 1, true},
		{"maxage 101", 1, false},
		{"id 5", 5, false}, // oneself is spared
		{"id 5 skipme no", 5, true},
		{"id 5 addr a:2", 1, false}, // all must match
	} {
		f, err := parseKillFilter(words(strings.Fields(k.args)...), isDefault)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.matches(&c, k.self); got != k.want {
			t.Errorf("%s as %d: %v", k.args, k.self, got)
		}
	}
}
