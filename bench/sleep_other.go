//go:build !linux

package bench

import "time"

// sleepUntil waits until t, to the precision of the runtime's timers.
func sleepUntil(t time.Time) { time.Sleep(time.Until(t)) }
