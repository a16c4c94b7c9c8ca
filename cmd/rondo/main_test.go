package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// actAsRondo makes the test binary be the program: see start in process_test.go.
const actAsRondo = "TEST_BINARY_IS_RONDO"

func TestMain(m *testing.M) {
	if os.Getenv(actAsRondo) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// command runs one command line in this process.
func command(t *testing.T, env []string, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), args, process{env: env, out: &stdout, err: &stderr})
	return code, stdout.String(), stderr.String()
}

func TestCommandLine(t *testing.T) {
	for _, tc := range []struct {
		name string
		env  []string
		args []string
		code int
		out  []string
		errs []string
	}{
		{name: "nothing", code: 1, out: []string{"Available Commands", "server"}, errs: []string{"rondo: a command is missing"}},
		{name: "help", args: []string{"--help"}, out: []string{"speaks the Redis protocol"}},
		{name: "unknown command", args: []string{"sever"}, code: 1, errs: []string{`unknown command "sever" for "rondo"; did you mean "server"?`}},
		{name: "unknown subcommand", args: []string{"config", "prnt"}, code: 1, errs: []string{`did you mean "print"?`}},
		{name: "version", args: []string{"version"}, out: []string{"rondo "}},
		{name: "check", args: []string{"config", "check", "--timeout", "5m"}, env: []string{"RONDO_LISTEN=:7001"}, out: []string{"ok: ", "2 of them set"}},
		{name: "check refuses", args: []string{"config", "check", "--timeout", "soon"}, env: []string{"RONDO_LISEN=:1"}, code: 1,
			errs: []string{"rondo: --timeout: setting timeout", "rondo: environment: unknown setting \"RONDO_LISEN\""}},
		{name: "print", args: []string{"config", "print", "--listen", ":7001"}, out: []string{"listen: :7001", "# --listen", "here :8001"}},
		{name: "print hides passwords", args: []string{"config", "print"}, env: []string{"RONDO_REQUIREPASS=hunter2"}, out: []string{"# requirepass: not shown"}},
		{name: "print shows passwords", args: []string{"config", "print", "--show-secrets"}, env: []string{"RONDO_REQUIREPASS=hunter2"}, out: []string{"requirepass: hunter2"}},
		{name: "docs", args: []string{"config", "docs"}, out: []string{"# Configuration"}},
		{name: "unknown flag", args: []string{"server", "--durabilty=no"}, code: 1, errs: []string{`did you mean "--durability"?`}},
		{name: "argument", args: []string{"server", "now"}, code: 1, errs: []string{`"now"`}},
		{name: "port too high", args: []string{"server", "--listen", "127.0.0.1:60000"}, code: 1, errs: []string{"setting admin", "72000"}},
		{name: "server help", args: []string{"server", "--help"}, out: []string{"--durability always|everysec|no"}},
		{name: "bench help", args: []string{"bench", "--help"}, out: []string{"--pipeline", "compare"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			code, out, errs := command(t, tc.env, tc.args...)
			if code != tc.code {
				t.Errorf("exit status %d; want %d", code, tc.code)
			}
			for _, part := range tc.out {
				if !strings.Contains(out, part) {
					t.Errorf("output does not say %q:\n%s", part, out)
				}
			}
			for _, part := range tc.errs {
				if !strings.Contains(errs, part) {
					t.Errorf("errors do not say %q:\n%s", part, errs)
				}
			}
			if code != 0 && strings.Contains(errs, "Usage:") {
				t.Errorf("an error is a screen:\n%s", errs)
			}
			if tc.name == "print hides passwords" && strings.Contains(out, "hunter2") {
				t.Error("the password is shown")
			}
		})
	}
}

func TestDocsToFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.md")
	if code, _, errs := command(t, nil, "config", "docs", file); code != 0 {
		t.Fatal(errs)
	}
	b, err := os.ReadFile(file)
	if err != nil || !strings.HasPrefix(string(b), "# Configuration\n") {
		t.Errorf("%q, %v", b, err)
	}
}

func TestTakenPort(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	taken := ln.Addr().String()
	for name, args := range map[string][]string{
		"listen": {"--listen", taken, "--forward", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--peer", "127.0.0.1:0", "--gossip", "127.0.0.1:0"},
		"admin":  {"--listen", "127.0.0.1:0", "--admin", taken},
	} {
		dir := filepath.Join(t.TempDir(), "data")
		code, out, errs := command(t, nil, append([]string{"server", "--dir", dir}, args...)...)
		if code != 1 || out != "" || strings.Count(errs, "\n") != 1 {
			t.Errorf("%s: exit status %d, output %q, errors %q; want 1 and one line", name, code, out, errs)
		}
		if !strings.Contains(errs, "address "+taken+" is in use") || !strings.Contains(errs, "; try --listen 127.0.0.1:70") {
			t.Errorf("%s: %s", name, errs)
		}
		if name != "listen" && !strings.Contains(errs, "setting "+name) {
			t.Errorf("%s is not named: %s", name, errs)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s: the data directory was made", name)
		}
	}
}

// The address that is offered is free, and so are all that follow from it.
func TestOfferedAddressIsFree(t *testing.T) {
	cfg, err := confFor("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	offer := freeListen(t.Context(), cfg)
	cfg, err = confFor(offer)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := listen(t.Context(), cfg)
	if err != nil {
		t.Fatalf("%s was offered: %v", offer, err)
	}
	ln.Close()
}

func TestListenOff(t *testing.T) {
	cfg, err := confFor("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Forward, cfg.Admin = "off", "off"
	ln, err := listen(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if ln.clients == nil || ln.forward != nil || ln.admin != nil {
		t.Errorf("%+v", ln)
	}
}

func TestCLIAddress(t *testing.T) {
	for addr, want := range map[string]string{
		"127.0.0.1:6379": " -p 6379", "[::]:7001": " -p 7001", "0.0.0.0:7001": " -p 7001",
		"10.0.0.1:7001": " -h 10.0.0.1 -p 7001", "[::1]:7001": " -h ::1 -p 7001", "": "",
	} {
		if got := cliAddress(addr); got != want {
			t.Errorf("cliAddress(%q) = %q; want %q", addr, got, want)
		}
	}
}
