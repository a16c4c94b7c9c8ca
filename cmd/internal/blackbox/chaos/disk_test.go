//go:build blackbox

package chaos

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// filled leaves a node no room on its disk for a while.
func filled(s *scene) string {
	n, d := s.victim(), s.between(3*time.Second, 10*time.Second)
	began := time.Now()
	filler := filepath.Join(n.dir, "filler")
	size, err := fill(filler, n.dir)
	if err != nil {
		s.t.Fatalf("fill the disk of node %d: %v", n.number, err)
	}
	// The node looks at its disk from time to time, and says so.
	noticed := s.awaitMetric(n, "rondo_store_disk_full", "", 1)
	pass(d)
	if err := os.Remove(filler); err != nil {
		s.t.Fatal(err)
	}
	s.awaitMetric(n, "rondo_store_disk_full", "", 0)
	refused := s.metric(n, "rondo_store_refused_writes_total", "")
	if noticed && refused == 0 {
		s.t.Errorf("node %d had no room for %v and refused nothing", n.number, d)
	}
	return fmt.Sprintf("disk of node %d filled up with %d MiB for %v, %.0f writes refused since its start", n.number, size>>20, time.Since(began).Round(time.Millisecond), refused)
}

// fill writes until half of what a node wants to be free is.
func fill(path, dir string) (size int64, err error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return 0, err
	}
	size = int64(fs.Bavail)*fs.Bsize - reserveBytes/2
	f, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	block := make([]byte, 1<<20)
	for left := size; left > 0 && err == nil; left -= int64(len(block)) {
		_, err = f.Write(block[:min(left, int64(len(block)))])
	}
	return size, errors.Join(err, f.Close())
}
