//go:build blackbox

package crash

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rondokv/rondo/cmd/internal/blackbox/harness"
)

const (
	flipTableKeys = 3000 // rest in tables
	flipLogKeys   = 1500 // rest in the log
)

// specimen is the directory of a stopped node and what it holds.
type specimen struct {
	dir  string
	keys []string
	seq  map[string]uint64
}

// newSpecimen makes a directory with rows in tables and rows in the log, of a
// node that was stopped politely or killed.
func newSpecimen(t *testing.T, clean bool) *specimen {
	t.Helper()
	s := &specimen{seq: make(map[string]uint64)}
	// Rows of an earlier run go into tables when the log is read again.
	node := harness.StartRondo(t, harness.Options{Dir: filepath.Join(t.TempDir(), "data")})
	s.dir = node.Dir
	s.fill(t, node, "table", flipTableKeys)
	node.Stop()
	node.Start()
	s.fill(t, node, "log", flipLogKeys)
	if clean {
		node.Stop()
	} else {
		node.Kill()
	}
	return s
}

func (s *specimen) fill(t *testing.T, node *harness.Node, prefix string, n int) {
	t.Helper()
	c := harness.Dial(t, node.Clients)
	for i := 0; i < n; i += 100 {
		var out []byte
		for j := i; j < min(n, i+100); j++ {
			key, seq := fmt.Sprintf("%s:%d", prefix, j), uint64(len(s.keys)+1)
			s.keys = append(s.keys, key)
			s.seq[key] = seq
			out = harness.AppendCommand(out, "SET", key, string(Value(key, seq)))
		}
		if err := c.Send(out); err != nil {
			t.Fatal(err)
		}
		for j := i; j < min(n, i+100); j++ {
			if reply, err := c.Receive(); err != nil || string(reply) != "+OK\r\n" {
				t.Fatalf("SET: %q, %v", reply, err)
			}
		}
	}
	_ = c.Close()
}

// copy makes a directory with the same files.
func (s *specimen) copy(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.CopyFS(dir, os.DirFS(s.dir)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// files returns the names of the files of one kind, below dir.
func files(t *testing.T, dir, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	var withBytes []string
	for _, n := range names {
		if st, err := os.Stat(n); err == nil && st.Size() > 0 {
			withBytes = append(withBytes, n)
		}
	}
	slices.Sort(withBytes)
	return withBytes
}

// kinds of files that are damaged, one at a time.
func kinds() []string {
	return []string{"rows/*.log", "rows/MANIFEST-*", "rows/*.sst", "rows/marker.*", "rows/OPTIONS-*", "RONDO"}
}

// TestFlippedByteIsReported changes one byte of a stopped node's directory: the
// server refuses to start and says which file, or every key is there or
// answers an error. Fewer keys without a word is the one thing that must not be.
func TestFlippedByteIsReported(t *testing.T) {
	flips := harness.Number(t, "CRASH_FLIPS", 20, 2)
	rng := rand.New(rand.NewPCG(seed(t), 200))
	for _, clean := range []bool{true, false} {
		name := "killed"
		if clean {
			name = "stopped"
		}
		t.Run(name, func(t *testing.T) {
			s := newSpecimen(t, clean)
			tally := make(map[string]map[string]int)
			for _, kind := range kinds() {
				tally[kind] = make(map[string]int)
				for range flips {
					dir := s.copy(t)
					all := files(t, dir, kind)
					if len(all) == 0 {
						break
					}
					tally[kind][s.flip(t, dir, all[rng.IntN(len(all))], rng)]++
					if err := os.RemoveAll(dir); err != nil {
						t.Fatal(err)
					}
				}
			}
			for _, kind := range kinds() {
				t.Logf("%s, %-16s %v", name, kind, tally[kind])
			}
			for _, kind := range kinds()[:3] {
				if len(tally[kind]) == 0 {
					t.Errorf("there was no %s to damage: nothing was tested", kind)
				}
			}
		})
	}
}

// flip changes one byte of one file, starts a node on it and says what came
// of it.
func (s *specimen) flip(t *testing.T, dir, file string, rng *rand.Rand) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	at, bit := rng.IntN(len(b)), byte(1+rng.IntN(255))
	b[at] ^= bit
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	what := fmt.Sprintf("%s, byte %d of %d ^ %#02x", filepath.Base(file), at, len(b), bit)

	node := harness.StartRondo(t, harness.Options{}) // for its ports
	node.Stop()
	node.Dir = dir
	if err := node.TryStart(); err != nil {
		return s.judgeRefusal(t, node, file, what)
	}
	defer node.Kill()
	return s.judgeKeys(t, node, what)
}

func (s *specimen) judgeRefusal(t *testing.T, node *harness.Node, file, what string) string {
	t.Helper()
	said := lastWords(t, node.Log)
	if strings.Contains(said, "goroutine ") || strings.Contains(said, "panic") {
		t.Errorf("%s: the server died instead of refusing:\n%s", what, said)
		return "panic"
	}
	if strings.Contains(said, "\n") {
		t.Errorf("%s: the refusal is more than one line: %q", what, said)
	}
	// The number is as good as the name; of OPTIONS, which is read together
	// with others, the directory has to do.
	name, _, _ := strings.Cut(filepath.Base(file), ".")
	name = strings.TrimPrefix(name, "MANIFEST-")
	if strings.HasPrefix(name, "OPTIONS-") {
		name = filepath.Dir(file)
	}
	if !strings.Contains(said, name) {
		t.Errorf("%s: the refusal does not name the file: %s", what, said)
		return "refused without its name"
	}
	return "refused"
}

// judgeKeys looks at every key, alone and through KEYS.
func (s *specimen) judgeKeys(t *testing.T, node *harness.Node, what string) string {
	t.Helper()
	c := harness.Dial(t, node.Clients)
	failed := 0
	for key, l := range readKeys(t, c, s.keys) {
		switch {
		case l.err != nil && len(l.raw) == 0:
			failed++
		case l.err != nil:
			t.Errorf("%s: %v", what, l.err)
			return "WRONG VALUE"
		case l.state.Absent:
			t.Errorf("%s: %s is gone and nobody says so", what, key)
			return "SILENTLY SHORTER"
		case l.state.Seq != s.seq[key]:
			t.Errorf("%s: %s is of operation %d, want %d", what, key, l.state.Seq, s.seq[key])
			return "OLDER VALUE"
		}
	}
	reply := c.Do("KEYS", "*")
	if n, _, _ := strings.Cut(reply, "\r\n"); reply[0] != '-' && n != fmt.Sprintf("*%d", len(s.keys)) {
		t.Errorf("%s: KEYS * shows %s of %d keys and no error (%d keys answer an error)", what, n, len(s.keys), failed)
		return "KEYS SHORTER"
	}
	if failed > 0 {
		return "errors for damaged keys"
	}
	return "all there"
}

// lastWords is what a server that refused wrote last: the lines that begin with
// its name.
func lastWords(t *testing.T, log string) string {
	t.Helper()
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	first := len(lines) - 1
	for first > 0 && strings.HasPrefix(lines[first-1], "rondo: ") {
		first--
	}
	return strings.Join(lines[first:], "\n")
}
