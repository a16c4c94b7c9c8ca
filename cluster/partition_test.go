package cluster

import (
	"testing"
	"unsafe"
)

// TestPartitionLines sees to it that what every operation touches of a partition is one line of the cache, not two.
func TestPartitionLines(t *testing.T) {
	const line = 64
	var p partition
	if size := unsafe.Sizeof(p); size%line != 0 {
		t.Errorf("a partition takes %d bytes: pad it to whole lines", size)
	}
	if end := unsafe.Offsetof(p.counted) + unsafe.Sizeof(p.counted); end > line {
		t.Errorf("what every operation touches ends at %d, past the first line", end)
	}
}
