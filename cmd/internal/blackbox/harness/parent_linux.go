package harness

import "syscall"

// diesWithParent makes the kernel kill a server whose test was killed.
func diesWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
