//go:build unix && !linux

package main

import (
	"os/exec"
	"syscall"
)

// detach puts a node into a process group of its own: Ctrl-C at the terminal is for rondo dev, which stops the nodes in order.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
