package engine

import (
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// slowSyncFS takes its time for each sync, so that batches are applied while one is under way.
type slowSyncFS struct{ vfs.FS }

type slowSyncFile struct{ vfs.File }

func (f slowSyncFile) SyncData() error {
	time.Sleep(200 * time.Microsecond) // what is applied meanwhile is not in this sync
	return f.File.SyncData()
}

func (f slowSyncFile) Sync() error { return f.SyncData() }

func (fs slowSyncFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := fs.FS.Create(name, c)
	if err != nil || c != walCategory {
		return f, err
	}
	return slowSyncFile{f}, nil
}

// TestGroupCoversWhatItSynced: writers wait for their commits all the time while the power fails again and again; what was
// acknowledged before is there after.
func TestGroupCoversWhatItSynced(t *testing.T) {
	fs := vfs.NewCrashableMem()
	s := mustOpen(t, "data", small(Options{FS: slowSyncFS{fs}, Durability: Always}))
	const writers, rounds = 8, 25
	var mu sync.Mutex
	acked := map[int]int{} // writer -> writes acknowledged
	stop := make(chan struct{})
	var done sync.WaitGroup
	for w := range writers {
		done.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond) // so that some come in the middle of a sync
				put(t, s, w*1_000_000+i, "v")
				mu.Lock()
				acked[w] = i + 1
				mu.Unlock()
			}
		})
	}
	total := func() (n int, snapshot map[int]int) {
		mu.Lock()
		defer mu.Unlock()
		for _, k := range acked {
			n += k
		}
		return n, maps.Clone(acked)
	}
	for round := range rounds {
		for n, _ := total(); n < (round+1)*200; n, _ = total() {
			time.Sleep(100 * time.Microsecond) // lets the writers write; nothing depends on how long
		}
		_, want := total()
		checkAcked(t, fs.CrashClone(vfs.CrashCloneCfg{}), want)
	}
	close(stop)
	done.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func checkAcked(t *testing.T, fs *vfs.MemFS, want map[int]int) {
	t.Helper()
	s := mustOpen(t, "data", small(Options{FS: fs, Durability: Always}))
	for w, n := range want {
		for i := range n {
			if !has(t, s, w*1_000_000+i) {
				t.Errorf("writer %d: write %d of %d acknowledged is lost", w, i, n)
				break
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
