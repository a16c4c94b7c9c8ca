package engine

import (
	"fmt"
	"sync/atomic"
)

// latch remembers the first failed write or fsync. From then on nothing is acknowledged any more: after a failed fsync the
// kernel may have dropped the dirty pages, so a second fsync that succeeds proves nothing.
type latch struct {
	first   atomic.Pointer[error]
	onFatal func(error)
}

// fail latches err and returns the latched error, wrapped in ErrFatal.
func (l *latch) fail(op string, err error) error {
	e := fmt.Errorf("%w: %s: %w", ErrFatal, op, err)
	if l.first.CompareAndSwap(nil, &e) {
		// In a goroutine of its own: the caller may hold locks of Pebble.
		go l.onFatal(e)
	}
	return *l.first.Load()
}

// err returns the latched error, or nil.
func (l *latch) err() error {
	if p := l.first.Load(); p != nil {
		return *p
	}
	return nil
}

// pebbleLog hands Pebble's log lines on. Pebble ends the process in Fatalf where its state can no longer be trusted (a
// failed manifest sync, a failed log rotation); here that latches, and the goroutine stops for good with whatever locks it
// holds, since Pebble must not go on and OnFatal ends the process.
type pebbleLog struct {
	latch *latch
	log   func(string)
}

func (pebbleLog) Infof(string, ...any) {}

func (p pebbleLog) Errorf(format string, args ...any) { p.log(fmt.Sprintf(format, args...)) }

func (p pebbleLog) Fatalf(format string, args ...any) {
	_ = p.latch.fail("pebble", fmt.Errorf(format, args...))
	select {}
}
