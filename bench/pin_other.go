//go:build !linux

package bench

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

const (
	freezeSignal = syscall.SIGTERM // never sent: no server is started
	thawSignal   = syscall.SIGTERM
)

// errNeedsLinux answers what reads /proc, pins cores or polls.
var errNeedsLinux = fmt.Errorf("bench: comparing servers needs Linux: %w", errors.ErrUnsupported)

func pinSelf(int) (func(), error) { return nil, errNeedsLinux }

func startPinned(*exec.Cmd, int) error { return errNeedsLinux }

func processCPU(int) (cpuTimes, error) { return cpuTimes{}, errNeedsLinux }

func processCalls(int) (int64, error) { return 0, errNeedsLinux }

func processRSS(int) (int64, error) { return 0, errNeedsLinux }

func ownCPU() time.Duration { return 0 }

func machine() string { return runtime.GOOS + "/" + runtime.GOARCH }
