package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// exitInterrupted is what shells report for a command that SIGINT ended.
const exitInterrupted = 130

// stopOnSignal returns a context that the first SIGINT, SIGTERM or SIGHUP
// ends. The second signal ends the process at once: what was acknowledged is
// in the kernel's hands already.
func stopOnSignal(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // under nohup it is
		signal.Notify(signals, syscall.SIGHUP)
	}
	done := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-signals:
		case <-done:
			return
		}
		cancel()
		select {
		case <-signals:
			os.Exit(exitInterrupted)
		case <-done:
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		<-ended
		cancel()
	}
}
