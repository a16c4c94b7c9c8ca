package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/rondokv/rondo/engine/object"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

type sample struct {
	name    string
	message Message
}

var sampleHead = Header{Partition: 1023, Epoch: 7, HLC: object.HLCOf(1_700_000_000_000) + 3, ID: 0x0102030405060708, Asker: 0x1112131415161718, Budget: 2000}

func sampleStamp(n int) object.Stamp {
	return object.Stamp{HLC: object.HLCOf(1_700_000_000_000) + object.HLC(n), Node: 0xa1a2a3a4a5a6a7a8, Inc: 0xb1b2b3b4b5b6b7b8}
}

// setWrite is what a SET of a 16 byte key and a row of about 150 bytes sends to each replica.
func setWrite() *Write {
	row := object.KeyRow{
		Cleared: sampleStamp(5).Below(), Expiry: object.Expiry{Stamp: sampleStamp(5)},
		Value: object.Value{Stamp: sampleStamp(5), Replaced: sampleStamp(4), Kind: object.ValueBytes, Bytes: bytes.Repeat([]byte("value "), 18)},
	}
	return &Write{
		Header: sampleHead, Slot: 16383, Reason: ReasonClient, Tell: true, Last: 7, Stamp: sampleStamp(5),
		Rows: []Row{{Ref: object.KeyRef{Name: []byte("user:00000000001")}, Bytes: row.AppendRow(nil)}},
	}
}

func samples() []sample {
	name := []byte("user:00000000001")
	row := rowOf(sampleStamp(1), []byte("one"))
	reply := sampleHead
	reply.Budget = 0
	return []sample{
		{"read, compared", &Read{Header: sampleHead, Slot: 5, Compare: true, Keys: []KeyRead{{Ref: object.KeyRef{DB: 15, Name: name}, Digest: 0xc1c2c3c4c5c6c7c8}}}},
		{"read of elements and of a whole key", &Read{Header: sampleHead, Slot: 5, Hints: true, Keys: []KeyRead{
			{Ref: object.KeyRef{Name: name}, Elements: [][]byte{[]byte("\x01field"), []byte("\x01other")}}, {Ref: object.KeyRef{DB: 1}, Whole: true},
		}}},
		{"read reply, same", &ReadReply{Header: reply, Same: []byte{1}}},
		{"read reply, rows", &ReadReply{Header: reply, Rows: []Row{
			{Database: true, Ref: object.KeyRef{DB: 2}, Bytes: row}, {Ref: object.KeyRef{DB: 2, Name: name}, Bytes: row}, {Ref: object.KeyRef{DB: 2, Name: name}, Sub: []byte("\x01field"), Bytes: elementOf(sampleStamp(2), []byte("v"))},
			{Ref: object.KeyRef{DB: 2, Name: name}, Sub: []byte("\x01other")},
		}}},
		{"write of a client", setWrite()},
		{"write of a hint", &Write{Header: sampleHead, Slot: 5, Reason: ReasonHint, Attempt: 2, Last: 300, Stamp: sampleStamp(1), For: 0xd1d2d3d4d5d6d7d8, Rows: []Row{{Ref: object.KeyRef{Name: name}, Bytes: row}}}},
		{"write reply, ack", &WriteReply{Header: reply, Attempt: 1}},
		{"write reply, hidden", &WriteReply{Header: reply, Status: StatusHidden, Rows: []Row{{Ref: object.KeyRef{Name: name}, Bytes: row}}}},
		{"pass", &Pass{Header: sampleHead, Slot: 5, Write: true, ReadLevel: 3, WriteLevel: 4, Sloppy: 3, Body: []byte("*2 GET a")}},
		{"pass reply", &PassReply{Header: reply, Body: []byte("+OK")}},
		{"ask", &Ask{Header: sampleHead, What: 2, Body: []byte("scan")}},
		{"answer", &Answer{Header: reply, Body: []byte("keys")}},
		{"ring", &Ring{Header: sampleHead, Body: []byte("promise")}},
		{"compare", &Compare{Header: sampleHead, Body: []byte("tree")}},
		{"compared", &Compared{Header: reply, Body: []byte("leaves")}},
		{"fetch", &Fetch{Header: sampleHead, From: []byte("d\x3f\xf0"), To: []byte("d\x40\x00"), Limit: 1 << 20}},
		{"fetched", &Fetched{Header: reply, Rows: []KeyedRow{
			{0x3ff0, Row{Database: true, Ref: object.KeyRef{DB: 2}, Bytes: row}}, {0x3ff1, Row{Ref: object.KeyRef{DB: 2, Name: name}, Bytes: row}},
			{0x3ff1, Row{Ref: object.KeyRef{DB: 2, Name: name}, Sub: []byte("\x01field"), Bytes: elementOf(sampleStamp(2), []byte("v"))}},
		}, Next: []byte("d\x3f\xf1\x03")}},
		{"write of a transfer", &Write{Header: sampleHead, Slot: 5, Reason: ReasonTransfer, Rows: []Row{{Ref: object.KeyRef{Name: name}, Bytes: row}}}},
		{"pass reply, unavailable", &PassReply{Header: reply, Status: StatusUnavailable, Count: Count{Have: 1, Need: 2, Of: 3, DC: "north"}}},
	}
}

// packable is a message whose body packs well.
func packable() *Pass {
	return &Pass{Header: sampleHead, Slot: 5, Body: bytes.Repeat([]byte("the same again and "), 300)}
}

func golden(t *testing.T, name string, got []byte) []byte {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return want
}

func dump(name string, frame []byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: %d bytes\n", name, len(frame))
	for len(frame) > 0 {
		n := min(32, len(frame))
		fmt.Fprintf(&b, "%x\n", frame[:n])
		frame = frame[n:]
	}
	return b.String()
}

func undump(t *testing.T, text []byte) []byte {
	t.Helper()
	_, lines, _ := strings.Cut(string(text), "\n")
	frame, err := hex.DecodeString(strings.ReplaceAll(lines, "\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	return frame
}

// The format does not change unnoticed. A difference here needs a new Version.
func TestGolden(t *testing.T) {
	var b strings.Builder
	kinds := map[Kind]bool{}
	for _, s := range samples() {
		kinds[s.message.Kind()] = true
		frame := AppendFrame(nil, s.message)
		b.WriteString(dump(s.name, frame))
		if got, err := Decode(frame); err != nil || !reflect.DeepEqual(got, s.message) {
			t.Errorf("%s: %+v became %+v %v", s.name, s.message, got, err)
		}
	}
	if len(kinds) != int(kindEnd)-1 {
		t.Errorf("samples of %d kinds", len(kinds))
	}
	if want := golden(t, "frames.txt", []byte(b.String())); b.String() != string(want) {
		t.Errorf("the bytes of frames changed (-rewrite writes them anew), now:\n%s", b.String())
	}
}

// What an earlier build packed is still read. Its own packed bytes may differ: they depend on the compressor's build.
func TestGoldenPacked(t *testing.T) {
	var e Encoder
	frame, err := e.AppendFrame(nil, packable())
	if err != nil {
		t.Fatal(err)
	}
	if frame[atFlags] != flagPacked || len(frame) > 300 {
		t.Fatalf("not packed: %d bytes", len(frame))
	}
	old := undump(t, golden(t, "packed.txt", []byte(dump("pass, packed", frame))))
	for _, f := range [][]byte{old, frame} {
		if got, err := Decode(f); err != nil || !reflect.DeepEqual(got, packable()) {
			t.Errorf("%+v %v", got, err)
		}
	}
}

// refused are the errors that Decode may give.
var refused = []error{ErrVersion, ErrCorrupt, ErrTooLarge, ErrUnknown, ErrMalformed, ErrRow}

func mustRefuse(t *testing.T, what string, frame []byte) {
	t.Helper()
	m, err := Decode(frame)
	for _, e := range refused {
		if errors.Is(err, e) {
			return
		}
	}
	t.Fatalf("%s: %+v %v", what, m, err)
}

// Cut or with any byte changed, a frame is refused; so is a whole one in which a byte was changed before the checksum.
func TestDamage(t *testing.T) {
	frames := map[string][]byte{}
	for _, s := range samples() {
		frames[s.name] = AppendFrame(nil, s.message)
	}
	var e Encoder
	packed, err := e.AppendFrame(nil, packable())
	if err != nil {
		t.Fatal(err)
	}
	frames["packed"] = packed
	for name, frame := range frames {
		for n := range frame {
			mustRefuse(t, fmt.Sprintf("%s cut at %d", name, n), frame[:n])
			for _, x := range []byte{1, 2, 0x10, 0x80, 0xff} {
				bad := bytes.Clone(frame)
				bad[n] ^= x
				mustRefuse(t, fmt.Sprintf("%s, byte %d ^ %02x", name, n, x), bad)
				if n < len(frame)-crcLen {
					decodeBothWays(t, seal(bad[:len(bad)-crcLen], 0, bad[atFlags]))
				}
			}
			if n >= headLen && n < len(frame)-crcLen {
				decodeBothWays(t, seal(bytes.Clone(frame[:n+1]), 0, frame[atFlags]))
			}
		}
		mustRefuse(t, name+" and a byte", append(bytes.Clone(frame), 0))
	}
}
