package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// event is a line of `go test -json`.
type event struct {
	Action      string
	Package     string
	ImportPath  string // of build-output and build-fail
	Test        string
	Output      string
	Elapsed     float64
	FailedBuild string
}

// maxKept bounds the output that is kept of one test, in bytes. Of longer
// output the end is what matters.
const maxKept = 256 << 10

type counter struct {
	out                     io.Writer
	passed, failed, skipped int
	kept                    map[string]string // output by package and test, until its fate is known
	running                 map[string]bool   // tests that began and have not ended
	failedIn                map[string]int    // by package: tests that failed
	reasons                 map[string]int    // why tests were skipped
	err                     error             // first error of out
}

func newCounter(out io.Writer) *counter {
	return &counter{out: out, kept: map[string]string{}, running: map[string]bool{}, failedIn: map[string]int{}, reasons: map[string]int{}}
}

func (c *counter) printf(format string, args ...any) {
	if _, err := fmt.Fprintf(c.out, format, args...); c.err == nil {
		c.err = err
	}
}

func (c *counter) read(in io.Reader) error {
	r := bufio.NewReader(in)
	for {
		line, err := r.ReadString('\n')
		if line != "" {
			var e event
			if json.Unmarshal([]byte(line), &e) == nil && e.Action != "" {
				c.take(e)
			} else {
				c.printf("%s", line) // not from go test: let it through
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (c *counter) take(e event) {
	id := e.Package + " " + e.Test
	switch e.Action {
	case "build-output":
		c.keep("build "+e.ImportPath, e.Output)
	case "run":
		c.running[id] = true
	case "output":
		c.keep(id, e.Output)
	case "pass", "skip", "fail":
		delete(c.running, id)
		if e.Test == "" {
			c.endPackage(e)
		} else {
			c.endTest(id, e)
		}
		delete(c.kept, id)
	}
}

func (c *counter) keep(id, output string) {
	text := c.kept[id] + output
	if len(text) > maxKept {
		text = "...\n" + text[len(text)-maxKept/2:]
	}
	c.kept[id] = text
}

func (c *counter) endTest(id string, e event) {
	switch e.Action {
	case "pass":
		c.passed++
	case "skip":
		c.skipped++
		c.reasons[reason(c.kept[id])]++
	case "fail":
		c.failed++
		c.failedIn[e.Package]++
		c.printf("FAIL %s %s (%.1fs)\n%s\n", e.Package, e.Test, e.Elapsed, c.kept[id])
	}
}

// endPackage counts a package that failed although none of its tests did: it
// did not build, or it died.
func (c *counter) endPackage(e event) {
	id := e.Package + " "
	if e.Action == "pass" {
		c.printf("ok   %s (%.1fs)\n", e.Package, e.Elapsed)
		return
	}
	if e.Action != "fail" {
		return
	}
	died := c.unfinished(e.Package)
	if c.failedIn[e.Package] > 0 && len(died) == 0 {
		return
	}
	c.failed++
	c.printf("FAIL %s\n%s%s", e.Package, c.kept["build "+e.FailedBuild], c.kept[id])
	for _, test := range died {
		c.printf("%s had not ended\n%s", test, c.kept[e.Package+" "+test])
		delete(c.running, e.Package+" "+test)
	}
	c.printf("\n")
}

// unfinished names the tests of a package that began and never ended.
func (c *counter) unfinished(pkg string) (tests []string) {
	for id := range c.running {
		if test, ok := strings.CutPrefix(id, pkg+" "); ok {
			tests = append(tests, test)
		}
	}
	slices.Sort(tests)
	return tests
}

// reason finds what a test gave to t.Skip: the line before the verdict.
func reason(output string) string {
	text := "no reason given"
	for line := range strings.SplitSeq(output, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "=== ") || strings.HasPrefix(line, "--- ") {
			continue
		}
		if _, after, ok := strings.Cut(line, ".go:"); ok {
			if _, message, ok := strings.Cut(after, ": "); ok {
				line = message
			}
		}
		text = line
	}
	return text
}

// finish prints why tests were skipped and, last and alone on its line, the counts.
func (c *counter) finish() error {
	if len(c.running) > 0 {
		c.failed++ // the run was cut off
		ids := make([]string, 0, len(c.running))
		for id := range c.running {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		c.printf("FAIL the run ended before these tests did: %s\n", strings.Join(ids, ", "))
	}
	reasons := make([]string, 0, len(c.reasons))
	for r := range c.reasons {
		reasons = append(reasons, r)
	}
	slices.Sort(reasons)
	for _, r := range reasons {
		c.printf("skipped %d: %s\n", c.reasons[r], r)
	}
	if c.passed+c.failed+c.skipped == 0 {
		c.printf("no test ran\n")
	}
	c.printf("%d passed, %d failed, %d skipped\n", c.passed, c.failed, c.skipped)
	return c.err
}
