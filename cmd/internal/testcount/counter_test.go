package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestCounts(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   []string
		code int
		last string
		has  []string
		not  []string
	}{
		{
			name: "all pass",
			in: []string{
				`{"Action":"start","Package":"a"}`, `{"Action":"run","Package":"a","Test":"T"}`,
				`{"Action":"output","Package":"a","Test":"T","Output":"noise\n"}`,
				`{"Action":"pass","Package":"a","Test":"T"}`, `{"Action":"pass","Package":"a","Elapsed":1.5}`,
			},
			last: "1 passed, 0 failed, 0 skipped", has: []string{"ok   a (1.5s)"}, not: []string{"noise"},
		}, {
			name: "one fails",
			in: []string{
				`{"Action":"run","Package":"a","Test":"T"}`, `{"Action":"pass","Package":"a","Test":"T"}`,
				`{"Action":"run","Package":"a","Test":"U"}`, `{"Action":"output","Package":"a","Test":"U","Output":"x_test.go:3: the reason\n"}`,
				`{"Action":"fail","Package":"a","Test":"U"}`, `{"Action":"output","Package":"a","Output":"FAIL\n"}`, `{"Action":"fail","Package":"a"}`,
			},
			code: 1, last: "1 passed, 1 failed, 0 skipped", has: []string{"FAIL a U", "the reason"},
		}, {
			name: "skips are counted by reason",
			in: []string{
				`{"Action":"run","Package":"a","Test":"T"}`, `{"Action":"pass","Package":"a","Test":"T"}`,
				`{"Action":"run","Package":"a","Test":"U"}`, `{"Action":"output","Package":"a","Test":"U","Output":"=== RUN   U\n"}`,
				`{"Action":"output","Package":"a","Test":"U","Output":"    x_test.go:3: no node here\n"}`,
				`{"Action":"output","Package":"a","Test":"U","Output":"--- SKIP: U (0.00s)\n"}`, `{"Action":"skip","Package":"a","Test":"U"}`,
			},
			last: "1 passed, 0 failed, 1 skipped", has: []string{"skipped 1: no node here\n"},
		}, {
			name: "a package does not build",
			in: []string{
				`{"ImportPath":"b [b.test]","Action":"build-output","Output":"b/x.go:1: undefined: y\n"}`, `{"ImportPath":"b [b.test]","Action":"build-fail"}`,
				`{"Action":"start","Package":"b"}`, `{"Action":"output","Package":"b","Output":"FAIL b [build failed]\n"}`,
				`{"Action":"fail","Package":"b","FailedBuild":"b [b.test]"}`,
				`{"Action":"run","Package":"a","Test":"T"}`, `{"Action":"pass","Package":"a","Test":"T"}`,
			},
			code: 1, last: "1 passed, 1 failed, 0 skipped", has: []string{"undefined: y"},
		}, {
			name: "a test kills its process",
			in: []string{
				`{"Action":"run","Package":"a","Test":"T"}`, `{"Action":"output","Package":"a","Test":"T","Output":"panic: oh\n"}`,
				`{"Action":"output","Package":"a","Output":"exit status 2\n"}`, `{"Action":"fail","Package":"a"}`,
			},
			code: 1, last: "0 passed, 1 failed, 0 skipped", has: []string{"T had not ended", "panic: oh", "exit status 2"},
		}, {
			name: "the run is cut off",
			in:   []string{`{"Action":"run","Package":"a","Test":"T"}`, `{"Action":"pass","Package":"a","Test":"T"}`, `{"Action":"run","Package":"a","Test":"U"}`},
			code: 1, last: "1 passed, 1 failed, 0 skipped", has: []string{"ended before these tests did: a U"},
		},
		{name: "nothing ran", in: []string{`{"Action":"skip","Package":"a"}`}, code: 1, last: "0 passed, 0 failed, 0 skipped", has: []string{"no test ran"}},
		{
			name: "only skips", code: 1, last: "0 passed, 0 failed, 1 skipped",
			in:  []string{`{"Action":"run","Package":"a","Test":"T"}`, `{"Action":"skip","Package":"a","Test":"T"}`},
			has: []string{"skipped 1: no reason given"},
		},
		{name: "empty", code: 1, last: "0 passed, 0 failed, 0 skipped"},
		{
			name: "text that is not ours", last: "1 passed, 0 failed, 0 skipped", has: []string{"go: downloading x\n"},
			in: []string{"go: downloading x", `{"Action":"run","Package":"a","Test":"T"}`, `{"Action":"pass","Package":"a","Test":"T"}`},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out bytes.Buffer
			code, err := run(strings.NewReader(strings.Join(tc.in, "\n")+"\n"), &out)
			if err != nil || code != tc.code {
				t.Errorf("exit status %d, %v; want %d", code, err, tc.code)
			}
			lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
			if last := lines[len(lines)-1]; last != tc.last {
				t.Errorf("last line %q; want %q", last, tc.last)
			}
			for _, part := range tc.has {
				if !strings.Contains(out.String(), part) {
					t.Errorf("does not say %q:\n%s", part, out.String())
				}
			}
			for _, part := range tc.not {
				if strings.Contains(out.String(), part) {
					t.Errorf("says %q:\n%s", part, out.String())
				}
			}
		})
	}
}

// What the Go tool of today really writes, for each way to fail.
func TestRealRuns(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":           "module x\n\ngo 1.26\n",
		"good/x_test.go":   "package good\nimport \"testing\"\nfunc TestA(t *testing.T) { t.Run(\"sub\", func(t *testing.T) {}) }\nfunc TestB(t *testing.T) { t.Skip(\"for a reason\") }\n",
		"bad/x_test.go":    "package bad\nimport \"testing\"\nfunc TestC(t *testing.T) { t.Error(\"went wrong\") }\n",
		"broken/x_test.go": "package broken\nimport \"testing\"\nfunc TestD(t *testing.T) { undefined() }\n",
		"dead/x_test.go":   "package dead\nimport \"testing\"\nfunc TestE(t *testing.T) { panic(\"gone\") }\n",
		"empty/x.go":       "package empty\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct{ pkg, last, has string }{
		{"./good", "2 passed, 0 failed, 1 skipped", "skipped 1: for a reason"},
		{"./bad", "0 passed, 1 failed, 0 skipped", "went wrong"},
		{"./broken", "0 passed, 1 failed, 0 skipped", "undefined: undefined"},
		{"./dead", "0 passed, 1 failed, 0 skipped", "panic: gone"},
		{"./empty", "0 passed, 0 failed, 0 skipped", "no test ran"},
	} {
		cmd := exec.Command("go", "test", "-json", "-vet=off", tc.pkg)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
		stream, err := cmd.Output()
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if _, err := run(bytes.NewReader(stream), &out); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(out.String(), "\n"+tc.last+"\n") && out.String() != tc.last+"\n" {
			t.Errorf("%s: ends\n%s\nwant %q", tc.pkg, out.String(), tc.last)
		}
		if !strings.Contains(out.String(), tc.has) {
			t.Errorf("%s: does not say %q:\n%s", tc.pkg, tc.has, out.String())
		}
	}
}
