package bench

import (
	"time"

	"golang.org/x/sys/unix"
)

// sleepUntil waits to within some 60 us of t. The runtime's timers may be a
// millisecond late, which an open loop would report as the server's latency.
func sleepUntil(t time.Time) {
	for {
		d := time.Until(t)
		if d <= 0 {
			return
		}
		ts := unix.NsecToTimespec(int64(d))
		_ = unix.Nanosleep(&ts, nil) // interrupted: the loop sleeps the rest
	}
}
