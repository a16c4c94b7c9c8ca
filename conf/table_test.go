package conf

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"pgregory.net/rapid"
)

func TestDefaultIsValid(t *testing.T) {
	if err := Default().Validate(); err != nil {
		t.Fatal(err)
	}
}

func TestTableIsWellFormed(t *testing.T) {
	name := regexp.MustCompile(`^[a-z]+([.-][a-z]+)*$`)
	seen := map[string]string{}
	take := func(what, value string) {
		if other, taken := seen[what+" "+value]; taken {
			t.Errorf("%s %q belongs to both %s and %s", what, value, other, value)
		}
		seen[what+" "+value] = value
	}
	for _, s := range Settings() {
		take("name", s.Name)
		take("variable", s.Env())
		if s.Redis != "" && s.Redis != s.Name {
			take("name", s.Redis)
		}
		if !name.MatchString(s.Name) {
			t.Errorf("%s: not a name", s.Name)
		}
		if s.Group == "" || s.Expects == "" || s.Kind == "" || !strings.HasSuffix(s.Doc, ".") {
			t.Errorf("%s: a column is empty, or its Doc does not end with a full stop", s.Name)
		}
		if isGroup(s.Name) {
			t.Errorf("%s: another setting's name begins with it, so YAML could not say both", s.Name)
		}
	}
}

// Every field of Config must be reachable through the table, and by one
// setting only: otherwise it is a setting that nobody can set.
func TestEveryFieldHasOneSetting(t *testing.T) {
	samples := []string{"0", "1", "2", "8", "77", "2mb", "128mb", "off", "yes", "no", "always", "manual", "debug", "json", "7s", "77ms", "10.0.0.9:7001", "some.where", "eu=3,us=2", "normal 77mb 0 0", "./x", strings.Repeat("ab", 32), "[{name: app, nopass: yes}]", "[{prefix: a, level: ONE}]"}
	changedBy := map[string][]string{}
	for _, s := range Settings() {
		fields := map[string]bool{}
		for _, text := range samples {
			c := Default()
			if err := s.Set(&c, text); err != nil {
				continue
			}
			for _, f := range changedFields(Default(), c) {
				fields[f] = true
			}
		}
		if len(fields) != 1 {
			t.Errorf("%s changes %v; want one field", s.Name, fields)
		}
		for f := range fields {
			changedBy[f] = append(changedBy[f], s.Name)
		}
	}
	for i := range reflect.TypeFor[Config]().NumField() {
		f := reflect.TypeFor[Config]().Field(i).Name
		if got := changedBy[f]; len(got) != 1 && f != "File" {
			t.Errorf("field %s is set by %v; want one setting", f, got)
		}
	}
}

func changedFields(a, b Config) (names []string) {
	va, vb := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range va.NumField() {
		if !reflect.DeepEqual(va.Field(i).Interface(), vb.Field(i).Interface()) {
			names = append(names, va.Type().Field(i).Name)
		}
	}
	return names
}

func TestSetAndGet(t *testing.T) {
	for _, tc := range []struct{ name, text, get, redis string }{
		{"listen", ":7001", ":7001", ":7001"},
		{"listen", "[::1]:7001", "[::1]:7001", "[::1]:7001"},
		{"forward", "OFF", "off", "off"},
		{"advertise", "db.example.com", "db.example.com", "db.example.com"},
		{"advertise", "10.0.0.7:6380", "10.0.0.7:6380", "10.0.0.7:6380"},
		{"advertise", "2001:db8::7", "2001:db8::7", "2001:db8::7"},
		{"durability", "ALWAYS", "always", "always"},
		{"accept-data-loss", "true", "yes", "yes"},
		{"protected-mode", "off", "no", "no"},
		{"cache.rows", "512MiB", "512mb", "536870912"},
		{"cache.rows", "Auto", "auto", "auto"},
		{"memory.limit", "off", "off", "off"},
		{"memory.limit", "1gb", "1gb", "1073741824"},
		{"timeout", "300", "300", "300"},
		{"timeout", "5m", "300", "300"},
		{"operation-timeout", "1500ms", "1.5s", "1.5s"},
		{"operation-timeout", "60s", "1m", "1m"},
		{"write-timeout", "1h", "1h", "1h"},
		{"slowlog-log-slower-than", "-1", "-1", "-1"},
		{"slowlog-log-slower-than", "10ms", "10000", "10000"},
		{"latency-monitor-threshold", "1s", "1000", "1000"},
		{"client-output-buffer-limit", "normal 128mb 0 0", "normal 128mb 0 0", "normal 134217728 0 0"},
		{"client-output-buffer-limit", "1gb", "normal 1gb 0 0", "normal 1073741824 0 0"},
		{"log.level", "WARN", "warn", "warn"},
		{"partition.slots", "1024", "1024", "1024"},
	} {
		c := Default()
		s, ok := Lookup(tc.name)
		if !ok {
			t.Fatalf("no setting %s", tc.name)
		}
		if err := s.Set(&c, tc.text); err != nil {
			t.Errorf("%s = %q: %v", tc.name, tc.text, err)
			continue
		}
		if got := s.Get(c); got != tc.get {
			t.Errorf("%s = %q prints %q; want %q", tc.name, tc.text, got, tc.get)
		}
		if got := s.RedisText(c); got != tc.redis {
			t.Errorf("%s = %q answers CONFIG GET with %q; want %q", tc.name, tc.text, got, tc.redis)
		}
	}
}

func TestSetRefuses(t *testing.T) {
	for name, texts := range map[string][]string{
		"dir":                        {"", "a\x00b"},
		"listen":                     {"", "6379", "127.0.0.1", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:redis", "off", "::1:6379"},
		"peer":                       {"off", "16379"},
		"admin":                      {"none", "127.0.0.1:99999"},
		"advertise":                  {"0.0.0.0", "0.0.0.0:6379", "::", "[::]:6379", ":6379", "a b", "host:0", "http://host"},
		"durability":                 {"", "sometimes", "everysecond"},
		"accept-data-loss":           {"", "maybe", "2"},
		"replicas":                   {"0", "16", "three", "3.0"},
		"partition.slots":            {"0", "3", "2048", "-16"},
		"cache.rows":                 {"0", "1kb", "-1", "1.5gb", "off"},
		"memory.limit":               {"0", "1mb", "much"},
		"proto-max-bulk-len":         {"1kb", "513mb", "1gb"},
		"maxclients":                 {"0", "1000001", "1e3"},
		"timeout":                    {"-1", "1500ms", "10 s", "99999999999999999999", "9999999999"},
		"operation-timeout":          {"800", "0s", "11m", "-1s"},
		"slowlog-log-slower-than":    {"-2", "1ns", "-1s"},
		"client-output-buffer-limit": {"normal 0 0 0", "pubsub 32mb 8mb 60", "normal 64mb 8mb 60", "normal 64mb", ""},
		"log.level":                  {"verbose", "INFO+2", ""},
	} {
		s, ok := Lookup(name)
		if !ok {
			t.Fatalf("no setting %s", name)
		}
		for _, text := range texts {
			c := Default()
			err := s.Set(&c, text)
			if err == nil {
				t.Errorf("%s = %q was taken", name, text)
				continue
			}
			if !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "expected "+s.Expects) {
				t.Errorf("%s = %q: the error does not say what was wrong: %v", name, text, err)
			}
			if c != Default() {
				t.Errorf("%s = %q was refused and changed the configuration", name, text)
			}
		}
	}
}

// What Get prints, Set reads as the same value, for every value it takes.
func TestGetReadsBack(t *testing.T) {
	settings := Settings()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom(settings).Draw(t, "setting")
		text := rapid.OneOf(
			rapid.StringMatching(`-?[0-9]{1,8}(b|k|kb|mb|gb|ms|s|m|h|us)?`),
			rapid.StringMatching(`[a-z0-9.]{0,9}(:[0-9]{1,5})?`),
			rapid.SampledFrom([]string{"auto", "off", "yes", "no", "always", "manual", "debug", "json", ""}),
			rapid.String(),
		).Draw(t, "text")
		c := Default()
		if s.Set(&c, text) != nil {
			return
		}
		for _, printed := range []string{s.Get(c), s.RedisText(c)} {
			again := Default()
			if err := s.Set(&again, printed); err != nil || again != c {
				t.Fatalf("%s = %q prints %q, which does not read back: %v", s.Name, text, printed, err)
			}
		}
	})
}

func TestSecretIsNotInErrors(t *testing.T) {
	secret := strings.Repeat("hunter2", 100)
	_, err := Load(nil, "", []string{"RONDO_REQUIREPASS=" + secret})
	if err == nil || !strings.Contains(err.Error(), "at most 512 bytes") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a password that is too long: %v", err)
	}
}

func TestPasswordKeepsItsBlanks(t *testing.T) {
	c, err := Load(nil, "", []string{"RONDO_REQUIREPASS= two words "})
	if err != nil || c.RequirePass != " two words " {
		t.Errorf("%q, %v", c.RequirePass, err)
	}
}

func TestLookupKnowsRedisNames(t *testing.T) {
	for name, want := range map[string]string{"appendfsync": "durability", "TIMEOUT": "timeout", "logfile": "log.file", "cache.rows": "cache.rows"} {
		if s, ok := Lookup(name); !ok || s.Name != want {
			t.Errorf("Lookup(%q) = %q, %v; want %q", name, s.Name, ok, want)
		}
	}
	if s, ok := Lookup("maxmemory"); ok {
		t.Errorf("maxmemory is %q", s.Name)
	}
	if _, ok := Lookup(""); ok {
		t.Error("the empty name is a setting")
	}
}

func TestSuggest(t *testing.T) {
	for unknown, want := range map[string]string{
		"lisen": "listen", "cache.row": "cache.rows", "appendfysnc": "durability", "max-clients": "maxclients",
		"durabilty": "durability", "Listen": "listen", "completely-different": "", "x": "",
	} {
		if got := Suggest(unknown); got != want {
			t.Errorf("Suggest(%q) = %q; want %q", unknown, got, want)
		}
	}
}

func TestEditDistance(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"", "abc", 3}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"kitten", "sitting", 3}, {"listen", "lisen", 1}} {
		if got := editDistance(tc.a, tc.b); got != tc.want {
			t.Errorf("editDistance(%q, %q) = %d; want %d", tc.a, tc.b, got, tc.want)
		}
		if got := editDistance(tc.b, tc.a); got != tc.want {
			t.Errorf("editDistance(%q, %q) = %d; want %d", tc.b, tc.a, got, tc.want)
		}
	}
}

func TestBindMakesEveryFlag(t *testing.T) {
	flags := pflag.NewFlagSet("rondo", pflag.ContinueOnError)
	Bind(flags)
	for _, s := range Settings() {
		f := flags.Lookup(s.Name)
		if f == nil {
			t.Fatalf("no flag --%s", s.Name)
		}
		if f.Changed || f.DefValue != s.Default() {
			t.Errorf("--%s: default %q, changed %v; want %q, false", s.Name, f.DefValue, f.Changed, s.Default())
		}
	}
	if usage := flags.FlagUsages(); !strings.Contains(usage, "--durability always|everysec|no") {
		t.Errorf("the usage does not name the choices:\n%s", usage)
	}
}

func TestDocumentationIsCurrent(t *testing.T) {
	b, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(b) != Markdown() {
		t.Error("docs/configuration.md is not what the table says: run make docs")
	}
	for _, s := range Settings() {
		if !slices.Contains(strings.Split(Markdown(), "\n"), "### "+s.Name) {
			t.Errorf("%s is not documented", s.Name)
		}
	}
}
