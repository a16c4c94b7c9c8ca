//go:build clockoffset

package main

import (
	"fmt"
	"os"
	"time"
)

// wallClock is wrong by CLOCK_OFFSET, a duration such as -3s. Only binaries for tests of wrong clocks are built with this
// file: from outside nothing can shift the clock of one process of a machine.
func wallClock() func() time.Time {
	text := os.Getenv("CLOCK_OFFSET")
	if text == "" {
		return nil
	}
	offset, err := time.ParseDuration(text)
	if err != nil {
		fmt.Fprintf(os.Stderr, "CLOCK_OFFSET=%s: %v\n", text, err)
		os.Exit(2)
	}
	return func() time.Time { return time.Now().Add(offset) }
}
