package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"github.com/rondokv/rondo/engine/enginetest"
	"github.com/rondokv/rondo/engine/object"
)

func put(t testing.TB, s *Store, n int, payload string) {
	t.Helper()
	c, err := s.Apply([]object.Write{{Key: enginetest.Key(n), Row: enginetest.Row(payload)}})
	if err != nil {
		t.Fatalf("apply: %v", err)
	}
	if err := c.Wait(); err != nil {
		t.Fatalf("wait: %v", err)
	}
}

func has(t testing.TB, s *Store, n int) bool {
	t.Helper()
	row, err := s.Get(nil, enginetest.Key(n))
	if err != nil {
		t.Fatalf("get %d: %v", n, err)
	}
	return row != nil
}

// killed copies the directory of an open store as the death of its process would leave it: every byte written is there.
func killed(t testing.TB, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// theFile returns the newest file that matches.
func theFile(t testing.TB, dir, pattern string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, rowsDir, pattern))
	if err != nil || len(names) == 0 {
		t.Fatalf("no %s in %s: %v", pattern, dir, err)
	}
	return names[len(names)-1]
}

func flip(t testing.TB, name string, at int64) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	var b [1]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 0x10
	if _, err := f.WriteAt(b[:], at); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func size(t testing.TB, name string) int64 {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// TestFlippedLog flips bytes all over the log that a killed process left: of a fresh directory's first log, too.
func TestFlippedLog(t *testing.T) {
	for _, d := range []Durability{EverySec, Always} {
		for _, fresh := range []bool{true, false} {
			t.Run(fmt.Sprintf("%v/fresh=%v", d, fresh), func(t *testing.T) {
				dir := t.TempDir()
				o := small(Options{Durability: d})
				if !fresh {
					if err := mustOpen(t, dir, o).Close(); err != nil {
						t.Fatal(err)
					}
				}
				s := mustOpen(t, dir, o)
				defer s.Close()
				for i := range 400 {
					put(t, s, i, strings.Repeat("x", 300))
				}
				log := size(t, theFile(t, dir, "*.log"))
				for _, at := range []int64{0, 3, 5, 8, log / 7, log / 2, log - 5000, log - 400, log - 10} {
					found := killed(t, dir)
					flip(t, theFile(t, found, "*.log"), at)
					s, err := Open(found, o)
					if err == nil {
						t.Fatalf("byte %d of %d flipped: opened, %+v", at, log, s.Recovery())
					}
					if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), ".log") || !strings.Contains(err.Error(), "--accept-data-loss") {
						t.Fatalf("byte %d of %d flipped: %v", at, log, err)
					}
				}
				found := killed(t, dir)
				flip(t, theFile(t, found, "*.log"), log/2)
				o.AcceptDataLoss = true
				left := mustOpen(t, found, o)
				defer left.Close()
				if !has(t, left, 100) || has(t, left, 399) || !left.Recovery().DamagedLog || left.Recovery().Dropped == 0 {
					t.Fatalf("data loss accepted: %+v", left.Recovery())
				}
			})
		}
	}
}

// TestShortLog cuts the log of a killed process: before the high-water mark that is a loss, behind it a write cut off.
func TestShortLog(t *testing.T) {
	dir := t.TempDir()
	o := small(Options{})
	s := mustOpen(t, dir, o)
	defer s.Close()
	for i := range 100 {
		put(t, s, i, "before")
	}
	atMark := size(t, theFile(t, dir, "*.log"))
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	for i := 100; i < 199; i++ {
		put(t, s, i, "behind")
	}
	last := size(t, theFile(t, dir, "*.log")) // where the record of the last write begins
	put(t, s, 199, "behind")

	cut := func(n int64) string {
		found := killed(t, dir)
		if err := os.Truncate(theFile(t, found, "*.log"), n); err != nil {
			t.Fatal(err)
		}
		return found
	}
	left := mustOpen(t, cut(last+20), o)
	if !has(t, left, 99) || !has(t, left, 198) || has(t, left, 199) {
		t.Error("a log cut in its last record lost more or less than that")
	}
	if err := left.Close(); err != nil {
		t.Fatal(err)
	}
	// In the middle of a record the scan sees it, at the end of one only the mark does.
	for _, n := range []int64{atMark, atMark - 7} {
		found := cut(n)
		_, err := Open(found, o)
		if !errors.Is(err, ErrTruncatedLog) && !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "--accept-data-loss") {
			t.Fatalf("log cut before the mark: %v", err)
		}
		if n == atMark && !errors.Is(err, ErrTruncatedLog) {
			t.Errorf("log cut between two records: %v", err)
		}
		if _, err = Open(found, o); err == nil {
			t.Fatal("refused once, opened the second time")
		}
		accept := o
		accept.AcceptDataLoss = true
		left := mustOpen(t, found, accept)
		if !has(t, left, 90) || !left.Recovery().TruncatedLog && !left.Recovery().DamagedLog {
			t.Errorf("data loss accepted: %+v", left.Recovery())
		}
		if err := left.Close(); err != nil {
			t.Fatal(err)
		}
		if err := mustOpen(t, found, o).Close(); err != nil { // accepted once, it is over
			t.Fatal(err)
		}
	}
}

// TestTornTail: after a loss of power under EverySec, damage behind the mark is the end of the log, before it is damage.
func TestTornTail(t *testing.T) {
	dir := t.TempDir()
	o := small(Options{BootID: func() string { return "one" }})
	s := mustOpen(t, dir, o)
	defer s.Close()
	for i := range 100 {
		put(t, s, i, strings.Repeat("x", 300))
	}
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	mark := size(t, theFile(t, dir, "*.log"))
	for i := 100; i < 200; i++ {
		put(t, s, i, strings.Repeat("x", 300))
	}
	rebooted := o
	rebooted.BootID = func() string { return "two" }
	for _, c := range []struct {
		at   int64
		o    Options
		want error
	}{
		{mark + 10_000, rebooted, nil},
		{mark - 10_000, rebooted, ErrCorrupt},
		{mark + 10_000, o, ErrCorrupt},
	} {
		found := killed(t, dir)
		flip(t, theFile(t, found, "*.log"), c.at)
		left, err := Open(found, c.o)
		if !errors.Is(err, c.want) {
			t.Fatalf("damage %d from the mark: %v, want %v", c.at-mark, err, c.want)
		}
		if err != nil {
			continue
		}
		if r := left.Recovery(); !has(t, left, 99) || has(t, left, 199) || !r.TornTail || r.Dropped == 0 || r.TruncatedLog {
			t.Errorf("torn tail: %+v", r)
		}
		if err := left.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFlippedManifest(t *testing.T) {
	dir := t.TempDir()
	o := small(Options{})
	s := mustOpen(t, dir, o)
	for i := range 20 { // each flush is an edit
		put(t, s, i, "x")
		if err := s.db.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	defer s.Close()
	n := size(t, theFile(t, dir, "MANIFEST-*"))
	for _, at := range []int64{2, 20, n / 3, n / 2, n - 30, n - 1} {
		found := killed(t, dir)
		flip(t, theFile(t, found, "MANIFEST-*"), at)
		tables, _ := filepath.Glob(filepath.Join(found, rowsDir, "*.sst"))
		if _, err := Open(found, o); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("byte %d of %d flipped: %v", at, n, err)
		}
		if left, _ := filepath.Glob(filepath.Join(found, rowsDir, "*.sst")); len(left) != len(tables) {
			t.Fatalf("byte %d flipped: %d of %d tables are left", at, len(left), len(tables))
		}
	}
}

func TestFlippedTable(t *testing.T) {
	dir := t.TempDir()
	o := small(Options{})
	s := mustOpen(t, dir, o)
	for i := range 2000 {
		put(t, s, i, fmt.Sprintf("%d %d %d", i, i*i*7919, i*31337))
	}
	if err := s.db.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	flip(t, theFile(t, dir, "*.sst"), 3000)
	s = mustOpen(t, dir, o)
	defer s.Close()
	bad := 0
	for i := range 2000 {
		row, err := s.Get(nil, enginetest.Key(i))
		var q *QuarantinedError
		switch {
		case errors.As(err, &q):
			bad++
		case err != nil || row == nil:
			t.Fatalf("row %d: %q, %v", i, row, err)
		}
	}
	if bad == 0 || bad == 2000 || s.Metrics().QuarantinedRows != int64(bad) {
		t.Fatalf("%d rows quarantined, metrics say %d", bad, s.Metrics().QuarantinedRows)
	}
	if err := s.Scan(enginetest.Key(0), enginetest.Key(3000), func(_, _ []byte) bool { return true }); !errors.Is(err, ErrQuarantined) {
		t.Fatalf("scan over a bad block: %v", err)
	}
}

func TestBadRow(t *testing.T) {
	s := mustOpen(t, t.TempDir(), small(Options{}))
	defer s.Close()
	for i := range 3 {
		put(t, s, i, "good")
	}
	row := enginetest.Row("bad")
	row[5] ^= 1
	b := s.db.NewBatch()
	if err := errors.Join(b.Set(enginetest.Key(1), row, nil), b.Commit(pebble.Sync)); err != nil {
		t.Fatal(err)
	}
	s.cache.Delete(enginetest.Key(1))
	_, err := s.Get(nil, enginetest.Key(1))
	var q *QuarantinedError
	if !errors.As(err, &q) || string(q.Key) != string(enginetest.Key(1)) || !errors.Is(err, object.ErrCorrupt) {
		t.Fatalf("get of a bad row: %v", err)
	}
	all := func(_, _ []byte) bool { return true }
	if err := s.Scan(enginetest.Key(0), enginetest.Key(9), all); !errors.As(err, &q) || string(q.Key) != string(enginetest.Key(1)) {
		t.Fatalf("scan over a bad row: %v", err)
	}
	good, bad := 0, 0
	err = s.ScanSkipping(enginetest.Key(0), enginetest.Key(9),
		func(_, _ []byte) bool { good++; return true }, func([]byte, error) { bad++ })
	if err != nil || good != 2 || bad != 1 {
		t.Fatalf("skipping scan: %d good, %d bad, %v", good, bad, err)
	}
}

// TestFirstLogFormat: the log that takes the first writes of a new directory is one whose damage can be told.
func TestFirstLogFormat(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, small(Options{}))
	defer s.Close()
	put(t, s, 1, "x")
	b, err := os.ReadFile(theFile(t, dir, "*.log"))
	if err != nil || len(b) < headerSync || b[6] <= typeLastLog {
		t.Fatalf("first chunk has type %d, want above %d (%v)", b[6], typeLastLog, err)
	}
}
