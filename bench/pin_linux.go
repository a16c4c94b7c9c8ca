package bench

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The signals that freeze and thaw a server.
const (
	freezeSignal = syscall.SIGSTOP
	thawSignal   = syscall.SIGCONT
)

// pinSelf moves every thread of this process to one core, with one processor
// for goroutines, and returns what undoes it. Threads that start later inherit
// the core from the thread that starts them.
func pinSelf(core int) (restore func(), err error) {
	var before, set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return nil, fmt.Errorf("bench: read affinity: %w", err)
	}
	set.Set(core)
	if err := pinThreads(&set); err != nil {
		return nil, errors.Join(fmt.Errorf("bench: pin the client to core %d: %w", core, err), pinThreads(&before))
	}
	procs := runtime.GOMAXPROCS(1)
	return func() {
		runtime.GOMAXPROCS(procs)
		_ = pinThreads(&before)
	}, nil
}

// pinThreads goes over the threads until a pass finds none that is new: one
// may start from a thread that the pass has not reached yet.
func pinThreads(set *unix.CPUSet) error {
	seen := map[string]bool{}
	for grew := true; grew; {
		grew = false
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		for _, t := range tasks {
			if seen[t.Name()] {
				continue
			}
			seen[t.Name()], grew = true, true
			tid, err := strconv.Atoi(t.Name())
			if err != nil {
				return err
			}
			if err := unix.SchedSetaffinity(tid, set); err != nil && !errors.Is(err, unix.ESRCH) {
				return err
			}
		}
	}
	return nil
}

// startPinned starts cmd on one core, or on any when core is negative. The
// child inherits the core from the thread that forks it, so it has it before
// its first instruction, when a Go runtime counts its processors. The child
// gets its own process group, for a terminal's Ctrl-C to reach only us,
// and is killed should this process die without stopping it.
func startPinned(cmd *exec.Cmd, core int) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if core >= 0 {
		var before, set unix.CPUSet
		if err := unix.SchedGetaffinity(0, &before); err != nil {
			return fmt.Errorf("bench: read affinity: %w", err)
		}
		set.Set(core)
		if err := unix.SchedSetaffinity(0, &set); err != nil {
			return fmt.Errorf("bench: pin to core %d: %w", core, err)
		}
		defer func() { _ = unix.SchedSetaffinity(0, &before) }()
	}
	return cmd.Start()
}

// processCPU returns the CPU time that process pid has used, its ended threads
// included. The process's CPU clock has nanoseconds; /proc/PID/stat, which
// alone tells user from system time, has hundredths of a second.
func processCPU(pid int) (cpuTimes, error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return cpuTimes{}, fmt.Errorf("bench: CPU time of process %d: %w", pid, err)
	}
	c, err := parseStat(stat)
	if err != nil {
		return c, err
	}
	const schedClock = 2 // CPUCLOCK_SCHED of the kernel's posix-timers
	var ts unix.Timespec
	if unix.ClockGettime(int32(^pid<<3|schedClock), &ts) == nil {
		c.total = time.Duration(ts.Nano())
	}
	return c, nil
}

// processCalls returns how many calls of the kinds of read and write process pid has made.
func processCalls(pid int) (int64, error) {
	io, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/io")
	if err != nil {
		return 0, fmt.Errorf("bench: calls of process %d: %w", pid, err)
	}
	return parseIO(io)
}

// processRSS returns the resident memory of process pid in bytes.
func processRSS(pid int) (int64, error) {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, fmt.Errorf("bench: memory of process %d: %w", pid, err)
	}
	return parseRSS(status)
}

// ownCPU is the CPU time of this process and its ended children.
func ownCPU() time.Duration {
	var sum time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var ru syscall.Rusage
		if syscall.Getrusage(who, &ru) == nil {
			sum += time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
		}
	}
	return sum
}

// machine describes the host in a few words.
func machine() string {
	var u unix.Utsname
	_ = unix.Uname(&u)
	model := "unknown CPU"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(info)) {
			if name, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(v)
				break
			}
		}
	}
	return fmt.Sprintf("%s, %d cores, Linux %s", model, runtime.NumCPU(), unix.ByteSliceToString(u.Release[:]))
}
