package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"

	"github.com/rondokv/rondo/engine/object"
)

// frameOf makes a frame with any body, sealed.
func frameOf(k Kind, flags byte, body ...byte) []byte {
	f := make([]byte, headLen, headLen+len(body)+crcLen)
	putHead(f, k, &sampleHead)
	return seal(append(f, body...), 0, flags)
}

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestLengthsOfFrames(t *testing.T) {
	for _, c := range []struct {
		name string
		buf  string
		want error
	}{
		{"nothing", "", ErrMore},
		{"three bytes", "\x00\x00\x00", ErrMore},
		{"4 GB", "\xff\xff\xff\xff", ErrTooLarge},
		{"4 GB, version 1", "\xff\xff\xff\xff\x01", ErrTooLarge},
		{"just too long", "\x3f\xff\xff\xfd\x01", ErrTooLarge},
		{"the longest", "\x3f\xff\xff\xfc\x01", ErrMore},
		{"too short for a body", "\x00\x00\x00\x2e\x01", ErrCorrupt},
		{"the shortest", "\x00\x00\x00\x2f\x01", ErrMore},
		{"version 2", "\x00\x00\x00\x2f\x02", ErrVersion},
		{"version 2, of any length", "\xff\xff\xff\xff\x02", ErrVersion},
		{"HTTP", "GET / HTTP/1.1", ErrVersion},
	} {
		if _, rest, err := Next([]byte(c.buf)); !errors.Is(err, c.want) || string(rest) != c.buf {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	_, err := FrameLen([]byte("\x00\x00\x00\x2f\x07"))
	if err == nil || !strings.Contains(err.Error(), "version 7, this node speaks 1") {
		t.Errorf("error does not name both versions: %v", err)
	}
}

func TestUnknownValues(t *testing.T) {
	rows := []byte{0}
	for _, c := range []struct {
		name  string
		frame []byte
		want  error
	}{
		{"kind 0", frameOf(0, 0, 0), ErrUnknown},
		{"the next kind", frameOf(kindEnd, 0, 0), ErrUnknown},
		{"a kind of the transport", frameOf(0x40, 0, 0), ErrUnknown},
		{"frame flag", frameOf(KindWriteReply, 2, 0, 0, 0), ErrUnknown},
		{"status", frameOf(KindWriteReply, 0, byte(statusEnd), 0, 0), ErrUnknown},
		{"reason 0", frameOf(KindWrite, 0, append(make([]byte, 31), rows...)...), ErrUnknown},
		{"reason", frameOf(KindWrite, 0, append([]byte{0, 0, byte(reasonEnd)}, make([]byte, 29)...)...), ErrUnknown},
		{"read flag", frameOf(KindRead, 0, 0, 0, 4, 0), ErrUnknown},
		{"key shape", frameOf(KindRead, 0, 0, 0, 0, 1, 8, 0, 0), ErrUnknown},
		{"row shape", frameOf(KindWriteReply, 0, 0, 0, 1, 4, 0, 0, 0), ErrUnknown},
		{"sloppy bit", frameOf(KindPass, 0, 0, 0, 0, 0, 0, 4), ErrUnknown},
		{"slot", frameOf(KindRead, 0, 0x40, 0, 0, 0), ErrMalformed},
		{"database", frameOf(KindRead, 0, 0, 0, 0, 1, 0, 16, 0), ErrMalformed},
		{"bytes left over", frameOf(KindWriteReply, 0, 0, 0, 0, 0), ErrMalformed},
		{"count not in its shortest form", frameOf(KindWriteReply, 0, 0, 0, 0x80, 0), ErrMalformed},
		{"length not in its shortest form", frameOf(KindReadReply, 0, 0, 0x81, 0, 1, 0), ErrMalformed},
		{"digest 0 announced", frameOf(KindRead, 0, 0, 0, 0, 1, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), ErrMalformed},
		{"no elements announced", frameOf(KindRead, 0, 0, 0, 0, 1, 2, 0, 0, 0), ErrMalformed},
		{"no count announced", frameOf(KindPassReply, 0, 0, 1, 0, 0, 0, 0), ErrMalformed},
		{"empty sub announced", frameOf(KindWriteReply, 0, 0, 0, 1, 2, 0, 0, 0, 0), ErrMalformed},
		{"database row with a sub", frameOf(KindWriteReply, 0, 0, 0, 1, 3, 0, 1, 'x', 0), ErrMalformed},
		{"For 0 announced", frameOf(KindWrite, 0, append([]byte{0, 0, 1, 0, 2}, make([]byte, 35)...)...), ErrMalformed},
		{"row without a checksum", frameOf(KindWriteReply, 0, 0, 0, 1, 1, 0, 1, 'x'), ErrRow},
		{"ring, reserved byte", frameOf(KindRing, 0, 1, 'x'), ErrUnknown},
		{"compare, reserved byte", frameOf(KindCompare, 0, 1, 'x'), ErrUnknown},
		{"fetch without a limit", frameOf(KindFetch, 0, 0, 0, 0, 0), ErrMalformed},
		{"fetched, a run of none", frameOf(KindFetched, 0, 0, 0, 1, 0, 5, 0, 0, 0, 0), ErrMalformed},
		{"fetched, a run beyond the rows", frameOf(KindFetched, 0, 0, 0, 1, 0, 5, 2, 1, 0, 0, 1, 0, 0), ErrMalformed},
		{"fetched, two runs of one slot", frameOf(KindFetched, 0, 0, 0, 2, 0, 5, 1, 1, 0, 0, 0, 5, 1, 1, 0, 0), ErrMalformed},
		{"fetched, no such slot", frameOf(KindFetched, 0, 0, 0, 1, 0x40, 0, 1, 1, 0, 0), ErrMalformed},
		{"fetched, a row without a checksum", frameOf(KindFetched, 0, 0, 0, 1, 0, 5, 1, 1, 0, 1, 'x'), ErrRow},
		{"not packed", frameOf(KindWriteReply, 1, 0, 0, 0), ErrMalformed},
	} {
		if m, err := Decode(c.frame); !errors.Is(err, c.want) {
			t.Errorf("%s: %+v %v, want %v", c.name, m, err, c.want)
		}
	}
}

// What a frame declares never makes its receiver allocate more than what it brought.
func TestNothingIsAllocatedFromADeclaredLength(t *testing.T) {
	huge := binary.AppendUvarint(nil, 1<<32)
	packedLen := func(n uint64) []byte { return append(binary.AppendUvarint(nil, n), bytes.Repeat([]byte{0xff}, 40)...) }
	for name, frame := range map[string][]byte{
		"2^32 rows":           frameOf(KindWriteReply, 0, append([]byte{0, 0}, huge...)...),
		"2^63 rows":           frameOf(KindWriteReply, 0, append([]byte{0, 0}, binary.AppendUvarint(nil, 1<<63)...)...),
		"2^32 keys":           frameOf(KindRead, 0, append([]byte{0, 0, 0}, huge...)...),
		"2^32 elements":       frameOf(KindRead, 0, append([]byte{0, 0, 0, 1, 2, 0, 0}, huge...)...),
		"2^20 rows":           frameOf(KindWriteReply, 0, append([]byte{0, 0}, binary.AppendUvarint(nil, MaxRows)...)...),
		"a name of 2^32":      frameOf(KindRead, 0, append([]byte{0, 0, 0, 1, 0, 0}, huge...)...),
		"a row of 2^32":       frameOf(KindWriteReply, 0, append([]byte{0, 0, 1, 0, 0, 0}, huge...)...),
		"packed, 4 GB":        frameOf(KindPass, flagPacked, packedLen(1<<32-1)...),
		"packed, 1 GB":        frameOf(KindPass, flagPacked, packedLen(1<<30)...),
		"packed, 1 MB":        frameOf(KindPass, flagPacked, packedLen(1<<20)...),
		"2^20 fetched rows":   frameOf(KindFetched, 0, append([]byte{0, 0}, binary.AppendUvarint(nil, MaxRows)...)...),
		"a run of 2^32":       frameOf(KindFetched, 0, append([]byte{0, 0, 1, 0, 5}, huge...)...),
		"a From of 2^32":      frameOf(KindFetch, 0, append(huge, 0, 0, 0, 0, 0)...),
		"uvarint without end": frameOf(KindWriteReply, 0, bytes.Repeat([]byte{0xff}, 100)...),
	} {
		if n := allocated(func() { mustRefuse(t, name, frame) }); n > 100<<10 {
			t.Errorf("%s: a frame of %d bytes made Decode allocate %d", name, len(frame), n)
		}
	}
}

// A short frame that unpacks to a gigabyte is refused before memory is taken.
func TestBomb(t *testing.T) {
	bomb := s2.Encode(nil, make([]byte, 512<<20))
	frame := frameOf(KindPass, flagPacked, bomb...)
	if n := allocated(func() { mustRefuse(t, "bomb", frame) }); n > 100<<10 {
		t.Errorf("a frame of %d bytes made Decode allocate %d", len(frame), n)
	}
	most := frameOf(KindPass, flagPacked, s2.Encode(nil, make([]byte, packSlack))...)
	if _, err := Decode(most); err != nil {
		t.Errorf("%d bytes that hold %d: %v", len(most), packSlack, err)
	}
}

// A frame is packed only when it is long, when that pays, and when the receiver will take it.
func TestWhenFramesArePacked(t *testing.T) {
	noise := make([]byte, 64<<10)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	half := bytes.Clone(noise)
	clear(half[len(half)/2:])
	for _, c := range []struct {
		name string
		body []byte
		want byte
	}{
		{"short", make([]byte, packAbove-6), 0},
		{"a byte longer", make([]byte, packAbove-5), flagPacked},
		{"noise", noise, 0},
		{"noise, one part in sixteen not", append(bytes.Clone(noise), make([]byte, len(noise)/16)...), 0},
		{"half noise", half, flagPacked},
		{"packs too well", make([]byte, 8<<20), 0},
	} {
		var e Encoder
		m := &Pass{Header: sampleHead, Body: c.body}
		frame, err := e.AppendFrame(nil, m)
		if err != nil {
			t.Fatal(err)
		}
		if frame[atFlags] != c.want {
			t.Errorf("%s: flags %d, %d bytes of %d", c.name, frame[atFlags], len(frame), len(c.body))
		}
		got, err := Decode(frame)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if !bytes.Equal(got.(*Pass).Body, c.body) {
			t.Errorf("%s: another body", c.name)
		}
		if cap(e.packed) > packKeep {
			t.Errorf("%s: the encoder keeps %d bytes", c.name, cap(e.packed))
		}
	}
}

// What is beyond the bounds is refused before a byte is written.
func TestTooLargeToSend(t *testing.T) {
	big := make([]byte, 600<<20) // never touched, so it takes no memory
	for name, m := range map[string]Message{
		"rows":                 &WriteReply{Rows: make([]Row, MaxRows+1)},
		"fetched rows":         &Fetched{Rows: make([]KeyedRow, MaxRows+1)},
		"bounds":               &Fetch{From: big, To: big},
		"keys":                 &Read{Keys: make([]KeyRead, MaxKeys+1)},
		"elements":             &Read{Keys: []KeyRead{{Elements: make([][]byte, MaxElements+1)}}},
		"elements of two keys": &Read{Keys: []KeyRead{{Elements: make([][]byte, MaxElements)}, {Elements: make([][]byte, 1)}}},
		"dc":                   &PassReply{Count: Count{DC: strings.Repeat("x", MaxDC+1)}},
		"bytes":                &Write{Rows: []Row{{Bytes: big}, {Bytes: big}}},
	} {
		var e Encoder
		dst := []byte("kept")
		got, err := e.AppendFrame(dst, m)
		if !errors.Is(err, ErrTooLarge) || string(got) != "kept" || string(AppendFrame(dst, m)) != "kept" {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	if _, err := Size(&Write{Rows: []Row{{Ref: object.KeyRef{Name: big[:500<<20]}, Bytes: big[:512<<20]}}}); err != nil {
		t.Errorf("a long key with a long value: %v", err)
	}
}

// A decoded slice cannot be appended to over its neighbour.
func TestSlicesEndWhereTheyEnd(t *testing.T) {
	m, err := Decode(AppendFrame(nil, setWrite()))
	if err != nil {
		t.Fatal(err)
	}
	row := m.(*Write).Rows[0]
	_ = append(row.Ref.Name, "overwritten"...)
	if err := object.CheckRow(row.Bytes); err != nil {
		t.Error(err)
	}
}

func TestNames(t *testing.T) {
	seen := map[string]bool{}
	name := func(s string, known bool) {
		if seen[s] || known == strings.Contains(s, " ") {
			t.Errorf("%q", s)
		}
		seen[s] = true
	}
	for k := range kindEnd + 1 {
		name(k.String(), k >= KindRead && k < kindEnd)
	}
	for s := range statusEnd + 1 {
		name(s.String(), s < statusEnd)
	}
	for r := range reasonEnd + 1 {
		name(r.String(), r > 0 && r < reasonEnd)
	}
}

// Many keys with many elements each are bounded together, for an element of one byte takes 24 in memory.
func TestElementsOfAllKeysAreBounded(t *testing.T) {
	one := append([]byte{keyElements, 0, 0}, binary.AppendUvarint(nil, MaxElements/2)...)
	one = append(one, make([]byte, MaxElements/2)...)
	body := []byte{0, 0, 0, 2}
	body = append(append(body, one...), one...)
	if _, err := Decode(frameOf(KindRead, 0, body...)); err != nil {
		t.Error(err)
	}
	body[3] = 3
	body = append(body, keyElements, 0, 0, 1, 0)
	if m, err := Decode(frameOf(KindRead, 0, body...)); !errors.Is(err, ErrMalformed) {
		t.Errorf("%T %v", m, err)
	}
}

// A row whose own checksum is right is refused all the same when it is none that may be sent.
func TestRowsThatMayNotBeSent(t *testing.T) {
	key := object.KeyRow{Cleared: sampleStamp(1)}
	own, elements := key, key
	own.Own, elements.HasElements = sampleStamp(1), true
	element := elementOf(sampleStamp(1), []byte("v"))
	flags := bytes.Clone(key.AppendRow(nil))
	flags[2] = 0xff
	flipped := key.AppendRow(nil)
	flipped[10] ^= 1
	sub := []byte("\x01field")
	for name, row := range map[string]Row{
		"own counter":                  {Bytes: own.AppendRow(nil)},
		"elements":                     {Bytes: elements.AppendRow(nil)},
		"database row with a local":    {Database: true, Bytes: own.AppendRow(nil)},
		"element row without a sub":    {Bytes: element},
		"key row with a sub":           {Sub: sub, Bytes: key.AppendRow(nil)},
		"element row as database row":  {Database: true, Bytes: element},
		"unknown flags, good checksum": {Bytes: binary.BigEndian.AppendUint32(flags[:len(flags)-4], crc32.Checksum(flags[:len(flags)-4], castagnoli))},
		"a byte changed":               {Bytes: flipped},
		"cut":                          {Bytes: element[:len(element)-1]},
	} {
		if m, err := Decode(AppendFrame(nil, &WriteReply{Rows: []Row{row}})); !errors.Is(err, ErrRow) {
			t.Errorf("%s: %+v %v", name, m, err)
		}
	}
	for name, row := range map[string]Row{"key": {Bytes: key.AppendRow(nil)}, "element": {Sub: sub, Bytes: element}, "none": {Sub: sub}} {
		if _, err := Decode(AppendFrame(nil, &WriteReply{Rows: []Row{row}})); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
