package dynamo

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rondokv/rondo/engine/object"
)

// -rewrite writes what the stories print into their files. It does not change what they expect.
func rewriting() bool {
	f := flag.Lookup("rewrite")
	return f != nil && f.Value.String() == "true"
}

var _ = flag.Bool("rewrite", false, "write what the stories print into their files")

// storyFiles returns the stories: those of the protocol, and in schedules/ those that show what a level does not promise.
func storyFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	for _, pattern := range []string{"testdata/stories/*.txt", "testdata/stories/schedules/*.txt"} {
		some, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, some...)
	}
	return files
}

// TestStories plays every story and compares what it prints, the indented lines, with what its file says.
func TestStories(t *testing.T) {
	for _, file := range storyFiles(t) {
		name := strings.TrimSuffix(strings.TrimPrefix(file, "testdata/stories/"), ".txt")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(string(text), "# ") || !strings.Contains(string(text), "\n# Source: ") {
				t.Error("a story begins with a comment that says what it shows, and has a line that begins with \"# Source: \"")
			}
			got, err := tell(string(text))
			if err != nil {
				t.Fatalf("%v\n%s", err, got)
			}
			switch {
			case got == string(text):
			case rewriting():
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			default:
				t.Errorf("it went otherwise than told (-rewrite to tell it anew):\n%s", difference(string(text), got))
			}
		})
	}
}

// tell plays a story and returns its text with the lines that it prints now.
func tell(text string) (told string, err error) {
	var out strings.Builder
	var s *stage
	settle := true
	line := 0
	defer func() {
		if r := recover(); r != nil {
			told, err = out.String()+printed(s), fmt.Errorf("line %d: panic: %v", line, r)
		}
	}()
	for l := range strings.Lines(text) {
		line++
		l = strings.TrimRight(l, "\n")
		if strings.HasPrefix(l, "    ") {
			continue // of the last time
		}
		out.WriteString(l + "\n")
		if l == "" || l[0] == '#' {
			continue
		}
		switch {
		case strings.HasPrefix(l, "cluster"):
			s, err = newStageOf(l)
		case s == nil:
			err = fmt.Errorf("no cluster yet")
		default:
			settle = settle && l != "end drifted"
			err = s.run(l)
		}
		out.WriteString(printed(s))
		if err != nil {
			return out.String(), fmt.Errorf("line %d: %s: %w", line, l, err)
		}
	}
	if s != nil && settle {
		line++
		if err := s.settle(); err != nil {
			return out.String(), fmt.Errorf("after the end, healed: %w", err)
		}
	}
	return out.String(), nil
}

// printed takes what the stage has printed.
func printed(s *stage) string {
	if s == nil {
		return ""
	}
	var b strings.Builder
	for l := range strings.Lines(s.out.String()) {
		b.WriteString("    " + l)
	}
	s.out.Reset()
	return b.String()
}

func difference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range g {
		if i >= len(w) || w[i] != g[i] {
			end := min(len(g), i+12)
			return fmt.Sprintf("from line %d on:\n%s", i+1, strings.Join(g[i:end], "\n"))
		}
	}
	return "the story ends earlier"
}

// settle heals everything, lets all keys be read at ALL, and checks that the home replicas are equal, no hints are left and
// nothing is under way: however a story goes, it must be able to end so.
func (s *stage) settle() error {
	s.holds = nil
	commands := []string{"quiet"}
	restarted := map[*actor]int{}
	for _, a := range s.nodes {
		if a.p == nil {
			restarted[a]++
			commands = append(commands, "restart "+a.name)
		}
		a.full, a.unread, a.wall = false, false, 0
		commands = append(commands, "fast "+a.name)
		if s.moving == "" {
			commands = append(commands, "epoch "+a.name+" 9")
		}
	}
	if err := s.runAll(append(commands, "release", "heal")); err != nil {
		return err
	}
	if s.moving != "" {
		if err := s.finishPlan(); err != nil {
			return err
		}
	}
	if err := s.run("advance 20s"); err != nil {
		return err
	}
	for _, p := range s.requests {
		if !p.done && p.life == p.at.lives && restarted[p.at] == 0 {
			return fmt.Errorf("#%d was never answered", p.number)
		}
	}
	for _, key := range s.keys {
		p, err := s.begin(s.nodes[0], "HGETALL "+key+" ALL")
		if err != nil {
			return err
		}
		s.pass(Time(2000) * Millisecond)
		if p.r.Err != nil || !p.done {
			return fmt.Errorf("%s: %s", p.text, p.result)
		}
	}
	s.out.Reset()
	return s.checkQuiet()
}

// homes are the partition's home replicas in the latest ring.
func (s *stage) homes() (nodes []*actor) {
	for _, id := range s.ring.PreferenceList(0) {
		nodes = append(nodes, s.nodes[id-1])
	}
	return nodes
}

func (s *stage) checkQuiet() error {
	for _, key := range s.keys {
		var first uint64
		for i, a := range s.homes() {
			d := a.digest(key)
			if i == 0 {
				first = d
			}
			if d != first {
				s.rows(key)
				return fmt.Errorf("the replicas differ in %s:\n%s", key, s.out.String())
			}
		}
	}
	if s.hints() > 0 {
		return fmt.Errorf("hints are left:\n%s", s.out.String())
	}
	for _, a := range s.nodes {
		if !slices.Contains(s.homes(), a) {
			if err := s.nothingAt([]string{a.name}); err != nil {
				return err
			}
		}
		if t, ok := a.p.NextTimer(); ok || a.p.Busy() || len(a.p.Hinted()) > 0 {
			return fmt.Errorf("%s is not quiet: timer %v at %s of %s, busy %v, hints %v", a.name, ok, timeText(t), timeText(s.now), a.p.Busy(), a.p.Hinted())
		}
	}
	return nil
}

// digest is that of a key with all its elements in the node's own rows.
func (a *actor) digest(key string) uint64 {
	var k object.KeyState
	a.stored(object.SpaceData, func(_ object.NodeID, rk object.RowKey, row []byte) {
		if rk.Database {
			var d object.KeyRow
			if err := d.DecodeRow(row); err != nil {
				panic(err)
			}
			k.Database = d.Cleared
			return
		}
		if string(rk.Ref.Name) != key {
			return
		}
		if len(rk.Sub) == 0 {
			if err := k.Row.DecodeRow(row); err != nil {
				panic(err)
			}
			return
		}
		var e object.ElementRow
		if err := e.DecodeRow(row); err != nil {
			panic(err)
		}
		if _, err := k.MergeElement(rk.Sub, &e); err != nil {
			panic(err)
		}
	})
	return k.Digest(object.Secret{K0: 1, K1: 2})
}
