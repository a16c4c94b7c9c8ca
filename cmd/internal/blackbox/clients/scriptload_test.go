//go:build blackbox

package clients

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

// startLoad begins a load at an address, on a face, and books it until stop is called.
type startLoad func(t *testing.T, addr string, face Face, load Load, ledger *Ledger) (stop func())

// nodeLoad runs a load with a library of testdata/node.
func nodeLoad(m modules, library string) startLoad {
	return func(t *testing.T, addr string, face Face, load Load, ledger *Ledger) func() {
		t.Helper()
		node := harness.Tool(t, "node")
		harness.Tool(t, "npm")
		dir, err := m()
		if err != nil {
			t.Fatal(err)
		}
		return scriptLoad(t, dir, []string{node, "load.js", library}, addr, face, load, ledger)
	}
}

func hasNode() bool {
	_, node := exec.LookPath("node")
	_, npm := exec.LookPath("npm")
	return node == nil && npm == nil
}

// pythonLoad runs a load with redis-py.
func pythonLoad(t *testing.T, addr string, face Face, load Load, ledger *Ledger) func() {
	t.Helper()
	return scriptLoad(t, "testdata", []string{python(t), "load.py"}, addr, face, load, ledger)
}

func scriptLoad(t *testing.T, dir string, argv []string, addr string, face Face, load Load, ledger *Ledger) (stop func()) {
	t.Helper()
	mode := "plain"
	if face == Cluster {
		mode = "cluster"
	}
	host, port := harness.HostPort(t, addr)
	cmd := exec.Command(argv[0], append(argv[1:], mode, host, strconv.Itoa(port))...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var r Report
			if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
				r = Report{Wrong: []string{"the script says " + lines.Text()}}
			}
			ledger.Note(r)
		}
	})
	if err := json.NewEncoder(in).Encode(load); err != nil {
		t.Fatal(err)
	}
	return func() {
		_ = in.Close() // that is the end of the load
		dead := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		defer dead.Stop()
		reading.Wait()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %v", argv, err)
		}
		if stderr.Len() > 0 {
			t.Logf("%v: %s", argv, stderr.Bytes())
		}
	}
}
