package bench

import (
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestPinSelf(t *testing.T) {
	var before, pinned, after unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		t.Fatal(err)
	}
	core := 0
	for !before.IsSet(core) {
		core++
	}
	restore, err := pinSelf(core)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.SchedGetaffinity(0, &pinned); err != nil || pinned.Count() != 1 || !pinned.IsSet(core) || runtime.GOMAXPROCS(0) != 1 {
		t.Errorf("pinned to %d cores, %d processors, %v", pinned.Count(), runtime.GOMAXPROCS(0), err)
	}
	restore()
	if err := unix.SchedGetaffinity(0, &after); err != nil || after != before {
		t.Errorf("after restore %d cores, before %d, %v", after.Count(), before.Count(), err)
	}
}

// TestStartPinned asks the child itself.
func TestStartPinned(t *testing.T) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		t.Fatal(err)
	}
	core := 0
	for !set.IsSet(core) {
		core++
	}
	var out strings.Builder
	cmd := exec.Command("sh", "-c", "grep Cpus_allowed_list /proc/self/status")
	cmd.Stdout = &out
	if err := startPinned(cmd, core); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if fields := strings.Fields(out.String()); len(fields) != 2 || fields[1] != string(rune('0'+core)) {
		t.Errorf("child runs on %q, want core %d", out.String(), core)
	}
	var after unix.CPUSet
	if err := unix.SchedGetaffinity(0, &after); err != nil || after != set {
		t.Errorf("the parent's cores changed: %d, before %d, %v", after.Count(), set.Count(), err)
	}
}
