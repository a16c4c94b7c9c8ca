//go:build blackbox

package clients

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

// cli is one way to call redis-cli.
type cli struct {
	path  string
	flags []string
}

func (c cli) output(stdin string, args ...string) (string, error) {
	cmd := exec.Command(c.path, append(append([]string{}, c.flags...), args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%v: %w: %s%s", args, err, out, errs.Bytes())
	}
	return strings.TrimRight(string(out), "\n"), nil
}

// do runs one command of its arguments, or several of stdin over one
// connection. An error reply is an error.
func (c cli) do(stdin string, args ...string) (string, error) {
	out, err := c.output(stdin, append([]string{"-e"}, args...)...)
	return redirections().ReplaceAllString(out, ""), err
}

// redirections are the lines in which redis-cli -c tells that it goes elsewhere.
func redirections() *regexp.Regexp { return regexp.MustCompile(`(?m)^-> Redirected to slot .*\n`) }

func redisCLI(flags ...string) func(*testing.T, *probe) string {
	return func(t *testing.T, p *probe) string {
		host, port := harness.HostPort(t, p.addr)
		c := cli{path: harness.Tool(t, "redis-cli"), flags: append([]string{"-h", host, "-p", strconv.Itoa(port)}, flags...)}
		cliSteps(p, c)
		version, err := cli{path: c.path}.output("", "--version")
		if err != nil {
			t.Error(err)
		}
		return versionIn(version)
	}
}

func versionIn(text string) string { return regexp.MustCompile(`\d+\.\d+\.\d+`).FindString(text) }

func cliSteps(p *probe, c cli) {
	simple := func(expected string, args ...string) error {
		got, err := c.do("", args...)
		return want(args[0], err, got, expected)
	}
	p.step("connect", func() error { return simple("PONG", "PING") })
	p.step("set", func() error { return simple("OK", "SET", p.key("k"), "v") })
	p.step("get", func() error {
		if err := simple("v", "GET", p.key("k")); err != nil {
			return err
		}
		return simple("", "GET", p.key("none"))
	})
	p.step("expire", func() error {
		if err := simple("1", "EXPIRE", p.key("k"), "100"); err != nil {
			return err
		}
		got, err := c.do("", "TTL", p.key("k"))
		seconds, bad := strconv.ParseFloat(got, 64)
		if err == nil {
			err = bad
		}
		return wantTTL(err, seconds)
	})
	p.step("pipeline", func() error {
		var raw []byte
		for _, k := range p.many("pipe", 100) {
			raw = harness.AppendCommand(raw, "SET", k, "v")
		}
		got, err := c.output(string(raw), "--pipe")
		if err == nil && !strings.Contains(got, "errors: 0, replies: 100") {
			err = fmt.Errorf("--pipe says %q", got)
		}
		return err
	})
	p.step("multi", func() error {
		got, err := c.do(fmt.Sprintf("MULTI\nSET %[1]s 41\nINCR %[1]s\nEXEC\n", p.tagged("m")))
		return want("MULTI", err, strings.Fields(got), "[OK QUEUED QUEUED OK 42]")
	})
	p.step("watch", func() error {
		got, err := c.do(fmt.Sprintf("WATCH %[1]s\nSET %[1]s other\nMULTI\nSET %[1]s mine\nEXEC\nGET %[1]s\n", p.tagged("w")))
		return want("WATCH", err, strings.Fields(got), "[OK OK OK QUEUED other]")
	})
	p.step("scan", func() error {
		got, err := c.output("", "--scan", "--pattern", p.key("pipe:")+"*")
		if err != nil {
			return err
		}
		return wantKeys(strings.Fields(got), p.many("pipe", 100))
	})
	p.step("mget", func() error {
		if err := simple("OK", "MSET", p.tagged("1"), "a", p.tagged("2"), "b"); err != nil {
			return err
		}
		return simple("a\n\nb", "MGET", p.tagged("1"), p.tagged("none"), p.tagged("2"))
	})
	p.step("mget slots", func() error { return simple("v\nv\nv", append([]string{"MGET"}, p.many("pipe", 3)...)...) })
	p.step("incr", func() error {
		if err := simple("41", "INCRBY", p.key("n"), "41"); err != nil {
			return err
		}
		return simple("42", "INCR", p.key("n"))
	})
	p.step("del", func() error { return simple("1", "DEL", p.key("n")) })
}

// redisBenchmark runs the tests of redis-benchmark whose commands are served,
// without pipelining and with it. It takes the steps that these stand for.
func redisBenchmark(flags ...string) func(*testing.T, *probe) string {
	return func(t *testing.T, p *probe) string {
		path := harness.Tool(t, "redis-benchmark")
		host, port := harness.HostPort(t, p.addr)
		for _, c := range []struct{ step, tests, depth, rows string }{
			{"connect", "ping_inline,ping_mbulk", "1", "PING_INLINE PING_MBULK"},
			{"set", "set", "1", "SET"},
			{"get", "get", "1", "GET"},
			{"pipeline", "set,get", "16", "SET GET"},
			{"mget", "mset", "1", "MSET (10 keys)"},
			{"incr", "incr", "1", "INCR"},
		} {
			p.step(c.step, func() error {
				args := append([]string{"-h", host, "-p", strconv.Itoa(port), "-n", "2000", "--csv", "-t", c.tests, "-P", c.depth}, flags...)
				return benchmarked(path, args, c.rows)
			})
		}
		out, err := exec.Command(path, "--version").CombinedOutput()
		if err != nil {
			t.Error(err)
		}
		return versionIn(string(out))
	}
}

// benchmarked runs redis-benchmark and checks that each test has a row with a
// rate above 0.
func benchmarked(path string, args []string, rows string) error {
	var out, errs bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil || errs.Len() > 0 {
		return fmt.Errorf("%v: %v\n%s%s", args, err, out.Bytes(), errs.Bytes())
	}
	text := out.String()
	begin := strings.Index(text, `"test"`)
	if begin < 0 {
		return fmt.Errorf("no table in %q", text)
	}
	table, err := csv.NewReader(strings.NewReader(text[begin:])).ReadAll()
	if err != nil {
		return fmt.Errorf("%w in %q", err, text)
	}
	var got []string
	for _, row := range table[1:] {
		if rate, err := strconv.ParseFloat(row[1], 64); err != nil || rate <= 0 {
			return fmt.Errorf("rate %q of %s", row[1], row[0])
		}
		got = append(got, row[0])
	}
	return want("tests that ran", nil, strings.Join(got, " "), rows)
}
