package server

import (
	"bytes"
	"os"
	"runtime/metrics"
	"strconv"
	"sync/atomic"
)

// memoryFigures is the memory of this process, in bytes.
type memoryFigures struct {
	used     int64 // taken by the Go runtime for what is in use
	heap     int64 // live and not yet collected objects
	heapFree int64 // held for reuse
	resident int64 // as the system counts; equals used where it does not tell
	peak     int64 // greatest used seen
}

// memory reads the figures: some microseconds.
func (a *adminState) memory() memoryFigures {
	samples := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
	}
	metrics.Read(samples)
	at := func(i int) int64 {
		if samples[i].Value.Kind() != metrics.KindUint64 {
			return 0
		}
		return int64(samples[i].Value.Uint64())
	}
	m := memoryFigures{used: at(0) - at(1) - at(2), heap: at(3), heapFree: at(2)}
	m.resident = residentBytes()
	if m.resident == 0 {
		m.resident = m.used
	}
	m.peak = raise(&a.peak, m.used)
	return m
}

// raise makes v at least n and returns it.
func raise(v *atomic.Int64, n int64) int64 {
	for {
		old := v.Load()
		if n <= old {
			return old
		}
		if v.CompareAndSwap(old, n) {
			return n
		}
	}
}

// residentBytes is what /proc says of this process; 0 where there is none.
func residentBytes() int64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	f := bytes.Fields(b)
	if len(f) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(f[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// cpuTimes is processor time in seconds: of this process, and of its children
// that ended.
type cpuTimes struct{ sys, user, childSys, childUser float64 }

// systemMemory is what /proc says the machine has, in bytes; 0 where there is none.
func systemMemory() int64 {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	line, _, _ := bytes.Cut(b, []byte("\n"))
	f := bytes.Fields(line) // MemTotal: 123 kB
	if len(f) < 2 {
		return 0
	}
	kb, err := strconv.ParseInt(string(f[1]), 10, 64)
	if err != nil {
		return 0
	}
	return kb << 10
}
