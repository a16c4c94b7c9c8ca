package engine

import (
	"os"
	"path/filepath"
	"testing"
)

// TestReappearingLog: a log that was cut off, replayed and deleted comes back (its deletion was not synced) while a later
// log is in use. It must not be taken for damage.
func TestReappearingLog(t *testing.T) {
	dir := t.TempDir()
	o := small(Options{BootID: func() string { return "one" }})
	s := mustOpen(t, dir, o)
	defer s.Close()
	for i := range 19 {
		put(t, s, i, "x")
	}
	last := size(t, theFile(t, dir, "*.log")) // where the record of the last write begins
	put(t, s, 19, "x")
	found := killed(t, dir)
	log := theFile(t, found, "*.log")
	if err := os.Truncate(log, last+20); err != nil {
		t.Fatal(err)
	}
	second := mustOpen(t, found, o)
	defer second.Close()
	after, err := os.ReadFile(log)
	if err != nil {
		// Deleted already: what was there when Pebble opened is a prefix, kept as the log's end.
		whole, err := os.ReadFile(filepath.Join(found, tornDir, filepath.Base(log)))
		if err != nil {
			t.Fatal(err)
		}
		after = whole[:second.Recovery().LogOffset]
	}
	put(t, second, 50, "y")
	if err := second.Sync(); err != nil {
		t.Fatal(err)
	}
	again := killed(t, found)
	if err := os.WriteFile(filepath.Join(again, rowsDir, filepath.Base(log)), after, 0o600); err != nil {
		t.Fatal(err)
	}
	third := mustOpen(t, again, o)
	defer third.Close()
	if !has(t, third, 18) || has(t, third, 19) || !has(t, third, 50) {
		t.Error("wrong rows")
	}
}
