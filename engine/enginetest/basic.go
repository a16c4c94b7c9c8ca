package enginetest

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/rondokv/rondo/engine/object"
)

func testGetApply(t *testing.T, h *Harness) {
	s := h.Open()
	defer closeStore(t, s)
	want(t, s, 1, "")
	wait(t, apply(t, s, set(1, "a")))
	want(t, s, 1, "a")
	wait(t, apply(t, s, set(1, "b"), set(2, "c")))
	want(t, s, 1, "b")
	want(t, s, 2, "c")
	wait(t, apply(t, s, del(1)))
	want(t, s, 1, "")
	if row, err := s.Get(nil, Key(1)); row != nil || err != nil {
		t.Fatalf("absent row is %v, %v, want nil, nil", row, err)
	}
	wait(t, apply(t, s)) // an empty batch is a batch
	wait(t, apply(t, s, set(3, "x"), set(3, "y"), del(4)))
	want(t, s, 3, "y") // the last of a batch wins
}

func testRowsStayValid(t *testing.T, h *Harness) {
	s := h.Open()
	defer closeStore(t, s)
	wait(t, apply(t, s, set(1, "old")))
	old, err := s.Get(nil, Key(1))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		wait(t, apply(t, s, set(1, fmt.Sprint("new", i))))
	}
	if payload(old) != "old" {
		t.Fatalf("a row changed under its reader: %q", payload(old))
	}
}

func testScan(t *testing.T, h *Harness) {
	s := h.Open()
	defer closeStore(t, s)
	for i := 90; i >= 0; i -= 10 {
		wait(t, apply(t, s, set(i, fmt.Sprint("v", i))))
	}
	wait(t, apply(t, s, del(50)))
	for _, c := range []struct {
		lo, hi, stop int
		want         string
	}{
		{0, 100, 99, "0 10 20 30 40 60 70 80 90"},
		{10, 40, 99, "10 20 30"},
		{11, 41, 99, "20 30 40"},
		{50, 51, 99, ""},
		{70, 10, 99, ""},
		{0, 100, 3, "0 10 20"},
	} {
		var got []string
		err := s.Scan(Key(c.lo), Key(c.hi), func(key, row []byte) bool {
			var n int
			if _, err := fmt.Sscanf(string(key[1:]), "%d", &n); err != nil || payload(row) != fmt.Sprint("v", n) {
				t.Errorf("scan met %q = %q", key, payload(row))
			}
			got = append(got, fmt.Sprint(n))
			return len(got) < c.stop
		})
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("scan [%d, %d) stop %d: %v, %v, want %s", c.lo, c.hi, c.stop, got, err, c.want)
		}
	}
}

func testScanSnapshot(t *testing.T, h *Harness) {
	s := h.Open()
	defer closeStore(t, s)
	for i := range 10 {
		wait(t, apply(t, s, set(i, "old")))
	}
	seen := 0
	err := s.Scan(Key(0), Key(100), func(key, row []byte) bool {
		if payload(row) != "old" {
			t.Errorf("scan sees %q, written after it began", payload(row))
		}
		if seen == 0 {
			for i := range 20 {
				wait(t, apply(t, s, set(i, "new")))
			}
		}
		seen++
		return true
	})
	if err != nil || seen != 10 {
		t.Fatalf("scan saw %d rows, %v, want 10", seen, err)
	}
}

func testDropRange(t *testing.T, h *Harness) {
	s := h.Open()
	for i := range 100 {
		wait(t, apply(t, s, set(i, "v")))
	}
	c, err := s.DropRange(Key(20), Key(80), []object.Write{set(30, "with it")})
	if err != nil {
		t.Fatal(err)
	}
	want(t, s, 20, "") // before Wait, and though it was just written
	want(t, s, 79, "")
	want(t, s, 30, "with it")
	wait(t, c)
	wait(t, apply(t, s, set(50, "back")))
	check := func(s Store) {
		want(t, s, 19, "v")
		want(t, s, 80, "v")
		want(t, s, 50, "back")
		want(t, s, 30, "with it")
		n := 0
		if err := s.Scan(Key(0), Key(100), func(_, _ []byte) bool { n++; return true }); err != nil || n != 42 {
			t.Fatalf("%d rows, %v, want 42", n, err)
		}
	}
	check(s)
	if h.Crash == nil {
		closeStore(t, s)
		return
	}
	closeStore(t, s)
	s = h.Open()
	check(s)
	closeStore(t, s)
}

func testAtomic(t *testing.T, h *Harness) {
	s := h.Open()
	defer closeStore(t, s)
	const rounds, rows = 200, 8
	wait(t, apply(t, s, batchOf(rows, 0)...))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			var first []byte
			err := s.Scan(Key(0), Key(rows), func(_, row []byte) bool {
				if first == nil {
					first = bytes.Clone(row)
				}
				if !bytes.Equal(first, row) {
					t.Errorf("half a batch is visible: %q and %q", payload(first), payload(row))
				}
				return true
			})
			if err != nil {
				t.Errorf("scan: %v", err)
			}
		}
	})
	for i := range rounds {
		wait(t, apply(t, s, batchOf(rows, i)...))
	}
	close(stop)
	wg.Wait()
}

func batchOf(rows, round int) []object.Write {
	ws := make([]object.Write, rows)
	for i := range ws {
		ws[i] = set(i, fmt.Sprint("round", round))
	}
	return ws
}

func testVisibleBeforeWait(t *testing.T, h *Harness) {
	s := h.Open()
	defer closeStore(t, s)
	var cs []object.Commit
	for i := range 64 {
		cs = append(cs, apply(t, s, set(i, "v"), set(1000, fmt.Sprint(i))))
		want(t, s, i, "v")
		want(t, s, 1000, fmt.Sprint(i))
	}
	for i := range cs { // Waits in another order than the Applies
		wait(t, cs[len(cs)-1-i])
	}
}

func testReopen(t *testing.T, h *Harness) {
	for round := range 4 {
		s := h.Open()
		for i := range round * 50 {
			want(t, s, i, fmt.Sprint("round", i/50))
		}
		for i := round * 50; i < round*50+50; i++ {
			wait(t, apply(t, s, set(i, fmt.Sprint("round", round))))
		}
		closeStore(t, s)
	}
}

func testLargeRows(t *testing.T, h *Harness) {
	s := h.Open()
	big := strings.Repeat("0123456789abcdef", 10<<20/16)
	for i := range 4 {
		wait(t, apply(t, s, set(i, big[i:])))
	}
	for i := range 4 {
		want(t, s, i, big[i:])
	}
	closeStore(t, s)
	s = h.Open()
	for i := range 4 {
		want(t, s, i, big[i:])
	}
	closeStore(t, s)
}

func testConcurrent(t *testing.T, h *Harness) {
	s := h.Open()
	const writers, each = 8, 200
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				n := w*1000 + i
				c, err := s.Apply([]object.Write{set(n, fmt.Sprint(n)), set(w*1000+500, fmt.Sprint("last", i))})
				if err != nil {
					t.Errorf("apply: %v", err)
					return
				}
				if got, err := s.Get(nil, Key(n)); err != nil || payload(got) != fmt.Sprint(n) {
					t.Errorf("own write %d reads %q, %v", n, payload(got), err)
				}
				if err := c.Wait(); err != nil {
					t.Errorf("wait: %v", err)
				}
			}
		})
	}
	wg.Wait()
	closeStore(t, s)
	s = h.Open()
	defer closeStore(t, s)
	for w := range writers {
		for i := range each {
			want(t, s, w*1000+i, fmt.Sprint(w*1000+i))
		}
		want(t, s, w*1000+500, fmt.Sprint("last", each-1))
	}
}
