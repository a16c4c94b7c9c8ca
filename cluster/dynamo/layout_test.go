package dynamo

import (
	"testing"
	"unsafe"
)

// TestPartitionLines sees to it that what every operation of a ring of one touches fits into two lines of the cache.
func TestPartitionLines(t *testing.T) {
	var p Partition
	if end := unsafe.Offsetof(p.cleared) + unsafe.Sizeof(p.cleared[0]); end > 2*64 {
		t.Errorf("the cleared of database 0 ends at %d", end)
	}
}
