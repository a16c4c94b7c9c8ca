//go:build unix

package main

import "golang.org/x/sys/unix"

// openFiles is how many files this process may have open. The Go runtime has
// raised it as far as it may.
func openFiles() (limit uint64, known bool) {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		return 0, false
	}
	return uint64(r.Cur), true //nolint:unconvert // the types differ by system
}
