//go:build blackbox

package bigdata

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

const mb = 1 << 20

// verdict says whether a figure keeps its bound.
func verdict(ok bool) string {
	if ok {
		return "ok"
	}
	return "NOT OK"
}

// within prints a time and its bound.
func within(t *testing.T, what string, took, bound time.Duration) {
	t.Helper()
	t.Logf("%-42s %10v   bound %v: %s", what, took.Round(100*time.Microsecond), bound, verdict(took < bound))
}

// status reads a figure of the node's process, in bytes: VmRSS, VmHWM.
func status(t *testing.T, n *harness.Node, field string) int64 {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(n.PID()), "status"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := bytes.Cut(text, []byte(field+":"))
	var kb int64
	if _, err := fmt.Sscanf(string(rest), "%d kB", &kb); err != nil {
		t.Fatalf("no %s in the status of the process: %v", field, err)
	}
	return kb << 10
}

// diskUsage is what the files below dir take on the disk.
func diskUsage(t *testing.T, dir string) (total int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return ignoreGone(err)
		}
		info, err := d.Info()
		if err != nil {
			return ignoreGone(err)
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			total += st.Blocks * 512
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return total
}

// ignoreGone passes over files that a compaction has removed meanwhile.
func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// figures of INFO, those named.
func figures(t *testing.T, n *harness.Node, names ...string) string {
	t.Helper()
	c := harness.Dial(t, n.Clients)
	defer func() { _ = c.Close() }()
	var out []string
	for line := range strings.Lines(c.Do("INFO", "rondo")) {
		for _, name := range names {
			if value, ok := strings.CutPrefix(line, "store_"+name+":"); ok {
				out = append(out, name+" "+strings.TrimSpace(value))
			}
		}
	}
	return strings.Join(out, ", ")
}

// size waits until keys are counted and returns DBSIZE.
func size(t *testing.T, n *harness.Node) int64 {
	t.Helper()
	c := harness.Dial(t, n.Clients)
	defer func() { _ = c.Close() }()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.After(10 * time.Minute)
	for {
		reply := strings.TrimSpace(c.Do("DBSIZE"))
		if count, ok := strings.CutPrefix(reply, ":"); ok {
			keys, err := strconv.ParseInt(count, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return keys
		}
		if !strings.HasPrefix(reply, "-LOADING") {
			t.Fatalf("DBSIZE: %q", reply)
		}
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("keys are still being counted after 10 minutes")
		}
	}
}

// profile fetches a profile from the node, in the background, into the
// directory that was asked for. wait returns when it is there.
func profile(t *testing.T, n *harness.Node, name, path string) (wait func()) {
	t.Helper()
	dir := os.Getenv("BIGDATA_PROFILES")
	if dir == "" {
		return func() {}
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := fetch("http://"+n.Admin+"/debug/pprof/"+path, filepath.Join(dir, name)); err != nil {
			t.Errorf("profile %s: %v", name, err)
		}
	})
	return wg.Wait
}

func fetch(url, file string) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = io.Copy(f, resp.Body)
	return err
}
