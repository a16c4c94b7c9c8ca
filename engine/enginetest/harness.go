package enginetest

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"testing"

	"github.com/rondokv/rondo/engine/object"
)

// Store is what is tested: the store that cluster meets, and Sync and Close.
type Store interface {
	Get(dst, key []byte) (row []byte, err error)
	Apply(ws []object.Write) (object.Commit, error)
	Scan(lo, hi []byte, fn func(key, row []byte) bool) error
	DropRange(lo, hi []byte, ws []object.Write) (object.Commit, error)
	ApplyFreeing(ws []object.Write) (object.Commit, error)
	ExpiredCandidates(before int64, after []byte, limit int) (keys [][]byte, next []byte, err error)
	Sync() error
	Close() error
}

// Harness makes stores for one test. Each test gets a harness of its own, with an empty store.
type Harness struct {
	// Open opens the store: the first time an empty one, after Close what was left.
	Open func() Store
	// Crash ends the open store without Close and makes Open return what a loss of power leaves: all that was synced, and
	// as much of the rest as the seed says. nil where that cannot be had.
	Crash func(seed uint64)
	// WaitSyncs: what Wait returned for survives Crash.
	WaitSyncs bool
}

// Run runs the suite.
func Run(t *testing.T, harness func(t *testing.T) *Harness) {
	for _, c := range []struct {
		name string
		test func(*testing.T, *Harness)
	}{
		{"GetApply", testGetApply},
		{"RowsStayValid", testRowsStayValid},
		{"Scan", testScan},
		{"ScanSnapshot", testScanSnapshot},
		{"DropRange", testDropRange},
		{"Expired", testExpired},
		{"Atomic", testAtomic},
		{"VisibleBeforeWait", testVisibleBeforeWait},
		{"Reopen", testReopen},
		{"LargeRows", testLargeRows},
		{"Concurrent", testConcurrent},
		{"Model", testModel},
		{"CrashKeepsSynced", testCrashKeepsSynced},
		{"CrashKeepsPrefix", testCrashKeepsPrefix},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, harness(t)) })
	}
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Key returns a data key that sorts by n.
func Key(n int) []byte { return fmt.Appendf([]byte{object.SpaceData}, "%08d", n) }

// Row returns a row with a good checksum around payload.
func Row(payload string) []byte {
	b := append([]byte{object.RowFormat, 2, 0, 0}, payload...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func payload(row []byte) string {
	if row == nil {
		return ""
	}
	return string(row[4 : len(row)-4])
}

func apply(t testing.TB, s Store, ws ...object.Write) object.Commit {
	t.Helper()
	c, err := s.Apply(ws)
	if err != nil {
		t.Fatalf("apply: %v", err)
	}
	return c
}

func wait(t testing.TB, c object.Commit) {
	t.Helper()
	if err := c.Wait(); err != nil {
		t.Fatalf("wait: %v", err)
	}
}

func set(n int, payload string) object.Write { return object.Write{Key: Key(n), Row: Row(payload)} }

func del(n int) object.Write { return object.Write{Key: Key(n)} }

func get(t testing.TB, s Store, n int) string {
	t.Helper()
	row, err := s.Get(nil, Key(n))
	if err != nil {
		t.Fatalf("get %d: %v", n, err)
	}
	return payload(row)
}

func want(t testing.TB, s Store, n int, v string) {
	t.Helper()
	if got := get(t, s, n); got != v {
		t.Fatalf("row %d is %.40q, want %.40q", n, got, v)
	}
}

func closeStore(t testing.TB, s Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}
