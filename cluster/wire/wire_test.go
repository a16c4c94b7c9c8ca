package wire

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/rondokv/rondo/engine/object"
)

var (
	anyHead = rapid.Custom(func(t *rapid.T) Header {
		return Header{
			Partition: rapid.Uint16().Draw(t, "partition"),
			Epoch:     rapid.Uint64().Draw(t, "epoch"),
			HLC:       object.HLC(rapid.Uint64().Draw(t, "hlc")),
			ID:        rapid.Uint64().Draw(t, "id"),
			Asker:     object.Incarnation(rapid.Uint64().Draw(t, "asker")),
			Budget:    rapid.Uint32().Draw(t, "budget"),
		}
	})
	anySlot = rapid.Custom(func(t *rapid.T) object.Slot {
		return object.Slot(rapid.IntRange(0, object.SlotCount-1).Draw(t, "slot"))
	})
	anyStatus = rapid.Custom(func(t *rapid.T) Status { return Status(rapid.IntRange(0, int(statusEnd)-1).Draw(t, "status")) })
	anyStamp  = rapid.Custom(func(t *rapid.T) object.Stamp {
		return object.Stamp{
			HLC:  object.HLC(rapid.Uint64().Draw(t, "hlc")),
			Node: object.NodeID(rapid.Uint64().Draw(t, "node")),
			Inc:  object.Incarnation(rapid.Uint64().Draw(t, "inc")),
		}
	})
	anyRow = rapid.Custom(func(t *rapid.T) Row {
		r := Row{Ref: object.KeyRef{DB: rapid.Uint8Range(0, object.DBCount-1).Draw(t, "db")}}
		if r.Database = rapid.Bool().Draw(t, "database"); !r.Database {
			r.Ref.Name = anyBytes(300).Draw(t, "name")
			r.Sub = anyBytes(200).Draw(t, "sub")
		}
		if rapid.Bool().Draw(t, "row") {
			value := bytes.Repeat([]byte("v"), rapid.IntRange(0, 4000).Draw(t, "value"))
			if stamp := anyStamp.Draw(t, "stamp"); len(r.Sub) > 0 {
				r.Bytes = elementOf(stamp, value)
			} else {
				r.Bytes = rowOf(stamp, value)
			}
		}
		return r
	})
	anyKey = rapid.Custom(func(t *rapid.T) KeyRead {
		return KeyRead{
			Ref:      object.KeyRef{DB: rapid.Uint8Range(0, object.DBCount-1).Draw(t, "db"), Name: anyBytes(300).Draw(t, "name")},
			Digest:   rapid.SampledFrom([]uint64{0, 1, 1 << 63}).Draw(t, "digest"),
			Whole:    rapid.Bool().Draw(t, "whole"),
			Elements: list(t, anyBytes(20), 5),
		}
	})
	anyKeyedRow = rapid.Custom(func(t *rapid.T) KeyedRow {
		return KeyedRow{rapid.SampledFrom([]object.Slot{0, 5, 6, object.SlotCount - 1}).Draw(t, "slot"), anyRow.Draw(t, "row")}
	})
	anyMessage = rapid.OneOf(
		rapid.Custom(func(t *rapid.T) Message {
			return &Ring{Header: anyHead.Draw(t, "head"), Body: anyBytes(9000).Draw(t, "body")}
		}),
		rapid.Custom(func(t *rapid.T) Message {
			return &Compare{Header: anyHead.Draw(t, "head"), Body: anyBytes(9000).Draw(t, "body")}
		}),
		rapid.Custom(func(t *rapid.T) Message {
			return &Compared{Header: anyHead.Draw(t, "head"), Status: anyStatus.Draw(t, "status"), Body: anyBytes(9000).Draw(t, "body")}
		}),
		rapid.Custom(func(t *rapid.T) Message {
			return &Fetch{Header: anyHead.Draw(t, "head"), From: anyBytes(300).Draw(t, "from"), To: anyBytes(300).Draw(t, "to"), Limit: rapid.Uint32().Draw(t, "limit")}
		}),
		rapid.Custom(func(t *rapid.T) Message {
			return &Fetched{Header: anyHead.Draw(t, "head"), Status: anyStatus.Draw(t, "status"), Rows: list(t, anyKeyedRow, 8), Next: anyBytes(300).Draw(t, "next")}
		}),
		rapid.Custom(func(t *rapid.T) Message {
			return &Read{Header: anyHead.Draw(t, "head"), Slot: anySlot.Draw(t, "slot"), Compare: rapid.Bool().Draw(t, "compare"), Hints: rapid.Bool().Draw(t, "hints"), Keys: list(t, anyKey, 4)}
		}),
		rapid.Custom(func(t *rapid.T) Message {
			return &ReadReply{Header: anyHead.Draw(t, "head"), Status: anyStatus.Draw(t, "status"), Same: anyBytes(4).Draw(t, "same"), Rows: list(t, anyRow, 6)}
		}),
		rapid.Custom(func(t *rapid.T) Message {
			return &Write{
				Header: anyHead.Draw(t, "head"), Slot: anySlot.Draw(t, "slot"), Reason: Reason(rapid.IntRange(1, int(reasonEnd)-1).Draw(t, "reason")),
				Attempt: rapid.Uint8().Draw(t, "attempt"), Tell: rapid.Bool().Draw(t, "tell"), Acks: rapid.Bool().Draw(t, "acks"), Last: object.HLC(rapid.Uint64().Draw(t, "last")),
				Stamp: anyStamp.Draw(t, "stamp"), For: object.NodeID(rapid.Uint64().Draw(t, "for")), Rows: list(t, anyRow, 6),
			}
		}),
		rapid.Custom(func(t *rapid.T) Message {
			return &WriteReply{Header: anyHead.Draw(t, "head"), Status: anyStatus.Draw(t, "status"), Attempt: rapid.Uint8().Draw(t, "attempt"), Rows: list(t, anyRow, 3)}
		}),
		rapid.Custom(func(t *rapid.T) Message {
			return &Pass{
				Header: anyHead.Draw(t, "head"), Slot: anySlot.Draw(t, "slot"), Write: rapid.Bool().Draw(t, "write"), ReadLevel: rapid.Uint8().Draw(t, "read"),
				WriteLevel: rapid.Uint8().Draw(t, "write level"), Sloppy: rapid.Uint8Range(0, sloppyBits).Draw(t, "sloppy"), Body: anyBytes(9000).Draw(t, "body"),
			}
		}),
		rapid.Custom(func(t *rapid.T) Message {
			return &Ask{Header: anyHead.Draw(t, "head"), What: rapid.Uint8().Draw(t, "what"), Body: anyBytes(9000).Draw(t, "body")}
		}),
		rapid.Custom(func(t *rapid.T) Message {
			return &Answer{Header: anyHead.Draw(t, "head"), Status: anyStatus.Draw(t, "status"), Body: anyBytes(9000).Draw(t, "body")}
		}),
		rapid.Custom(func(t *rapid.T) Message {
			return &PassReply{
				Header: anyHead.Draw(t, "head"), Status: anyStatus.Draw(t, "status"), Body: anyBytes(9000).Draw(t, "body"),
				Count: Count{rapid.Uint8().Draw(t, "have"), rapid.Uint8().Draw(t, "need"), rapid.Uint8().Draw(t, "of"), string(anyBytes(MaxDC).Draw(t, "dc"))},
			}
		}),
	)
)

// anyBytes gives up to most bytes, nil for none: mostly few, some of one letter and some of any.
func anyBytes(most int) *rapid.Generator[[]byte] {
	return rapid.Custom(func(t *rapid.T) []byte {
		n := rapid.IntRange(0, most).Draw(t, "n")
		if n == 0 {
			return nil
		}
		if n > 64 || rapid.Bool().Draw(t, "one letter") {
			return bytes.Repeat([]byte{rapid.Byte().Draw(t, "letter")}, n)
		}
		return rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "bytes")
	})
}

func list[T any](t *rapid.T, of *rapid.Generator[T], most int) []T {
	if l := rapid.SliceOfN(of, 0, most).Draw(t, "list"); len(l) > 0 {
		return l
	}
	return nil
}

func rowOf(s object.Stamp, value []byte) []byte {
	r := object.KeyRow{Value: object.Value{Stamp: s, Kind: object.ValueBytes, Bytes: value}}
	if s.IsZero() {
		r.Value = object.Value{}
	}
	return r.AppendRow(nil)
}

func elementOf(s object.Stamp, value []byte) []byte {
	s.HLC |= 1 // a zero row is never sent
	e := object.ElementRow{Stamp: s, Value: value}
	return e.AppendRow(nil)
}

// What was sent arrives, packed or not, in the announced length and behind other bytes.
func roundTrip(t *rapid.T) {
	m := anyMessage.Draw(t, "message")
	size, err := Size(m)
	if err != nil {
		t.Fatal(err)
	}
	plain := AppendFrame([]byte("before"), m)[6:]
	if len(plain) != size {
		t.Fatalf("%d bytes, announced %d", len(plain), size)
	}
	var e Encoder
	packed, err := e.AppendFrame([]byte("before"), m)
	if err != nil {
		t.Fatal(err)
	}
	packed = packed[6:]
	if len(packed) > len(plain) || (packed[atFlags] == 0) != bytes.Equal(plain, packed) {
		t.Fatalf("%d bytes packed, %d plain", len(packed), len(plain))
	}
	stream := append(append([]byte(nil), plain...), packed...)
	for range 2 {
		frame, rest, err := Next(stream)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(frame)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, m) {
			t.Fatalf("sent %+v\ngot  %+v", m, got)
		}
		stream = rest
	}
	if _, _, err := Next(stream); !errors.Is(err, ErrMore) {
		t.Fatalf("after the last frame: %v", err)
	}
}

func TestRoundTrip(t *testing.T) { rapid.Check(t, roundTrip) }

func FuzzRoundTrip(f *testing.F) { f.Fuzz(rapid.MakeFuzz(roundTrip)) }

// A stream cut anywhere asks for more and never for less than it needs.
func TestNextAsksForMore(t *testing.T) {
	for _, s := range samples() {
		frame := AppendFrame(nil, s.message)
		for n := range frame {
			got, rest, err := Next(frame[:n])
			if !errors.Is(err, ErrMore) || got != nil || len(rest) != n {
				t.Fatalf("%s: %d of %d bytes: %x %v", s.name, n, len(frame), got, err)
			}
		}
	}
}

func FuzzNext(f *testing.F) {
	var all []byte
	for _, s := range samples() {
		all = AppendFrame(all, s.message)
	}
	f.Add(all)
	f.Add([]byte("\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		rest := b
		for len(rest) > 0 {
			frame, after, err := Next(rest)
			if err != nil {
				if frame != nil || !bytes.Equal(after, rest) {
					t.Fatal("an error and bytes taken")
				}
				return
			}
			if n, err := FrameLen(rest); err != nil || n != len(frame) || n < minFrame || len(after) != len(rest)-n {
				t.Fatalf("frame of %d bytes, %d left of %d: %v", len(frame), len(after), len(rest), err)
			}
			if _, _, err := Next(frame[:len(frame)-1]); !errors.Is(err, ErrMore) {
				t.Fatalf("a byte less: %v", err)
			}
			rest = after
		}
	})
}

func FuzzDecode(f *testing.F) {
	var e Encoder
	for _, s := range samples() {
		frame, err := e.AppendFrame(nil, s.message)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(frame)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		decodeBothWays(t, bytes.Clone(b))
		if len(b) < minFrame || len(b) > MaxFrame {
			return
		}
		// Without a right length and checksum nothing behind them would ever be reached.
		frame := bytes.Clone(b[:len(b)-crcLen])
		frame[atVersion], frame[atReserved] = Version, 0
		decodeBothWays(t, seal(frame, 0, frame[atFlags]))
	})
}

// What decodes encodes to the same bytes, and packed to what decodes to the same.
func decodeBothWays(t *testing.T, frame []byte) {
	m, err := Decode(frame)
	if err != nil {
		return
	}
	size, err := Size(m)
	if err != nil {
		t.Fatal(err)
	}
	plain := AppendFrame(nil, m)
	if len(plain) != size {
		t.Fatalf("%d bytes, announced %d", len(plain), size)
	}
	if frame[atFlags]&flagPacked == 0 && !bytes.Equal(plain, frame) {
		t.Fatalf("decoded and encoded again:\n%x\n%x", frame, plain)
	}
	var e Encoder
	packed, err := e.AppendFrame(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	for _, again := range [][]byte{plain, packed} {
		if got, err := Decode(again); err != nil || !reflect.DeepEqual(got, m) {
			t.Fatalf("%+v\nbecame %+v %v", m, got, err)
		}
	}
}
