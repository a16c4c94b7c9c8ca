package main

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/rondokv/rondo/cluster/sim"
)

func TestRun(t *testing.T) {
	o, err := parse(strings.Fields("-seeds 6 -seed 10 -ops 100 -workers 2"))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if status := run(o, &out); status != 0 {
		t.Fatalf("status %d: %s", status, out.String())
	}
	for _, want := range []string{"6 runs", "6 seeds from 10 on, 0 failed", "checks", "faults", "APPEND"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, out.String())
		}
	}
}

// TestPrintFailure: whoever looks for the seed that caught a mistake finds it.
func TestPrintFailure(t *testing.T) {
	o, err := parse(strings.Fields("-seeds 100 -seed 40 -shrink=false"))
	if err != nil {
		t.Fatal(err)
	}
	r := sim.Result{Seed: 44, Violation: &sim.Violation{Invariant: "I9 fresh", Detail: "old"}}
	var out bytes.Buffer
	if status := (&tally{failed: []sim.Result{{Seed: 70, Violation: r.Violation}, r}}).print(o, &out, 0); status != 1 {
		t.Errorf("status %d", status)
	}
	for _, want := range []string{"FAILED seed 44: I9 fresh: old", "seeds needed: 5", "-seed 44", "2 failed"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, out.String())
		}
	}
}

func TestParse(t *testing.T) {
	for _, bad := range []string{"-profile wild", "-without flood", "-seeds x", "seven"} {
		if _, err := parse(strings.Fields(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	o, err := parse(strings.Fields("-profile chaos -without crash,skew"))
	if err != nil || o.config.String() != " -profile chaos -without crash,skew" {
		t.Errorf("%q, %v", o.config, err)
	}
}

// TestTraceUnderRace builds the command with and without the race detector and compares the bytes of a seed's trace.
func TestTraceUnderRace(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the command twice")
	}
	var traces [2][]byte
	for i, flags := range [][]string{nil, {"-race"}} {
		binary := t.TempDir() + "/sim"
		build := exec.Command("go", append(append([]string{"build"}, flags...), "-o", binary, ".")...)
		if out, err := build.CombinedOutput(); err != nil {
			if i == 1 && bytes.Contains(out, []byte("-race")) {
				t.Skipf("no race detector here: %s", out)
			}
			t.Fatalf("%v: %s", err, out)
		}
		out, err := exec.Command(binary, strings.Fields("-seeds 2 -seed 3 -ops 200 -trace")...).Output()
		if err != nil {
			t.Fatal(err)
		}
		// The last line has the real time.
		traces[i] = out[:bytes.LastIndexByte(bytes.TrimSpace(out), '\n')]
	}
	if len(traces[0]) < 100_000 || !bytes.Equal(traces[0], traces[1]) {
		t.Errorf("traces of %d and %d bytes differ", len(traces[0]), len(traces[1]))
	}
}
