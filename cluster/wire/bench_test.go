package wire

import (
	"testing"

	"github.com/rondokv/rondo/engine/object"
)

func benchmarkMessages() []sample {
	key := KeyRead{Ref: object.KeyRef{Name: []byte("user:00000000001")}, Digest: 1 << 60}
	return []sample{
		{"write", setWrite()},
		{"ack", &WriteReply{Header: sampleHead}},
		{"read", &Read{Header: sampleHead, Slot: 5, Compare: true, Keys: []KeyRead{key}}},
		{"same", &ReadReply{Header: sampleHead, Same: []byte{1}}},
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, s := range benchmarkMessages() {
		b.Run(s.name, func(b *testing.B) {
			var e Encoder
			buf := make([]byte, 0, 1024)
			b.ReportAllocs()
			for b.Loop() {
				frame, err := e.AppendFrame(buf, s.message)
				if err != nil {
					b.Fatal(err)
				}
				buf = frame[:0]
			}
			n, _ := Size(s.message)
			b.ReportMetric(float64(n), "B/frame")
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, s := range benchmarkMessages() {
		b.Run(s.name, func(b *testing.B) {
			frame := AppendFrame(nil, s.message)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode(frame); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A body of 64 KiB that packs to about half.
func BenchmarkPacked(b *testing.B) {
	m := &Pass{Header: sampleHead, Body: make([]byte, 64<<10)}
	x := uint64(1)
	for i := range m.Body {
		if x = x*6364136223846793005 + 1442695040888963407; i%64 < 32 {
			m.Body[i] = byte(x >> 56)
		}
	}
	var e Encoder
	frame, err := e.AppendFrame(nil, m)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encode", func(b *testing.B) {
		buf := make([]byte, 0, 128<<10)
		b.SetBytes(int64(len(m.Body)))
		b.ReportAllocs()
		for b.Loop() {
			buf, _ = e.AppendFrame(buf[:0], m)
		}
		b.ReportMetric(float64(len(frame))/float64(len(m.Body)), "ratio")
	})
	b.Run("decode", func(b *testing.B) {
		b.SetBytes(int64(len(m.Body)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Decode(frame); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func TestEncodeAllocatesNothing(t *testing.T) {
	var e Encoder
	buf := make([]byte, 0, 1024)
	for _, s := range benchmarkMessages() {
		if n := testing.AllocsPerRun(100, func() { buf, _ = e.AppendFrame(buf[:0], s.message) }); n != 0 {
			t.Errorf("%s: %v allocations to encode", s.name, n)
		}
		frame := AppendFrame(nil, s.message)
		if n := testing.AllocsPerRun(100, func() {
			if _, err := Decode(frame); err != nil {
				t.Fatal(err)
			}
		}); n > 1 {
			t.Errorf("%s: %v allocations to decode", s.name, n)
		}
	}
}
