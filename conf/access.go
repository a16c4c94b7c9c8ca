package conf

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// User is one of users. Its levels are as CONSISTENCY writes them, empty where it has none of its own.
type User struct {
	Name   string `json:"name"`
	Hash   string `json:"hash,omitempty"` // SHA-256 of the password, 64 hex digits; empty: any password does
	NoPass bool   `json:"nopass,omitempty"`
	Off    bool   `json:"off,omitempty"`
	Read   string `json:"read,omitempty"`
	Write  string `json:"write,omitempty"`
}

// KeyspaceRule is one of keyspaces: what holds for keys that begin with Prefix.
type KeyspaceRule struct {
	Prefix string `json:"prefix"`
	Read   string `json:"read,omitempty"`
	Write  string `json:"write,omitempty"`
}

// Bounds of lists.
const (
	maxUsers         = 1000
	maxKeyspaceRules = 256
	maxPrefixBytes   = 1024
	maxUserNameBytes = 256
)

// UserList is users as a list.
func (c Config) UserList() []User {
	users, _ := parseUsers(c.Users)
	return users
}

// KeyspaceRules is keyspaces as a list.
func (c Config) KeyspaceRules() []KeyspaceRule {
	rules, _ := parseKeyspaces(c.Keyspaces)
	return rules
}

const expectUsers = `a list such as [{name: app, password: secret, read: ONE, write: QUORUM}]: of each user the name, either password, hash (SHA-256 of the password, 64 hex digits) or nopass: yes, and if wanted level, read, write and off: yes; of the user default only levels and off`

const expectKeyspaces = `a list such as [{prefix: "session:", read: ONE, write: QUORUM, sloppy: yes}]: of each rule the prefix, no two the same, and level, or read and write or one of them, with sloppy: yes or not`

func users(field func(*Config) *string) codec { return list(expectUsers, parseUsers, field) }

func keyspaces(field func(*Config) *string) codec {
	return list(expectKeyspaces, parseKeyspaces, field)
}

// list reads a YAML list and keeps it as JSON, which is YAML too, with every item in one form.
func list[T any](expects string, parse func(text string) ([]T, error), field func(*Config) *string) codec {
	return codec{
		Kind: KindList, Expects: expects,
		set: func(c *Config, text string) bool {
			items, err := parse(text)
			if err != nil {
				return false
			}
			*field(c) = ""
			if len(items) > 0 {
				*field(c) = asJSON(items)
			}
			return true
		},
		get: func(c *Config) string { return *field(c) },
	}
}

func asJSON(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		return "" // never: it is text and truth values
	}
	return strings.TrimSuffix(b.String(), "\n")
}

var errItem = errors.New("an item of the list is not as expected")

// decodeList reads a list in YAML; fields that are not known are errors.
func decodeList[T any](text string, most int) ([]T, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	dec := yaml.NewDecoder(bytes.NewReader([]byte(text)))
	dec.KnownFields(true)
	var items []T
	if err := dec.Decode(&items); err != nil {
		return nil, err
	}
	if err := dec.Decode(new(any)); !errors.Is(err, io.EOF) || len(items) > most {
		return nil, errItem
	}
	return items, nil
}

// levels are how a user or a rule may name its levels.
type levels struct {
	Level string `yaml:"level"`
	Read  string `yaml:"read"`
	Write string `yaml:"write"`
}

// settle returns the levels for reads and writes in upper case.
func (l levels) settle() (read, write string, ok bool) {
	if l.Level != "" {
		if l.Read != "" || l.Write != "" {
			return "", "", false
		}
		l.Read, l.Write = l.Level, l.Level
	}
	for _, of := range []struct {
		from string
		to   *string
	}{{l.Read, &read}, {l.Write, &write}} {
		if of.from == "" {
			continue
		}
		if *of.to, ok = knownLevel(of.from); !ok {
			return "", "", false
		}
	}
	return read, write, true
}

func parseUsers(text string) ([]User, error) {
	type item struct {
		Name     string  `yaml:"name"`
		Password *string `yaml:"password"`
		Hash     string  `yaml:"hash"`
		NoPass   bool    `yaml:"nopass"`
		Off      bool    `yaml:"off"`
		levels   `yaml:",inline"`
	}
	items, err := decodeList[item](text, maxUsers)
	if err != nil {
		return nil, err
	}
	var all []User
	seen := map[string]bool{}
	for _, in := range items {
		u := User{Name: in.Name, Hash: in.Hash, NoPass: in.NoPass, Off: in.Off}
		given := one(in.Password != nil) + one(in.Hash != "") + one(in.NoPass)
		if in.Password != nil {
			sum := sha256.Sum256([]byte(*in.Password))
			u.Hash = hex.EncodeToString(sum[:])
		}
		want := 1
		if in.Name == "default" {
			want = 0 // its password is requirepass
		}
		var ok bool
		if u.Read, u.Write, ok = in.settle(); !ok || given != want || u.Hash != "" && !isHash(u.Hash) || !isUserName(in.Name) || seen[in.Name] {
			return nil, errItem
		}
		seen[in.Name] = true
		all = append(all, u)
	}
	return all, nil
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

func isUserName(name string) bool {
	return name != "" && len(name) <= maxUserNameBytes && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f })
}

func isHash(text string) bool {
	return len(text) == 2*sha256.Size && !strings.ContainsFunc(text, func(r rune) bool { return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'f') })
}

func parseKeyspaces(text string) ([]KeyspaceRule, error) {
	type item struct {
		Prefix string `yaml:"prefix"`
		Sloppy bool   `yaml:"sloppy"`
		levels `yaml:",inline"`
	}
	items, err := decodeList[item](text, maxKeyspaceRules)
	if err != nil {
		return nil, err
	}
	var all []KeyspaceRule
	seen := map[string]bool{}
	for _, in := range items {
		r := KeyspaceRule{Prefix: in.Prefix}
		var ok bool
		if r.Read, r.Write, ok = in.settle(); !ok || r.Read+r.Write == "" || in.Prefix == "" || len(in.Prefix) > maxPrefixBytes || seen[in.Prefix] {
			return nil, errItem
		}
		if in.Sloppy {
			r.Read, r.Write = sloppy(r.Read), sloppy(r.Write)
		}
		seen[in.Prefix] = true
		all = append(all, r)
	}
	return all, nil
}

func sloppy(level string) string {
	if level == "" || strings.HasSuffix(level, sloppySuffix) {
		return level
	}
	return level + sloppySuffix
}

// checkTLS says what the settings of TLS lack.
func (c Config) checkTLS() (errs []error) {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		name := "tls.cert"
		if c.TLSKey == "" {
			name = "tls.key"
		}
		errs = append(errs, &Error{Setting: name, Expected: "a file: tls.cert and tls.key go together"})
	}
	if c.TLSCert == "" && c.TLSClientCA != "" {
		errs = append(errs, &Error{Setting: "tls.client-ca", Value: c.TLSClientCA, Expected: "tls.cert and tls.key with it"})
	}
	if c.TLSCert == "" && c.TLSRequired {
		errs = append(errs, &Error{Setting: "tls.required", Value: "yes", Expected: "tls.cert and tls.key with it"})
	}
	return errs
}
