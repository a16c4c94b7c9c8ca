package engine

import (
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/rondokv/rondo/engine/enginetest"
)

// small are options that make a test cheap.
func small(o Options) Options {
	o.RowCacheBytes, o.BlockCacheBytes, o.MemTableBytes = 1<<20, 1<<20, 4<<20
	if o.DiskReserve == 0 {
		o.DiskReserve = -1
	}
	return o
}

func mustOpen(t testing.TB, dir string, o Options) *Store {
	t.Helper()
	s, err := Open(dir, o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return s
}

func TestConformanceOnDisk(t *testing.T) {
	for _, d := range []Durability{EverySec, Always, No} {
		t.Run(d.String(), func(t *testing.T) {
			enginetest.Run(t, func(t *testing.T) *enginetest.Harness {
				dir := t.TempDir()
				return &enginetest.Harness{
					Open: func() enginetest.Store { return mustOpen(t, dir, small(Options{Durability: d})) },
				}
			})
		})
	}
}

// TestConformanceCrash runs on a file system in memory that forgets, at a crash, what was not synced, or a random part of
// it by pages of 4 KiB, as the kernel's write-back would.
func TestConformanceCrash(t *testing.T) {
	for _, d := range []Durability{EverySec, Always, No} {
		t.Run(d.String(), func(t *testing.T) {
			enginetest.Run(t, func(t *testing.T) *enginetest.Harness { return crashHarness(t, d) })
		})
	}
}

func crashHarness(t *testing.T, d Durability) *enginetest.Harness {
	fs := vfs.NewCrashableMem()
	boot := "first"
	var open *Store
	return &enginetest.Harness{
		Open: func() enginetest.Store {
			open = mustOpen(t, "/data", small(Options{Durability: d, FS: fs, BootID: func() string { return boot }}))
			return open
		},
		Crash: func(seed uint64) {
			cfg := vfs.CrashCloneCfg{RNG: rand.New(rand.NewPCG(seed, 3))}
			if seed%3 != 0 {
				cfg.UnsyncedDataPercent = int(seed*37) % 101
			}
			clone := fs.CrashClone(cfg)
			if err := open.Close(); err != nil { // on the file system that is left behind
				t.Errorf("close after the crash: %v", err)
			}
			fs, boot = clone, boot+"+"
		},
		WaitSyncs: d == Always,
	}
}
