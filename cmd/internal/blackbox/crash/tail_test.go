//go:build blackbox

package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

// killedNode is a node under everysec that was killed and has not been started
// again, whose keys came in the order of their names.
type killedNode struct {
	*harness.Node
	keys int
	log  string // its last write-ahead log
}

// writeAndKill writes for a while, so that a part of the log is known to be on
// the disk, and kills in the middle, so that a part is not.
func writeAndKill(t *testing.T, during time.Duration) *killedNode {
	t.Helper()
	n := &killedNode{Node: harness.StartRondo(t, harness.Options{Durability: "everysec"})}
	c := harness.Dial(t, n.Clients)
	pace := time.NewTicker(300 * time.Microsecond) // few enough keys to look at all of them
	defer pace.Stop()
	for begin := time.Now(); time.Since(begin) < during; <-pace.C {
		key := tailKey(n.keys)
		if got := c.Do("SET", key, string(Value(key, uint64(n.keys)+1))); got != "+OK\r\n" {
			t.Fatalf("SET: %q", got)
		}
		n.keys++
	}
	n.Kill()
	logs := files(t, n.Dir, "rows/*.log")
	if len(logs) == 0 {
		t.Fatal("there is no log")
	}
	n.log = logs[len(logs)-1]
	return n
}

func tailKey(i int) string { return fmt.Sprintf("tail:%08d", i) }

// cut shortens the log to n bytes; a negative n is so many fewer.
func (n *killedNode) cut(t *testing.T, size int64) {
	t.Helper()
	st, err := os.Stat(n.log)
	if err != nil {
		t.Fatal(err)
	}
	if size < 0 {
		size += st.Size()
	}
	if err := os.Truncate(n.log, size); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s of %d bytes cut to %d, %d keys", filepath.Base(n.log), st.Size(), size, n.keys)
}

// prefix returns how many keys are there, and asserts that they are the first
// ones, each with its value.
func (n *killedNode) prefix(t *testing.T) int {
	t.Helper()
	c := harness.Dial(t, n.Clients)
	keys := make([]string, n.keys)
	for i := range keys {
		keys[i] = tailKey(i)
	}
	seen, there, ended := readKeys(t, c, keys), 0, false
	for i, key := range keys {
		l := seen[key]
		switch {
		case l.err != nil:
			t.Fatalf("%s: %v", key, l.err)
		case l.state.Absent:
			ended = true
		case ended:
			t.Fatalf("%s is there, one before it is not", key)
		case l.state.Seq != uint64(i)+1:
			t.Fatalf("%s is of operation %d", key, l.state.Seq)
		default:
			there++
		}
	}
	if size := dbSize(t, c); size != int64(there) {
		t.Errorf("DBSIZE is %d, %d keys are there", size, there)
	}
	return there
}

// said is what the node has logged since it was last started.
func (n *killedNode) said(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(n.Log)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)[strings.LastIndex(string(text), "\n--- ")+1:]
}

// TestTornTailIsCutOff takes a few bytes off the end, as a power cut may under
// everysec: a warning, and all but the last write. That write may have been the node's
// own, its mark, and then all keys are there.
func TestTornTailIsCutOff(t *testing.T) {
	n := writeAndKill(t, 300*time.Millisecond)
	n.cut(t, -5)
	n.Start()
	there := n.prefix(t)
	if there < n.keys-1 {
		t.Errorf("%d of %d keys are there, want all but the last", there, n.keys)
	}
	said := n.said(t)
	if !strings.Contains(said, "level=WARN") || !strings.Contains(said, filepath.Base(n.log)) {
		t.Errorf("no warning that names %s:\n%s", filepath.Base(n.log), said)
	}
	// It was mended: the next start has nothing to say, and nothing more is gone.
	n.Kill()
	n.Start()
	if left := n.prefix(t); left != there {
		t.Errorf("after another kill %d keys are there, want %d", left, there)
	}
	if said := n.said(t); strings.Contains(said, "level=WARN") {
		t.Errorf("warned again:\n%s", said)
	}
}

// TestTruncatedLogIsRefused takes away what had been on the disk.
func TestTruncatedLogIsRefused(t *testing.T) {
	n := writeAndKill(t, 3500*time.Millisecond)
	st, err := os.Stat(n.log)
	for wait := 4500 * time.Millisecond; err == nil && st.Size() < int64(n.keys)*300 && wait < 8*time.Second; wait += time.Second {
		// A new log was begun in the last second: nothing of it need have been synced, and all of it may be missing.
		t.Logf("a log of %d bytes after %d keys is too young", st.Size(), n.keys)
		n = writeAndKill(t, wait)
		st, err = os.Stat(n.log)
	}
	if err != nil {
		t.Fatal(err)
	}
	n.cut(t, st.Size()/8)
	code, output := refused(t, n.Dir)
	wantOneLine(t, code, output, "--accept-data-loss")
	if after, err := os.Stat(n.log); err != nil || after.Size() != st.Size()/8 {
		t.Errorf("the refusal changed the log: %v, %v", after, err)
	}

	host, port := harness.HostPort(t, n.Clients)
	t.Logf("accepting the loss at %s:%d", host, port)
	n.Node = harness.StartRondo(t, harness.Options{Dir: n.Dir, Port: port, Durability: "everysec", Flags: []string{"--accept-data-loss"}})
	there := n.prefix(t)
	said := n.said(t)
	if !strings.Contains(said, "level=ERROR") || !strings.Contains(said, "lost") {
		t.Errorf("the loss is not told loudly:\n%s", said)
	}
	t.Logf("accepted: %d of %d keys are left", there, n.keys)
	if there == 0 || there >= n.keys {
		t.Errorf("%d of %d keys after the cut", there, n.keys)
	}
	// The loss was accepted once; what is left starts without the flag.
	n.Stop()
	again := harness.StartRondo(t, harness.Options{Dir: n.Dir, Port: port})
	n.Node = again
	if left := n.prefix(t); left != there {
		t.Errorf("%d keys at the next start, want %d", left, there)
	}
}
