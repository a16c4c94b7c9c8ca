//go:build unix

package usage

import (
	"encoding/binary"
	"hash/fnv"
	"os"

	"golang.org/x/sys/unix"
)

// machineID is the same for all processes of one running kernel; 0 where it does not tell.
func machineID() uint64 {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write(b) // a hash takes all
	return h.Sum64()
}

// fileSystemID is the same for all directories of one file system of a machine; 0 where that is not known.
func fileSystemID(machine uint64, dir string) uint64 {
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil || machine == 0 {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, machine), uint64(st.Dev)))
	return h.Sum64()
}
