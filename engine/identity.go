package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"io"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/rondokv/rondo/engine/object"
)

// IdentityFormat is the version of the directory's layout that this package writes.
const IdentityFormat = 1

const (
	identityName = "RONDO"
	slotStride   = 4096 // two slots never share a sector or a page
	slotLen      = 104
)

var identityMagic = [8]byte{'R', 'O', 'N', 'D', 'O', 'D', 'I', 'R'}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const (
	flagClean     = 1 << iota // the last Close finished
	flagStoreMade             // Pebble's directory was made completely
)

// logPosition is a place in the sequence of log files.
type logPosition struct {
	Num    uint64 // the log file's number
	Offset uint64 // bytes from its beginning
}

func (p logPosition) before(q logPosition) bool {
	return p.Num < q.Num || p.Num == q.Num && p.Offset < q.Offset
}

// identity is what one slot holds: see the package comment for the bytes.
type identity struct {
	Seq         uint64
	Node        object.NodeID
	Secret      object.Secret
	Incarnation object.Incarnation
	Ceiling     object.HLC
	Mark        uint64      // high-water mark: the counter of a marker row known to be on the disk
	Synced      logPosition // everything before it is on the disk
	Boot        uint64      // hash of the kernel's boot id, 0 = unknown
	Durability  Durability
	Flags       uint8
}

func (id *identity) appendTo(b []byte) []byte {
	start := len(b)
	b = append(b, identityMagic[:]...)
	b = binary.BigEndian.AppendUint32(b, IdentityFormat)
	b = binary.BigEndian.AppendUint32(b, slotLen)
	for _, v := range [...]uint64{
		id.Seq, uint64(id.Node), id.Secret.K0, id.Secret.K1, uint64(id.Incarnation), uint64(id.Ceiling),
		id.Mark, id.Synced.Num, id.Synced.Offset, id.Boot,
	} {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	b = append(b, byte(id.Durability), id.Flags, 0, 0)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

var errSlot = errors.New("bad slot")

// parseIdentity reads one slot. newer is the slot's format where that is above ours.
func parseIdentity(b []byte) (id identity, newer uint32, err error) {
	if len(b) < slotLen || [8]byte(b[:8]) != identityMagic {
		return id, 0, errSlot
	}
	if f := binary.BigEndian.Uint32(b[8:]); f > IdentityFormat {
		return id, f, errSlot
	}
	b = b[:slotLen]
	if crc32.Checksum(b[:slotLen-4], castagnoli) != binary.BigEndian.Uint32(b[slotLen-4:]) {
		return id, 0, errSlot
	}
	u := func(i int) uint64 { return binary.BigEndian.Uint64(b[16+8*i:]) }
	return identity{
		Seq: u(0), Node: object.NodeID(u(1)), Secret: object.Secret{K0: u(2), K1: u(3)},
		Incarnation: object.Incarnation(u(4)), Ceiling: object.HLC(u(5)),
		Mark: u(6), Synced: logPosition{Num: u(7), Offset: u(8)}, Boot: u(9),
		Durability: Durability(b[96]), Flags: b[97],
	}, 0, nil
}

// identityFile keeps the identity in two slots that are written in turn, each write synced before it counts. One write
// in place and one fsync, without the rename and the second fsync of the directory that a new file would need.
type identityFile struct {
	latch *latch
	// damaged is set when one of two slots that should both be there could not be read.
	damaged bool

	mu  sync.Mutex
	f   vfs.File
	cur identity
}

// readIdentity opens the file; ok is false when there is none.
func readIdentity(fs vfs.FS, dir string, l *latch) (f *identityFile, ok bool, err error) {
	name := fs.PathJoin(dir, identityName)
	if _, err := fs.Stat(name); err != nil {
		if isNotExist(err) {
			return nil, false, nil
		}
		return nil, false, fmt.Errorf("engine: %s: %w", name, err)
	}
	file, err := fs.OpenReadWrite(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, false, fmt.Errorf("engine: open %s: %w", name, err)
	}
	f = &identityFile{f: file, latch: l}
	if err := f.load(dir, name); err != nil {
		return nil, false, errors.Join(err, file.Close())
	}
	return f, true, nil
}

func (f *identityFile) load(dir, name string) error {
	good := 0
	for slot := range 2 {
		b := make([]byte, slotLen)
		if _, err := f.f.ReadAt(b, int64(slot)*slotStride); err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("engine: read %s: %w", name, err)
		}
		id, newer, err := parseIdentity(b)
		if newer != 0 {
			return &NewerFormatError{Dir: dir, Found: newer, Known: IdentityFormat}
		}
		if err != nil {
			continue
		}
		good++
		if id.Seq >= f.cur.Seq {
			f.cur = id
		}
	}
	if good == 0 {
		return &CorruptError{File: name, Offset: -1, Err: errors.New("no slot of the identity can be read")}
	}
	f.damaged = good == 1
	return nil
}

// createIdentity writes both slots of a new file and makes its name durable.
func createIdentity(fs vfs.FS, dir string, id identity, l *latch) (*identityFile, error) {
	name := fs.PathJoin(dir, identityName)
	file, err := fs.OpenReadWrite(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, fmt.Errorf("engine: create %s: %w", name, err)
	}
	f := &identityFile{f: file, latch: l, cur: id}
	for range 2 {
		if err := f.update(func(*identity) {}); err != nil {
			return nil, errors.Join(err, file.Close())
		}
	}
	if err := syncDir(fs, dir); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return f, nil
}

// update changes the identity durably. A failure latches.
func (f *identityFile) update(change func(*identity)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.latch.err(); err != nil {
		return err
	}
	next := f.cur
	change(&next)
	next.Seq++
	b := next.appendTo(make([]byte, 0, slotLen))
	if _, err := f.f.WriteAt(b, int64(next.Seq%2)*slotStride); err != nil {
		return f.latch.fail("write identity", err)
	}
	if err := f.f.SyncData(); err != nil {
		return f.latch.fail("sync identity", err)
	}
	f.cur = next
	return nil
}

func (f *identityFile) get() identity {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.cur
}

func (f *identityFile) close() error { return f.f.Close() }

func bootHash(id string) uint64 {
	if id == "" {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(id))
	return h.Sum64() | 1
}

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return fmt.Errorf("engine: open %s: %w", dir, err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("engine: sync %s: %w", dir, err)
	}
	return nil
}
