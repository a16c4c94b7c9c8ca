package engine

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// logEnd says how the records of a file end.
type logEnd uint8

const (
	// endClean: at an end mark, or at the file's end between two records.
	endClean logEnd = iota
	// endShort: within a record, with nothing behind but zeros: a write that was cut off.
	endShort
	// endForeign: bytes of another log follow, as in a file that is used again.
	endForeign
	// endBad: bytes follow that are this log's but not what was written.
	endBad
)

func (e logEnd) String() string {
	return [...]string{"clean", "cut off", "bytes of another log", "bad checksum or header"}[e]
}

// logScan is what scanLog found.
type logScan struct {
	End  logEnd
	At   int64 // where the last whole record ends
	Upto int64 // where the damaged chunk ends by its own header, at most Size
	Size int64
}

// Pebble's log format, in blocks of 32 KiB that no chunk crosses:
//
//	crc u32 | length u16 | type u8 | payload                                   types 1-4, manifests
//	crc u32 | length u16 | type u8 | log number u32 | payload                  types 5-8, and the end mark
//	crc u32 | length u16 | type u8 | log number u32 | synced u64 | payload     types 9-12, logs
//
// little endian; the crc (crc32c, masked) covers type to payload; within each four: full, first, middle, last.
const (
	scanBlock     = 32 << 10
	headerPlain   = 7
	headerLog     = 11
	headerSync    = 19
	typeFull      = 1
	typeFirst     = 2
	typeMiddle    = 3
	typeLast      = 4
	typeLastPlain = 4
	typeLastLog   = 8
	typeLastSync  = 12
)

// scanLog reads a log (num is its number) or a manifest (num 0) from its beginning to its last whole record.
func scanLog(f vfs.File, num uint64) (logScan, error) {
	info, err := f.Stat()
	if err != nil {
		return logScan{}, err
	}
	sc := scanner{num: uint32(num), r: bufio.NewReaderSize(io.NewSectionReader(f, 0, info.Size()), scanBlock)}
	sc.Size = info.Size()
	for {
		n, err := io.ReadFull(sc.r, sc.buf[:])
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
			return logScan{}, err
		}
		if sc.block(sc.buf[:n]) {
			return sc.logScan, nil
		}
		sc.base += int64(n)
		if n < scanBlock {
			if sc.open {
				sc.End, sc.Upto = endShort, sc.Size
			}
			return sc.logScan, nil
		}
	}
}

type scanner struct {
	logScan
	num  uint32
	r    *bufio.Reader
	buf  [scanBlock]byte
	base int64 // of the block
	open bool  // within a record
}

// block walks the chunks of one block; true ends the scan.
func (s *scanner) block(b []byte) bool {
	for at := 0; ; {
		rest := b[at:]
		if len(rest) == 0 || len(b) == scanBlock && len(rest) < headerSync && allZero(rest) {
			return false
		}
		n, end, done := s.chunk(rest, len(b) == scanBlock)
		if done {
			if end != endClean || s.open {
				s.End, s.Upto = end, min(s.Size, s.base+int64(at+max(n, 0)))
			}
			return true
		}
		at += n
		if !s.open {
			s.At = s.base + int64(at)
		}
	}
}

// chunk looks at the chunk that rest begins with: its length, or done and why.
func (s *scanner) chunk(rest []byte, whole bool) (n int, end logEnd, done bool) {
	if len(rest) < headerPlain {
		if whole { // the end of a block that fits no header must be zeros
			return len(rest), endBad, true
		}
		return len(rest), endShort, true
	}
	length, typ := int(binary.LittleEndian.Uint16(rest[4:])), rest[6]
	header := headerSync
	switch {
	case typ == 0 || typ > typeLastSync || s.num == 0 && typ > typeLastPlain || s.num != 0 && typ <= typeLastPlain:
		if allZero(rest) && s.zerosFollow() {
			return len(rest), endShort, true
		}
		return len(rest), endBad, true
	case typ <= typeLastPlain:
		header = headerPlain
	case typ <= typeLastLog:
		header = headerLog
	}
	if len(rest) < header {
		return len(rest), endShort, true
	}
	if s.num != 0 {
		if got := binary.LittleEndian.Uint32(rest[7:]); got != s.num {
			if got == s.num+1 && length == 0 && !s.open {
				return header, endClean, true
			}
			return header, endForeign, true
		}
	}
	n = header + length
	if n > len(rest) {
		if whole {
			return len(rest), endBad, true
		}
		return len(rest), endShort, true
	}
	if maskedCRC(rest[6:n]) != binary.LittleEndian.Uint32(rest) {
		return n, endBad, true
	}
	if pos := (typ-1)%4 + 1; (pos == typeFull || pos == typeFirst) == s.open {
		return n, endBad, true
	} else {
		s.open = pos == typeFirst || pos == typeMiddle
	}
	return n, endClean, false
}

// zerosFollow reports whether the rest of the file is zeros.
func (s *scanner) zerosFollow() bool {
	var b [4096]byte
	for {
		n, err := s.r.Read(b[:])
		if !allZero(b[:n]) {
			return false
		}
		if err != nil {
			return true
		}
	}
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

func maskedCRC(b []byte) uint32 {
	c := crc32.Checksum(b, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}

// scanFile is scanLog on the file called name.
func scanFile(fs vfs.FS, name string, num uint64) (logScan, error) {
	f, err := fs.Open(name)
	if err != nil {
		return logScan{}, fmt.Errorf("engine: open %s: %w", name, err)
	}
	sc, err := scanLog(f, num)
	if err = errors.Join(err, f.Close()); err != nil {
		return logScan{}, fmt.Errorf("engine: read %s: %w", name, err)
	}
	return sc, nil
}
