//go:build !unix

package usage

import "time"

func processorTime() (time.Duration, bool) { return 0, false }
