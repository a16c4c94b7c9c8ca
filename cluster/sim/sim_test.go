package sim

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

func mustHold(t *testing.T, seed uint64, c Config) Result {
	t.Helper()
	r := Run(seed, c)
	if r.Violation != nil {
		var b bytes.Buffer
		Failure{Result: r, Config: c}.Print(&b)
		t.Errorf("%s", b.String())
	}
	return r
}

// TestSeeds runs a few hundred seeds, and makes sure that nothing of what the simulator can do was left out of them.
func TestSeeds(t *testing.T) {
	n := uint64(300)
	if testing.Short() {
		n = 60
	}
	var all Totals
	for seed := uint64(1); seed <= n && !t.Failed(); seed++ {
		r := mustHold(t, seed, Config{})
		all.Add(&r.Totals)
	}
	if testing.Short() || t.Failed() {
		return
	}
	for i, count := range all.Checks {
		if count == 0 && check(i) != checkUndecided {
			t.Errorf("%s was never checked", checkNames[i])
		}
	}
	for f, count := range all.Faults {
		if count == 0 && fault(f) < faultScheduled {
			t.Errorf("no %v struck", fault(f))
		}
	}
	for m, count := range all.Interrupted {
		if count == 0 {
			t.Errorf("no %s crashed", momentNames[m])
		}
	}
	for v := range all.Verbs {
		if all.Verbs[v].Outcomes[succeeded] == 0 {
			t.Errorf("no %v succeeded", verb(v))
		}
	}
	c := &all.Core
	for name, count := range map[string]uint64{
		"lost batches": all.BatchesLost, "refused batches": all.Refused, "drifts": all.Drifts, "ceilings": all.Ceilings,
		"passed": c.Passed, "write-backs": c.WriteBacks, "repairs": c.Repairs, "conflicts": c.Conflicts, "re-issues": c.Reissues,
		"hints stored": c.HintsStored, "hints replayed": c.HintsReplayed, "hints dropped": c.HintsDropped,
		"hints refused": c.HintsRefused, "speculations": c.Speculations, "budgets spent": c.OverBudget, "overloaded": c.Overloaded, "timeouts": c.Timeouts,
		"plans finished": all.Finished, "plans aborted": all.Aborted, "copies": all.Copies, "clears": all.Clears, "parked": all.Parked, "fenced": c.Fenced,
		"nodes lost": all.NodesLost, "nodes that left": all.Left, "withdrawn": all.Withdrawn, "rows moved in": c.MovedIn, "rows moved out": c.MovedOut,
	} {
		if count == 0 {
			t.Errorf("no %s", name)
		}
	}
	if all.Checks[checkUndecided]*20 > all.Checks[checkLinear] {
		t.Errorf("%d of %d histories were too long to decide", all.Checks[checkUndecided], all.Checks[checkLinear])
	}
}

// TestKnownSeeds runs the seeds that once found something.
func TestKnownSeeds(t *testing.T) {
	text, err := os.ReadFile("testdata/seeds")
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		word, found, _ := strings.Cut(lines.Text(), "\t")
		if strings.HasPrefix(word, "#") {
			continue
		}
		seed, err := strconv.ParseUint(word, 10, 64)
		if err != nil || found == "" {
			t.Fatalf("a bad line: %q", lines.Text())
		}
		mustHold(t, seed, Config{})
	}
}

// TestTraceIsTheSame runs seeds in two processes, built with and without what this test was built with, and compares all bytes of
// their traces. With -race this test compares the race detector's build.
func TestTraceIsTheSame(t *testing.T) {
	if os.Getenv("SIM_TRACE") != "" {
		t.Skip("the other process")
	}
	for _, seed := range []uint64{1, 5, 11} {
		here := traceOf(t, seed)
		there := childTrace(t, seed)
		if len(here) < 10_000 || !bytes.Equal(here, there) {
			t.Errorf("seed %d: traces of %d and %d bytes differ at %d", seed, len(here), len(there), firstDifference(here, there))
		}
	}
}

func traceOf(t *testing.T, seed uint64) []byte {
	t.Helper()
	var b bytes.Buffer
	r := Run(seed, Config{Ops: 150, Trace: &b})
	if r.Violation != nil {
		t.Fatal(r.Violation)
	}
	if quiet := Run(seed, Config{Ops: 150}); quiet.Trace != r.Trace {
		t.Errorf("seed %d: the hash is %x with and %x without somebody who reads", seed, r.Trace, quiet.Trace)
	}
	fmt.Fprintf(&b, "%016x\n", r.Trace)
	return b.Bytes()
}

func childTrace(t *testing.T, seed uint64) []byte {
	t.Helper()
	file := t.TempDir() + "/trace"
	cmd := exec.Command(os.Args[0], "-test.run", "^TestWriteTrace$")
	cmd.Env = append(os.Environ(), fmt.Sprintf("SIM_TRACE=%d", seed), "SIM_TRACE_FILE="+file)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestWriteTrace is the other process.
func TestWriteTrace(t *testing.T) {
	seed, err := strconv.ParseUint(os.Getenv("SIM_TRACE"), 10, 64)
	if err != nil {
		return // nobody asked
	}
	if err := os.WriteFile(os.Getenv("SIM_TRACE_FILE"), traceOf(t, seed), 0o600); err != nil {
		t.Fatal(err)
	}
}

func firstDifference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// TestProfiles: in a calm run nothing may fail, and a config can only take away.
func TestProfiles(t *testing.T) {
	r := mustHold(t, 3, Config{Profile: ProfileCalm})
	for v := range r.Totals.Verbs {
		if o := r.Totals.Verbs[v].Outcomes; o[refused]+o[unknown] > 0 {
			t.Errorf("%v: %v", verb(v), o)
		}
	}
	r = mustHold(t, 3, Config{Profile: ProfileChaos, Without: 1<<faultEnd - 1})
	for f, n := range r.Totals.Faults {
		if n > 0 {
			t.Errorf("%d times %v", n, fault(f))
		}
	}
}

func TestParseFaults(t *testing.T) {
	for _, s := range []FaultSet{0, 1, 1<<faultEnd - 1, 1<<faultCrash | 1<<faultSkew} {
		if got, err := ParseFaults(s.String()); err != nil || got != s {
			t.Errorf("%v came back as %v, %v", s, got, err)
		}
	}
	if _, err := ParseFaults("crash,flood"); err == nil {
		t.Error("a fault that does not exist was taken")
	}
}

func BenchmarkRun(b *testing.B) {
	for i := range b.N {
		if r := Run(uint64(i+1), Config{}); r.Violation != nil {
			b.Fatal(r.Violation)
		}
	}
}
