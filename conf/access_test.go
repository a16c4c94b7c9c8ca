package conf

import (
	"crypto/sha256"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"
)

func TestUsersAndKeyspacesFromAFile(t *testing.T) {
	c, err := Load(nil, fileWith(t, `
users:
  - name: app
    password: "s e c: ret"
    read: one
    write: quorum/sloppy
  - {name: ops, nopass: yes, level: ALL}
  - {name: default, off: yes}
keyspaces:
  - prefix: "session:"
    level: ONE
    sloppy: yes
  - prefix: "order:"
    write: all
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("s e c: ret"))
	wantUsers := []User{{Name: "app", Hash: hex.EncodeToString(sum[:]), Read: "ONE", Write: "QUORUM/SLOPPY"},
		{Name: "ops", NoPass: true, Read: "ALL", Write: "ALL"}, {Name: "default", Off: true}}
	if got := c.UserList(); !reflect.DeepEqual(got, wantUsers) {
		t.Errorf("users %+v", got)
	}
	wantRules := []KeyspaceRule{{Prefix: "session:", Read: "ONE/SLOPPY", Write: "ONE/SLOPPY"}, {Prefix: "order:", Write: "ALL"}}
	if got := c.KeyspaceRules(); !reflect.DeepEqual(got, wantRules) {
		t.Errorf("rules %+v", got)
	}
	// What is kept reads back as it is, and holds no password.
	again := Default()
	s, _ := Lookup("users")
	if err := s.Set(&again, c.Users); err != nil || again.Users != c.Users || strings.Contains(c.Users, "ret") {
		t.Errorf("%v: %s", err, c.Users)
	}
}

func TestUsersAndKeyspacesRefused(t *testing.T) {
	hash := strings.Repeat("0a", 32)
	for name, texts := range map[string][]string{
		"users": {
			"app", "{name: app}", "[app]", "[{name: app}]", "[{name: app, password: x, nopass: yes}]", "[{name: app, hash: 12}]",
			"[{name: app, hash: " + strings.ToUpper(hash) + "}]", "[{name: 'a b', password: x}]", "[{name: '', password: x}]", "[{name: default, password: x}]",
			"[{name: app, password: x, level: MOST}]", "[{name: app, password: x, level: ONE, read: ONE}]", "[{name: app, password: x, admin: yes}]",
			"[{name: app, password: x}, {name: app, password: y}]", "[{name: app, password: x}]\n---\n[]",
		},
		"keyspaces": {
			"session:", "[{prefix: a}]", "[{level: ONE}]", "[{prefix: a, level: LINEAR}]", "[{prefix: a, read: 0}]", "[{prefix: a, level: ONE}, {prefix: a, level: TWO}]",
			"[{prefix: a, level: ONE, ttl: 3}]", "[{prefix: a, sloppy: yes}]",
		},
	} {
		s, _ := Lookup(name)
		for _, text := range texts {
			c := Default()
			if err := s.Set(&c, text); err == nil || !reflect.DeepEqual(c, Default()) {
				t.Errorf("%s: %s is taken as %s", name, text, s.Get(c))
			}
		}
	}
	if _, err := Load(nil, fileWith(t, "users:\n  - name: app\n"), nil); err == nil || !strings.Contains(err.Error(), "rondo.yaml:1") || !strings.Contains(err.Error(), "either password, hash") {
		t.Errorf("a user without password: %v", err)
	}
	if _, err := Load(nil, fileWith(t, "dir: [a, b]\n"), nil); err == nil {
		t.Error("a list where none belongs is taken")
	}
}

func TestTLSFromAFile(t *testing.T) {
	c, err := Load(nil, fileWith(t, "tls:\n  cert: a.pem\n  key: b.pem\n  client-ca: c.pem\n  required: yes\n"), nil)
	if err != nil || c.TLSCert != "a.pem" || c.TLSKey != "b.pem" || c.TLSClientCA != "c.pem" || !c.TLSRequired {
		t.Errorf("%v: %+v", err, c)
	}
	for file, want := range map[string]string{
		"tls.cert: a": "tls.key", "tls.key: a": "tls.cert", "tls.client-ca: a": "tls.client-ca", "tls.required: yes": "tls.required",
	} {
		if _, err := Load(nil, fileWith(t, file), nil); err == nil || !strings.Contains(err.Error(), "setting "+want) {
			t.Errorf("%s: %v", file, err)
		}
	}
}
