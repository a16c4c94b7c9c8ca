package main

import (
	"crypto/sha256"
	"reflect"
	"testing"

	"github.com/rondokv/rondo/cluster"
	"github.com/rondokv/rondo/conf"
	"github.com/rondokv/rondo/server"
)

func TestUsersAndRulesOfTheSettings(t *testing.T) {
	cfg, err := conf.Load(nil, "", []string{
		"RONDO_USERS=[{name: app, password: secret, read: one, write: 2/sloppy}, {name: default, off: yes}]",
		"RONDO_KEYSPACES=[{prefix: 'session:', read: ONE}]",
	})
	if err != nil {
		t.Fatal(err)
	}
	users, err := usersOf(cfg)
	want := []server.User{
		{Name: "app", Passwords: [][sha256.Size]byte{sha256.Sum256([]byte("secret"))}, Rights: server.AllRights(),
			Levels: server.Levels{Read: cluster.Level{Level: 1}, Write: cluster.Level{Level: 2, Sloppy: true}}},
		{Name: "default", Off: true, Rights: server.AllRights()},
	}
	if err != nil || !reflect.DeepEqual(users, want) {
		t.Errorf("%v: %+v", err, users)
	}
	rules, err := keyspacesOf(cfg)
	if err != nil || !reflect.DeepEqual(rules, []server.KeyspaceRule{{Prefix: "session:", Levels: server.Levels{Read: cluster.Level{Level: 1}}}}) {
		t.Errorf("%v: %+v", err, rules)
	}
}

// Users and rules of the settings are in force in a process.
func TestProcessWithUsers(t *testing.T) {
	t.Setenv("RONDO_USERS", "[{name: app, password: secret, level: ONE}]")
	t.Setenv("RONDO_REQUIREPASS", "other")
	c := newTrio(t, 1)
	c.start(t, 0)
	c.ready(t, 0)
	addr := c.Nodes[0].Forward
	for command, reply := range map[string]string{
		"GET k": "-NOAUTH", "AUTH app wrong": "-WRONGPASS", "AUTH app secret": "+OK", "AUTH other": "+OK", "AUTH default other": "+OK",
	} {
		if err := expect(say(t, addr, command), reply); err != nil {
			t.Errorf("%s: %v", command, err)
		}
	}
}
