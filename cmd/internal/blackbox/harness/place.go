package harness

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// place is where a server keeps its things during a test.
type place struct{ dir, log string }

// newPlace makes a directory that outlives the test only if the test failed.
func newPlace(t testing.TB, name string) place {
	t.Helper()
	dir, err := os.MkdirTemp("", "blackbox-"+name+"-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("kept %s", dir)
			return
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Logf("left behind: %v", err)
		}
	})
	return place{dir: dir, log: filepath.Join(dir, name+".log")}
}

func mustPort(t testing.TB) int {
	t.Helper()
	port, err := FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// portTaken says whether a server's log tells that another process was faster.
func portTaken(log string) bool {
	text, err := os.ReadFile(log)
	return err == nil && (bytes.Contains(text, []byte("in use")) || bytes.Contains(text, []byte("bind:")))
}
