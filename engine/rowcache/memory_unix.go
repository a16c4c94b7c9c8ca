//go:build unix

package rowcache

import "golang.org/x/sys/unix"

// hugeFrom is the size from which on huge pages are asked for: random reads then miss the TLB less often.
const hugeFrom = 64 << 20

// allocate returns zeroed memory outside of the collected heap; pages cost nothing until they are written.
func allocate(n int) []byte {
	b, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return make([]byte, n)
	}
	if n >= hugeFrom {
		adviseHuge(b)
	}
	return b
}

func release(b []byte) {
	if len(b) > 0 {
		_ = unix.Munmap(b) // an error says that it was made by make: the collector's then
	}
}
