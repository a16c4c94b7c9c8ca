package engine

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/rondokv/rondo/engine/enginetest"
	"github.com/rondokv/rondo/engine/object"
)

// TestFailedWrite: after one failed write or sync nothing is acknowledged, OnFatal is called once, the sync is not tried
// again, and Close returns.
func TestFailedWrite(t *testing.T) {
	for _, c := range []struct {
		d        Durability
		op, file string
	}{
		{Always, "sync", ".log"}, {Always, "write", ".log"}, {EverySec, "write", ".log"}, {No, "write", ".log"},
		{EverySec, "sync", ".log"}, {EverySec, "sync", identityName},
	} {
		t.Run(fmt.Sprint(c.d, c.op, c.file), func(t *testing.T) {
			var armed atomic.Bool
			var failures, fatals atomic.Int64
			fs := &failFS{FS: vfs.NewMem(), fail: func(op, name string) error {
				if armed.Load() && op == c.op && strings.HasSuffix(name, c.file) {
					failures.Add(1)
					return syscall.EIO
				}
				return nil
			}}
			fatal := make(chan error, 10)
			s := mustOpen(t, "/d", small(Options{FS: fs, Durability: c.d, OnFatal: func(err error) { fatals.Add(1); fatal <- err }}))
			put(t, s, 1, "before")
			armed.Store(true)
			commit, err := s.Apply([]object.Write{{Key: enginetest.Key(2), Row: enginetest.Row("x")}})
			if err == nil {
				err = commit.Wait()
			}
			if c.d == Always && err == nil || c.op == "write" && err == nil {
				t.Fatal("a write was acknowledged whose log failed")
			}
			if err := s.Sync(); !errors.Is(err, ErrFatal) || !errors.Is(err, syscall.EIO) {
				t.Fatalf("sync: %v", err)
			}
			if err := <-fatal; !errors.Is(err, syscall.EIO) {
				t.Fatalf("OnFatal got %v", err)
			}
			for range 3 {
				if _, err := s.Apply([]object.Write{{Key: enginetest.Key(3), Row: enginetest.Row("x")}}); !errors.Is(err, ErrFatal) {
					t.Fatalf("apply after the failure: %v", err)
				}
				if err := errors.Join(s.Sync(), s.RaiseCeiling(1<<60)); !errors.Is(err, ErrFatal) {
					t.Fatalf("after the failure: %v", err)
				}
			}
			if !has(t, s, 1) {
				t.Error("reads go on until the process ends")
			}
			if err := s.Close(); !errors.Is(err, ErrFatal) {
				t.Errorf("close: %v", err)
			}
			if failures.Load() != 1 || fatals.Load() != 1 {
				t.Errorf("the operation was tried %d times, OnFatal called %d times", failures.Load(), fatals.Load())
			}
		})
	}
}

func TestDiskReserve(t *testing.T) {
	fs := vfs.NewMem()
	usage := func(free uint64) {
		fs.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: free, TotalBytes: 1 << 30, UsedBytes: 1<<30 - free})
	}
	usage(500 << 20)
	o := small(Options{FS: fs, DiskReserve: 64 << 20, SyncInterval: time.Hour})
	s := mustOpen(t, "/d", o)
	defer s.Close()
	put(t, s, 1, "fits")
	usage(40 << 20)
	s.disk.check()
	grow := []object.Write{{Key: enginetest.Key(2), Row: enginetest.Row("x")}}
	if _, err := s.Apply(grow); !errors.Is(err, ErrDiskFull) {
		t.Fatalf("under the reserve: %v", err)
	}
	if !s.Metrics().DiskFull || s.Metrics().Refused != 1 {
		t.Errorf("metrics: %+v", s.Metrics())
	}
	for _, free := range []func() (object.Commit, error){
		func() (object.Commit, error) { return s.Apply([]object.Write{{Key: enginetest.Key(1)}}) },
		func() (object.Commit, error) { return s.ApplyFreeing(grow) },
		func() (object.Commit, error) { return s.DropRange(enginetest.Key(0), enginetest.Key(9), nil) },
	} {
		c, err := free()
		if err != nil {
			t.Fatalf("freeing room: %v", err)
		}
		if err := c.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	usage(8 << 20)
	s.disk.check()
	if _, err := s.ApplyFreeing(grow); !errors.Is(err, ErrDiskFull) {
		t.Fatalf("in the last quarter: %v", err)
	}
	usage(66 << 20) // above the reserve, but not clearly
	s.disk.check()
	if _, err := s.Apply(grow); !errors.Is(err, ErrDiskFull) {
		t.Fatalf("just above the reserve: %v", err)
	}
	usage(100 << 20)
	s.disk.check()
	put(t, s, 3, "fits again")
}

// TestDiskFull fills a small file system for real.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		t.Skipf("needs to mount a tmpfs: %v", err)
	}
	defer func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	}()
	o := small(Options{DiskReserve: 16 << 20, SyncInterval: 10 * time.Millisecond})
	o.OnFatal = func(err error) { t.Errorf("fatal: %v", err) }
	s := mustOpen(t, dir+"/data", o)
	blob := make([]byte, 64<<10)
	for i := range blob {
		blob[i] = byte(i*i>>3 ^ i*7919>>5)
	}
	n := 0
	var err error
	for ; n < 10_000 && err == nil; n++ {
		blob[n%len(blob)]++
		var c object.Commit
		if c, err = s.Apply([]object.Write{{Key: enginetest.Key(n), Row: enginetest.Row(fmt.Sprint(n) + string(blob[n%512:]))}}); err == nil {
			err = c.Wait()
		}
	}
	if !errors.Is(err, ErrDiskFull) || n < 50 {
		t.Fatalf("after %d rows: %v", n, err)
	}
	t.Logf("full after %d rows of 64 KiB", n)
	for i := range n - 1 {
		if !has(t, s, i) {
			t.Fatalf("row %d is gone", i)
		}
	}
	for i := range n - 1 {
		c, err := s.Apply([]object.Write{{Key: enginetest.Key(i)}})
		if err != nil {
			t.Fatalf("delete %d on a full disk: %v", i, err)
		}
		if err := c.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.db.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := s.db.Compact(t.Context(), []byte("d"), []byte("e"), false); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); s.Metrics().DiskFull; {
		if time.Now().After(deadline) {
			t.Fatalf("still full: %d MiB free", s.Metrics().DiskFreeBytes>>20)
		}
		<-time.After(10 * time.Millisecond)
	}
	put(t, s, 1, "again")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, dir+"/data", o)
	if !has(t, s, 1) || has(t, s, 2) {
		t.Error("wrong rows after reopening")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestState(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, small(Options{}))
	if v, err := s.LoadState("counts"); v != nil || err != nil {
		t.Fatalf("nothing saved: %q, %v", v, err)
	}
	if err := s.SaveState("counts", []byte("abc")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, dir, small(Options{}))
	defer s.Close()
	if v, err := s.LoadState("counts"); string(v) != "abc" || err != nil {
		t.Fatalf("saved: %q, %v", v, err)
	}
	if err := s.SaveState("counts", nil); err != nil {
		t.Fatal(err)
	}
	if v, err := s.LoadState("counts"); v != nil || err != nil {
		t.Fatalf("forgotten: %q, %v", v, err)
	}
}

// TestMarkMoves: the background syncs and marks by itself.
func TestMarkMoves(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, small(Options{SyncInterval: time.Millisecond}))
	defer s.Close()
	before := s.id.get().Mark
	put(t, s, 1, "x")
	for deadline := time.Now().Add(10 * time.Second); s.id.get().Mark == before; {
		if time.Now().After(deadline) {
			t.Fatal("the mark does not move")
		}
		<-time.After(time.Millisecond)
	}
	if s.Metrics().Syncs == 0 {
		t.Error("no sync")
	}
}
