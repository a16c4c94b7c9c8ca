package engine

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/rondokv/rondo/engine/object"
)

func TestLocked(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, small(Options{}))
	if _, err := Open(dir, small(Options{})); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "--dir") {
		t.Fatalf("second open: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := mustOpen(t, dir, small(Options{})).Close(); err != nil {
		t.Fatal(err)
	}
}

func TestForeign(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "thesis.txt"), []byte("my life's work"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, small(Options{})); !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), "thesis.txt") {
		t.Fatalf("open of a foreign directory: %v", err)
	}
	names, _ := os.ReadDir(dir)
	if len(names) != 1 {
		t.Fatalf("the foreign directory was touched: %v", names)
	}
}

func TestNewerFormat(t *testing.T) {
	dir := t.TempDir()
	if err := mustOpen(t, dir, small(Options{})).Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, identityName)
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b[11], b[slotStride+11] = 7, 7
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Open(dir, small(Options{}))
	var newer *NewerFormatError
	if !errors.As(err, &newer) || newer.Found != 7 || newer.Known != IdentityFormat || !errors.Is(err, ErrNewerFormat) {
		t.Fatalf("open of a newer format: %v", err)
	}
}

func TestIdentity(t *testing.T) {
	dir := t.TempDir()
	o := small(Options{})
	s := mustOpen(t, dir, o)
	node, inc, secret := s.Identity()
	if node == 0 || inc == 0 || s.Ceiling() != 0 || s.WasClean() || !s.Recovery().Fresh {
		t.Fatalf("fresh: %v %v %v %v %+v", node, inc, s.Ceiling(), s.WasClean(), s.Recovery())
	}
	if err := errors.Join(s.RaiseCeiling(500), s.RaiseCeiling(400)); err != nil {
		t.Fatal(err)
	}
	crashed := mustOpen(t, killed(t, dir), o)
	if crashed.Ceiling() != 500 || crashed.WasClean() {
		t.Errorf("killed: ceiling %d, clean %v", crashed.Ceiling(), crashed.WasClean())
	}
	defer crashed.Close()
	if err := s.CloseAt(450); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, dir, o)
	defer s.Close()
	n2, inc2, secret2 := s.Identity()
	if n2 != node || secret2 != secret || inc2 <= inc || s.Ceiling() != 450 || !s.WasClean() || s.Recovery().Fresh {
		t.Errorf("reopened: %v %v %v %v", n2, inc2, s.Ceiling(), s.WasClean())
	}
	for _, slot := range []int64{0, slotStride} {
		found := killed(t, dir)
		flip(t, filepath.Join(found, identityName), slot+60)
		half := mustOpen(t, found, o)
		if n3, inc3, _ := half.Identity(); n3 != node || inc3 <= inc || !half.Recovery().IdentityDamaged {
			t.Errorf("slot at %d flipped: %v %v %+v", slot, n3, inc3, half.Recovery())
		}
		if err := half.Close(); err != nil {
			t.Fatal(err)
		}
		flip(t, filepath.Join(found, identityName), 60)
		flip(t, filepath.Join(found, identityName), slotStride+60)
		if _, err := Open(found, o); !errors.Is(err, ErrCorrupt) {
			t.Errorf("both slots flipped: %v", err)
		}
	}
}

func TestMissingRows(t *testing.T) {
	dir := t.TempDir()
	if err := mustOpen(t, dir, small(Options{})).Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, rowsDir)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, small(Options{})); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("the rows are gone: %v", err)
	}
}

// TestMissingIdentity: rows without an identity are never taken for a new directory and wiped.
func TestMissingIdentity(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, small(Options{}))
	put(t, s, 1, "x")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, identityName)
	if err := os.Rename(name, name+"~"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := Open(dir, small(Options{})); err == nil {
			t.Fatal("opened rows without an identity")
		}
		_ = os.Remove(filepath.Join(dir, lockName))
	}
	if err := os.Rename(name+"~", name); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, dir, small(Options{}))
	defer s.Close()
	if !has(t, s, 1) {
		t.Error("the row is gone")
	}
}

// TestIdentitySurvivesPowerLoss: what RaiseCeiling and Open returned for is on the disk.
func TestIdentitySurvivesPowerLoss(t *testing.T) {
	fs := vfs.NewCrashableMem()
	var last object.Incarnation
	for i := range 20 {
		s := mustOpen(t, "/d", small(Options{FS: fs}))
		if _, inc, _ := s.Identity(); inc <= last || s.Ceiling() != object.HLC(i) {
			t.Fatalf("start %d: incarnation %d after %d, ceiling %d", i, inc, last, s.Ceiling())
		} else {
			last = inc
		}
		if err := s.RaiseCeiling(object.HLC(i + 1)); err != nil {
			t.Fatal(err)
		}
		clone := fs.CrashClone(vfs.CrashCloneCfg{})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		fs = clone
	}
}

// A secret that is given is for a directory that is made: one that is there keeps its own.
func TestSecretOfANewDirectory(t *testing.T) {
	given := object.Secret{K0: 7, K1: 9}
	for name, tc := range map[string]struct{ first, then, want object.Secret }{
		"given":           {given, given, given},
		"given once":      {given, object.Secret{}, given},
		"another later":   {given, object.Secret{K0: 1}, given},
		"random at first": {object.Secret{}, given, object.Secret{}},
	} {
		dir := t.TempDir()
		s := mustOpen(t, dir, small(Options{Secret: tc.first}))
		_, _, first := s.Identity()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = mustOpen(t, dir, small(Options{Secret: tc.then}))
		_, _, then := s.Identity()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if first != then || first == (object.Secret{}) || tc.want != (object.Secret{}) && then != tc.want || tc.first == (object.Secret{}) && then == tc.then {
			t.Errorf("%s: %x, then %x", name, first, then)
		}
	}
}
