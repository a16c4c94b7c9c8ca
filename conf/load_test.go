package conf

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

func flagsFor(t *testing.T, args ...string) *pflag.FlagSet {
	t.Helper()
	flags := pflag.NewFlagSet("rondo", pflag.ContinueOnError)
	Bind(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return flags
}

func fileWith(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rondo.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestPrecedence(t *testing.T) {
	for _, tc := range []struct {
		name         string
		flag         []string
		env          []string
		file         string
		want, source string
	}{
		{name: "default", want: "10000", source: "default"},
		{name: "file", file: "maxclients: 1", want: "1", source: "rondo.yaml:1"},
		{name: "env over file", env: []string{"RONDO_MAXCLIENTS=2"}, file: "maxclients: 1", want: "2", source: "RONDO_MAXCLIENTS"},
		{name: "flag over all", flag: []string{"--maxclients=3"}, env: []string{"RONDO_MAXCLIENTS=2"}, file: "maxclients: 1", want: "3", source: "--maxclients"},
		{name: "flag over file", flag: []string{"--maxclients=3"}, file: "\nmaxclients: 1", want: "3", source: "--maxclients"},
		{name: "flag with the default's value still wins", flag: []string{"--maxclients=10000"}, file: "maxclients: 1", want: "10000", source: "--maxclients"},
		{name: "others do not matter", env: []string{"PATH=/bin", "XRONDO_MAXCLIENTS=9", "RONDO=9"}, file: "timeout: 4", want: "10000", source: "default"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l, err := LoadSources(flagsFor(t, tc.flag...), fileWith(t, tc.file), tc.env)
			if err != nil {
				t.Fatal(err)
			}
			s, _ := Lookup("maxclients")
			if got := s.Get(l.Config); got != tc.want {
				t.Errorf("maxclients = %s; want %s", got, tc.want)
			}
			if got := l.Source("maxclients"); got != tc.source {
				t.Errorf("it came from %s; want %s", got, tc.source)
			}
		})
	}
}

// Each setting is reached by all three ways.
func TestEverySettingByEveryWay(t *testing.T) {
	texts := map[Kind]string{
		KindText: "word", KindPath: "/tmp/x", KindAddress: "10.1.2.3:7777", KindSize: "2mb",
		KindDuration: "3s", KindInteger: "8", KindLimit: "normal 2mb 0 0",
	}
	for _, s := range Settings() {
		text := texts[s.Kind]
		switch {
		case s.Name == "client-query-buffer-limit" || s.Name == "memory.limit":
			text = "300mb"
		case s.Name == "founders" || s.Name == "join":
			text = "10.1.2.3:17379,some.where:17380"
		case s.Name == "replicas-by-dc":
			text = "eu=3,us=2"
		case s.Name == "gossip-key":
			text = strings.Repeat("0f", 32)
		case s.Name == "users":
			text = "[{name: app, password: secret, level: one}]"
		case s.Name == "keyspaces":
			text = `[{prefix: "a:", read: one}]`
		case strings.HasPrefix(s.Name, "consistency."):
			text = "LOCAL_ONE/SLOPPY"
		case s.Kind == KindEnum:
			text = s.Values[len(s.Values)-1]
		case s.Kind == KindBool && s.Default() == "yes":
			text = "no"
		case s.Kind == KindBool:
			text = "yes"
		}
		if s.Name == "tls.client-ca" || s.Name == "tls.cert" || s.Name == "tls.key" || s.Name == "tls.required" {
			continue // they do not go alone: TestTLSFromAFile
		}
		want := Default()
		if err := s.Set(&want, text); err != nil || want == Default() {
			t.Fatalf("%s: %q is no test: %v", s.Name, text, err)
		}
		group, rest, nested := strings.Cut(s.Name, ".")
		ways := map[string]func() (Config, error){
			"flag":     func() (Config, error) { return Load(flagsFor(t, "--"+s.Name+"="+text), "", nil) },
			"variable": func() (Config, error) { return Load(nil, "", []string{s.Env() + "=" + text}) },
			"key":      func() (Config, error) { return Load(nil, fileWith(t, s.Name+": "+text), nil) },
		}
		if nested {
			ways["nested key"] = func() (Config, error) {
				return Load(nil, fileWith(t, group+":\n  "+rest+": "+text), nil)
			}
		}
		for way, load := range ways {
			got, err := load()
			got.File = ""
			if err != nil || got != want {
				t.Errorf("%s by %s = %s, %v; want %s", s.Name, way, s.Get(got), err, text)
			}
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	for _, tc := range []struct {
		name string
		flag []string
		env  []string
		file string
		want []string // parts of the error
	}{
		{"unknown key", nil, nil, "dir: /d\nlisen: :1", []string{`rondo.yaml:2: unknown setting "lisen"`, `did you mean "listen"?`}},
		{"unknown nested key", nil, nil, "cache:\n  row: 1gb", []string{`rondo.yaml:2`, `"cache.row"`, `did you mean "cache.rows"?`}},
		{"Redis's name is no key", nil, nil, "appendfsync: always", []string{`"appendfsync"`, `did you mean "durability"?`}},
		{"nothing close", nil, nil, "zzzzzz: 1", []string{`unknown setting "zzzzzz"; expected a name listed in docs/configuration.md`}},
		{"key twice", nil, nil, "cache:\n  rows: 1gb\ncache.rows: 2gb", []string{"rondo.yaml:3", "cache.rows", "rondo.yaml:2"}},
		{"key without value", nil, nil, "timeout:", []string{"rondo.yaml:1", "timeout", "whole seconds"}},
		{"list", nil, nil, "listen: [a, b]", []string{"listen", "expected host:port"}},
		{"mapping under a setting", nil, nil, "timeout: {idle: 3}", []string{"timeout", "whole seconds"}},
		{"not a mapping", nil, nil, "- a\n- b", []string{"name: value"}},
		{"not YAML", nil, nil, "a: [", []string{"rondo.yaml"}},
		{"two documents", nil, nil, "dir: a\n---\ndir: b", []string{"one YAML document"}},
		{"bad value in the file", nil, nil, "durability: everysecond", []string{"rondo.yaml:1", `durability = "everysecond"`, "one of always, everysec, no", `did you mean "everysec"?`}},
		{"unknown variable", nil, []string{"RONDO_LISEN=:1"}, "", []string{`unknown setting "RONDO_LISEN"`, `did you mean "RONDO_LISTEN"?`}},
		{"bad value in a variable", nil, []string{"RONDO_CACHE_ROWS=lots"}, "", []string{`RONDO_CACHE_ROWS: setting cache.rows = "lots": expected auto or a size`}},
		{"bad value in a flag", []string{"--timeout=soon"}, nil, "", []string{`--timeout: setting timeout = "soon"`, "whole seconds"}},
		{"empty variable", nil, []string{"RONDO_LISTEN="}, "", []string{"RONDO_LISTEN", "host:port"}},
		{"all at once", []string{"--timeout=soon"}, []string{"RONDO_LISEN=:1"}, "nonsense: 1", []string{"timeout", "RONDO_LISEN", "nonsense"}},
		{"values that do not go together", []string{"--client-query-buffer-limit=2mb"}, nil, "", []string{"client-query-buffer-limit", "proto-max-bulk-len", "64mb"}},
		{"config in the file", nil, nil, "config: other.yaml", []string{`unknown setting "config"`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Load(flagsFor(t, tc.flag...), fileWith(t, tc.file), tc.env)
			if err == nil {
				t.Fatal("was taken")
			}
			for _, part := range tc.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error does not say %q:\n%v", part, err)
				}
			}
		})
	}
}

func TestFileChoice(t *testing.T) {
	one, two, three := fileWith(t, "maxclients: 1"), fileWith(t, "maxclients: 2"), fileWith(t, "maxclients: 3")
	env := []string{"RONDO_CONFIG=" + three}
	for want, load := range map[int]func() (Config, error){
		1: func() (Config, error) { return Load(flagsFor(t, "--config", two), one, env) },
		2: func() (Config, error) { return Load(flagsFor(t, "--config", two), "", env) },
		3: func() (Config, error) { return Load(flagsFor(t), "", env) },
	} {
		if c, err := load(); err != nil || c.MaxClients != want {
			t.Errorf("maxclients = %d, %v; want %d", c.MaxClients, err, want)
		}
	}
	if _, err := Load(nil, filepath.Join(t.TempDir(), "absent.yaml"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that does not exist: %v", err)
	}
	for _, text := range []string{"", "# nothing\n", "---\n", "null\n"} {
		if c, err := Load(nil, fileWith(t, text), nil); err != nil || c.MaxClients != Default().MaxClients {
			t.Errorf("file %q: %v", text, err)
		}
	}
	huge := "# " + strings.Repeat("x", maxFileBytes)
	if _, err := Load(nil, fileWith(t, huge), nil); err == nil || !strings.Contains(err.Error(), "longer than 1mb") {
		t.Errorf("a file of over 1 MB: %v", err)
	}
}

// A Service named rondo makes Kubernetes put variables with our prefix into
// every container. They are passed over; what only looks like them is not.
func TestServiceLinksArePassedOver(t *testing.T) {
	links := []string{
		"RONDO_SERVICE_HOST=10.0.0.1", "RONDO_SERVICE_PORT=6379", "RONDO_SERVICE_PORT_REDIS=6379", "RONDO_PORT=tcp://10.0.0.1:6379",
		"RONDO_PORT_6379_TCP=tcp://10.0.0.1:6379", "RONDO_PORT_6379_TCP_PROTO=tcp", "RONDO_PORT_6379_TCP_PORT=6379", "RONDO_PORT_6379_TCP_ADDR=10.0.0.1",
		"RONDO_HEADLESS_SERVICE_HOST=10.0.0.1", "RONDO_HEADLESS_PORT=tcp://10.0.0.1:6379",
	}
	if _, err := Load(nil, "", links); err != nil {
		t.Error(err)
	}
	for _, v := range []string{"RONDO_PORT=6379", "RONDO_GOSSIP_PORT=7", "RONDO_SERVICE=1", "RONDO_=1"} {
		if _, err := Load(nil, "", []string{v}); err == nil {
			t.Errorf("%s was taken", v)
		}
	}
}

func TestFlagForms(t *testing.T) {
	c, err := Load(flagsFor(t, "--accept-data-loss", "--protected-mode=no", "--timeout", "5m", "--slowlog-log-slower-than=-1"), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !c.AcceptDataLoss || c.ProtectedMode || c.IdleTimeout != 5*time.Minute || c.SlowlogSlowerThan >= 0 {
		t.Errorf("got %+v", c)
	}
	flags := pflag.NewFlagSet("rondo", pflag.ContinueOnError)
	Bind(flags)
	err = FlagError(flags.Parse([]string{"--durabilty=no"}))
	if err == nil || !strings.Contains(err.Error(), `"--durabilty"`) || !strings.Contains(err.Error(), `did you mean "--durability"?`) {
		t.Errorf("unknown flag: %v", err)
	}
}

func TestPrintReadsBack(t *testing.T) {
	file := fileWith(t, "cache: {rows: 1gb}\nrequirepass: 'yes: # it is'\nlog.file: \"a b\\tc\"\ndurability: no\n")
	l, err := LoadSources(flagsFor(t, "--listen=:7001", "--timeout=5m"), file, []string{"RONDO_LOG_LEVEL=debug"})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := l.Print(&out, PrintOptions{Machine: Machine{MemoryBytes: 16 * gb, DiskBytes: 50 * gb}, Secrets: true}); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"# --listen\n", "# RONDO_LOG_LEVEL\n", "# rondo.yaml:1\n", "cache.blocks: auto", "# default; here 2gb\n", "durability: no ", "here :8001"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("does not say %q:\n%s", part, out.String())
		}
	}
	again, err := Load(nil, fileWith(t, out.String()), nil)
	if err != nil {
		t.Fatal(err)
	}
	again.File = l.File
	if again != l.Config {
		t.Errorf("reads back as\n%+v\nwant\n%+v", again, l.Config)
	}
	out.Reset()
	if err := l.Print(&out, PrintOptions{}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "it is") {
		t.Errorf("the password is shown:\n%s", out.String())
	}
}

func TestRewrite(t *testing.T) {
	file := fileWith(t, "# ours\nmaxclients: 5 # few\ncache:\n  rows: 1gb\nlisten: :7001\n")
	c, err := Load(nil, file, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.MaxClients, c.CacheRows, c.RequirePass, c.IdleTimeout = 7, 2*gb, "no", time.Minute
	if err := Rewrite(c, []string{"maxclients", "cache.rows", "requirepass", "timeout"}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"# ours", "# few", "listen: :7001", "rows: 2gb"} {
		if !strings.Contains(string(b), part) {
			t.Errorf("lost %q:\n%s", part, b)
		}
	}
	again, err := Load(nil, file, nil)
	if err != nil || again != c {
		t.Errorf("reads back as %+v, %v\n%s", again, err, b)
	}
	if st, err := os.Stat(file); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode became %v, %v", st.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), ".rondo-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if err := Rewrite(Default(), []string{"timeout"}); !errors.Is(err, ErrNoFile) {
		t.Errorf("without a file: %v", err)
	}
	if err := Rewrite(c, []string{"tmieout"}); err == nil || !strings.Contains(err.Error(), `did you mean "timeout"?`) {
		t.Errorf("unknown name: %v", err)
	}
}
