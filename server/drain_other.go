//go:build !linux

package server

import (
	"net"
	"syscall"
	"time"
)

const endCheck = 100 * time.Millisecond

// rawSocket: only what Linux's poller promises is relied upon.
func rawSocket(net.Conn) syscall.RawConn { return nil }

func (w *wire) drain(syscall.RawConn) error { return nil }
