package main

import (
	"os/exec"
	"syscall"
)

// detach puts a node into a process group of its own: Ctrl-C at the terminal is for rondo dev, which stops the nodes in order. When
// that is gone without a word, the kernel tells them to stop. REQUIRES: the thread that starts them lives as long as rondo dev.
func detach(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
