package engine

import (
	"crypto/rand"
	"encoding/binary"
	"os"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/rondokv/rondo/engine/object"
)

// Durability says what a returned Wait promises. Under all three an acknowledged write survives the death of the process.
type Durability uint8

const (
	// EverySec syncs the log in the background once a second: a power loss takes at most about the last second.
	EverySec Durability = iota
	// Always syncs the log before Wait returns; writes that arrive together share the sync.
	Always
	// No leaves it to the kernel when the log reaches the disk.
	No
)

// String returns the name used in configuration.
func (d Durability) String() string {
	switch d {
	case Always:
		return "always"
	case No:
		return "no"
	}
	return "everysec"
}

// Defaults of Options.
const (
	DefaultRowCacheBytes   = 128 << 20
	DefaultBlockCacheBytes = 128 << 20
	DefaultMemTableBytes   = 32 << 20
	DefaultDiskReserve     = 256 << 20
	DefaultSyncInterval    = time.Second
)

// Options of Open. The zero value is a store with defaults.
type Options struct {
	Durability Durability
	// RowCacheBytes bounds the row cache; negative turns it off.
	RowCacheBytes int64
	// BlockCacheBytes bounds Pebble's cache of uncompressed blocks.
	BlockCacheBytes int64
	// MemTableBytes is the size of one memtable; up to three exist at once.
	MemTableBytes int64
	// MaxOpenFiles bounds the tables that Pebble keeps open.
	MaxOpenFiles int
	// Compactions is how many compactions may run at once when they fall behind. 0 means half of the processors, 1 to 4.
	Compactions int
	// DiskReserve is the room in bytes below which writes that grow the store are refused; writes that free room may use
	// three quarters of it. Negative turns the check off.
	DiskReserve int64
	// SyncInterval is the period of the background sync and of the high-water mark.
	SyncInterval time.Duration
	// AcceptDataLoss lets Open go on over a damaged or shortened log. What was readable stays; the rest is gone.
	AcceptDataLoss bool
	// Secret is what a new directory gets, equal on all nodes of a cluster; zero means a random one. A directory that is there
	// keeps its own: see Store.Identity.
	Secret object.Secret
	// OnFatal is called once, in a goroutine of its own, after a failed write or fsync. It should end the process without
	// waiting for calls into the store: those under way may never return.
	OnFatal func(error)
	// Log receives the few lines that Pebble finds worth an operator's eye. It must be safe for concurrent use.
	Log func(msg string)

	// FS is the file system; nil means the operating system's.
	FS vfs.FS
	// Now is the wall clock, Random64 a source of random bits, BootID a name of this run of the kernel ("" = unknown).
	Now      func() time.Time
	Random64 func() uint64
	BootID   func() string
}

func (o Options) withDefaults() Options {
	setDefault(&o.RowCacheBytes, DefaultRowCacheBytes)
	setDefault(&o.BlockCacheBytes, DefaultBlockCacheBytes)
	setDefault(&o.MemTableBytes, DefaultMemTableBytes)
	setDefault(&o.DiskReserve, DefaultDiskReserve)
	setDefault(&o.SyncInterval, DefaultSyncInterval)
	setDefault(&o.MaxOpenFiles, 1000)
	if o.Compactions <= 0 {
		o.Compactions = defaultCompactions()
	}
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.OnFatal == nil {
		o.OnFatal = func(error) {}
	}
	if o.Log == nil {
		o.Log = func(string) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random64 == nil {
		o.Random64 = random64
	}
	if o.BootID == nil {
		o.BootID = kernelBootID
	}
	return o
}

func setDefault[T int | int64 | time.Duration](p *T, v T) {
	if *p == 0 {
		*p = v
	}
}

func random64() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // crypto/rand never fails: it ends the process instead
	return binary.BigEndian.Uint64(b[:])
}

// kernelBootID tells one run of the kernel from the next: while it is the same, no power was lost and nothing that the
// kernel was handed can have gone.
func kernelBootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
