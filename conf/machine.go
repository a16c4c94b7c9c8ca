package conf

import (
	"bufio"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// Machine is what "auto" is a share of.
type Machine struct {
	MemoryBytes int64 // the smaller of the machine's memory and the control group's limit
	DiskBytes   int64 // size of the file system that holds the data directory
}

// assumedMemory stands in where the system does not tell its memory.
const assumedMemory = 2 * gb

// Probe asks the system for its memory and for the size of the file system
// that holds dir, or the nearest parent of it that exists.
func Probe(dir string) Machine {
	m := Machine{MemoryBytes: memoryBytes(os.DirFS("/"))}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return m
	}
	for {
		if n, ok := diskBytes(abs); ok {
			m.DiskBytes = n
			return m
		}
		parent := filepath.Dir(abs)
		if parent == abs {
			return m
		}
		abs = parent
	}
}

// memoryBytes reads the memory and the limits from the proc and sys trees
// under root.
func memoryBytes(root fs.FS) int64 {
	total := assumedMemory
	if b, err := fs.ReadFile(root, "proc/meminfo"); err == nil {
		if n, ok := memTotal(string(b)); ok {
			total = n
		}
	}
	group, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return total
	}
	for _, dir := range cgroupPaths(string(group)) {
		for _, file := range []string{"memory.max", "memory.limit_in_bytes"} {
			b, err := fs.ReadFile(root, path.Join(dir, file))
			if err != nil {
				continue
			}
			// "max" and the huge number of version 1 both mean no limit.
			if n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64); err == nil && n > 0 {
				total = min(total, n)
			}
		}
	}
	return total
}

// memTotal reads "MemTotal:  24684020 kB".
func memTotal(meminfo string) (int64, bool) {
	lines := bufio.NewScanner(strings.NewReader(meminfo))
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) == 3 && f[0] == "MemTotal:" && f[2] == "kB" {
			n, err := strconv.ParseInt(f[1], 10, 64)
			return n * kb, err == nil && n > 0
		}
	}
	return 0, false
}

// cgroupPaths returns the directories whose limits hold for a process with
// this /proc/self/cgroup, for both versions of control groups.
func cgroupPaths(procSelfCgroup string) (dirs []string) {
	lines := bufio.NewScanner(strings.NewReader(procSelfCgroup))
	for lines.Scan() {
		parts := strings.SplitN(lines.Text(), ":", 3)
		if len(parts) != 3 {
			continue
		}
		base := ""
		switch {
		case parts[0] == "0" && parts[1] == "":
			base = "sys/fs/cgroup"
		case parts[1] == "memory":
			base = "sys/fs/cgroup/memory"
		default:
			continue
		}
		// Every ancestor's limit holds as well; inside a container the path may
		// not exist at all and only the root does.
		for dir := path.Clean("/" + parts[2]); ; dir = path.Dir(dir) {
			dirs = append(dirs, path.Join(base, dir))
			if dir == "/" {
				break
			}
		}
	}
	return dirs
}
