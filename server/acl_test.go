package server

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
)

func TestUsers(t *testing.T) {
	r := newRig(t)
	c := r.dial(r.forward)
	sum := sha256.Sum256([]byte("secret"))
	hash := hex.EncodeToString(sum[:])
	for _, s := range []struct {
		reply string
		words []string
	}{
		{`"default"`, []string{"ACL", "WHOAMI"}},
		{`["user default on nopass ~* &* +@all"]`, []string{"ACL", "LIST"}},
		{"OK", []string{"ACL", "SETUSER", "app", "on", ">secret", "allkeys", "+@all", "level=READ", "ONE", "WRITE", "quorum"}},
		{"OK", []string{"ACL", "SETUSER", "bob", "on", "#" + hash, "level=READ ONE", "WRITE", "ALL/SLOPPY", "allchannels"}},
		{`["app" "bob" "default"]`, []string{"ACL", "USERS"}},
		{`["user app on #` + hash + ` ~* resetchannels +@all level=READ ONE WRITE QUORUM" "user bob on #` + hash +
			` &* -@all level=READ ONE WRITE ALL/SLOPPY" "user default on nopass ~* &* +@all"]`, []string{"ACL", "LIST"}},
		{`["flags" ["on"] "passwords" ["` + hash + `"] "commands" "+@all" "keys" "~*" "channels" "" "selectors" [] "level" "READ ONE WRITE QUORUM"]`, []string{"ACL", "GETUSER", "app"}},
		{"nil", []string{"ACL", "GETUSER", "nosuch"}},
		{"OK", []string{"ACL", "SETUSER", "app", "level=ONE"}},
		{"OK", []string{"ACL", "SETUSER", "bob", "level="}},
		{"OK", []string{"ACL", "SETUSER", "default", "level=ONE"}},
		{"-WRONGPASS invalid username-password pair or user is disabled.", []string{"AUTH", "app", "wrong"}},
		{"-WRONGPASS invalid username-password pair or user is disabled.", []string{"AUTH", "nosuch", "secret"}},
		{"OK", []string{"AUTH", "app", "secret"}},
		{`"app"`, []string{"ACL", "WHOAMI"}},
		{"OK", []string{"SET", "k", "v"}},
		{"OK", []string{"AUTH", "bob", "secret"}},
		{"-NOPERM this user has no permissions to run the 'get' command", []string{"GET", "k"}},
		{"-NOPERM this user has no permissions to run the 'acl|whoami' command", []string{"ACL", "WHOAMI"}},
		{"OK", []string{"AUTH", "default", ""}},
		{"OK", []string{"ACL", "SETUSER", "bob", "+@all"}},
		{"OK", []string{"AUTH", "bob", "secret"}},
		{"PONG", []string{"PING"}},
		{"-NOPERM this user has no permissions to access one of the keys used as arguments", []string{"GET", "k"}},
		{"-NOPERM this user has no permissions to access one of the keys used as arguments", []string{"AT", "ONE", "GET", "k"}},
		{"OK", []string{"ACL", "SETUSER", "bob", "~*"}},
		{`"v"`, []string{"GET", "k"}}, // at once
		{"OK", []string{"ACL", "SETUSER", "bob", "<secret"}},
		{"-WRONGPASS invalid username-password pair or user is disabled.", []string{"AUTH", "bob", "secret"}},
		{"OK", []string{"ACL", "SETUSER", "bob", "nopass", "off"}},
		{"-WRONGPASS invalid username-password pair or user is disabled.", []string{"HELLO", "3", "AUTH", "bob", "x"}},
		{":1", []string{"ACL", "DELUSER", "app", "nosuch"}},
		{"-ERR The 'default' user cannot be removed", []string{"ACL", "DELUSER", "bob", "default"}},
	} {
		c.want(s.reply, s.words...)
	}
	if n := r.srv.totals.deniedAuth.Load(); n != 4 {
		t.Errorf("%d refusals counted, want 4", n)
	}
	if got := len(c.do("ACL", "GENPASS").Str); got != 64 {
		t.Errorf("a password of %d digits", got)
	}
	if got := len(c.do("ACL", "GENPASS", "9").Str); got != 3 {
		t.Errorf("nine bits in %d digits", got)
	}
}

// What is not offered is refused, and nothing of the command is done.
func TestModifiersRefused(t *testing.T) {
	r := newRig(t)
	c := r.dial(r.forward)
	c.want("OK", "ACL", "SETUSER", "u", "on", ">secret")
	before := show(c.do("ACL", "LIST"))
	for _, words := range []string{"+get", "+@read", "-@dangerous", "-get", "~foo:*", "%R~a", "&chan", "(+@all)", "foo", "+@nosuch", "sanitize-payload", "", "level=ONE TWO", "level=most",
		"level=READ", "level=LINEAR", "#12", "!12", "<nosuch", "#" + strings.Repeat("A", 64)} {
		got := show(c.do("ACL", "SETUSER", "u", "off", "nopass", words))
		if !strings.HasPrefix(got, "-ERR Error in ACL SETUSER modifier '"+words+"': ") {
			t.Errorf("%s: %s", words, got)
		}
	}
	for _, words := range []string{">x", "#" + strings.Repeat("0", 64), "nopass", "resetpass", "reset"} {
		if got := show(c.do("ACL", "SETUSER", "default", words)); !strings.HasSuffix(got, "': The default user's password is requirepass; use CONFIG SET requirepass") {
			t.Errorf("%s: %s", words, got)
		}
	}
	c.want("-ERR Usernames can't contain spaces or null characters", "ACL", "SETUSER", "a b", "on")
	for _, words := range []string{"LOAD", "SAVE", "LOG", "DRYRUN default get k"} {
		if got := show(c.do(append([]string{"ACL"}, strings.Fields(words)...)...)); !strings.HasPrefix(got, "-ERR ACL "+strings.Fields(words)[0]+" is not supported by Rondo: ") {
			t.Errorf("%s: %s", words, got)
		}
	}
	if after := show(c.do("ACL", "LIST")); after != before {
		t.Errorf("before %s\nafter  %s", before, after)
	}
}

// A default user that is off lets nobody in without AUTH, as a password does; connections of a user that goes are closed.
func TestUsersComeAndGo(t *testing.T) {
	r := newRig(t, func(o *Options) {
		o.Users = []User{{Name: "default", Off: true, Rights: AllRights()}, {Name: "app", NoPass: true, Rights: AllRights()}}
	})
	c := r.dial(r.cluster)
	c.want("-NOAUTH Authentication required.", "GET", "k")
	c.want("-WRONGPASS invalid username-password pair or user is disabled.", "AUTH", "default", "x")
	c.want("OK", "AUTH", "app", "x")
	c.want("nil", "GET", "k")
	if got := c.do("CLIENT", "LIST").Str; !strings.Contains(got, " user=app ") {
		t.Errorf("CLIENT LIST: %s", got)
	}
	other := r.dial(r.cluster)
	other.want("OK", "AUTH", "app", "x")
	c.want("OK", "ACL", "SETUSER", "ops", "on", "nopass", "~*", "+@all")
	c.want("OK", "AUTH", "ops", "x")
	c.want("-ERR No such user 'nosuch'", "CLIENT", "KILL", "USER", "nosuch")
	c.want(":1", "ACL", "DELUSER", "app")
	other.wantEnd()
	c.want("RESET", "RESET")
	c.want("-NOAUTH Authentication required.", "GET", "k")
}
