package paxos

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

const (
	sampleA, sampleB NodeID = 0xa1a2a3a4a5a6a7a8, 0xb1b2b3b4b5b6b7b8
	sampleEpoch             = 0x0102030405060708
)

func sampleHash() (h Hash) {
	for i := range h {
		h[i] = byte(i)
	}
	return h
}

func sampleMessages() []Message {
	m := func(k Kind, from, to NodeID, b Ballot) Message {
		return Message{Kind: k, Epoch: sampleEpoch, Parent: sampleHash(), From: from, To: to, Ballot: b}
	}
	mine := Ballot{0x111213141516, sampleA}
	prepare, empty := m(Prepare, sampleA, sampleB, mine), m(Promise, sampleB, sampleA, mine)
	full, accept := empty, m(Accept, sampleA, sampleB, mine)
	full.AcceptedBallot, full.Value = Ballot{2, sampleB}, []byte("document")
	accept.Value = []byte("document")
	accepted, reject := m(Accepted, sampleB, sampleA, mine), m(Reject, sampleB, sampleA, mine)
	reject.Promised = Ballot{MaxRound, sampleB}
	decided, elsewhere := m(Decided, sampleB, sampleA, Ballot{}), m(Elsewhere, sampleB, sampleA, mine)
	decided.Value, elsewhere.Known = []byte("document"), 0x2122232425262728
	return []Message{prepare, empty, full, accept, accepted, reject, decided, elsewhere}
}

func sampleStates() []State {
	s := State{Epoch: sampleEpoch, Parent: sampleHash(), Promised: Ballot{0x111213141516, sampleA}}
	accepted, decided := s, s
	accepted.Accepted, accepted.Value = Ballot{2, sampleB}, []byte("document")
	decided.Decided, decided.Value = true, []byte("document")
	return []State{s, accepted, decided}
}

func TestGolden(t *testing.T) {
	var text bytes.Buffer
	line := func(name string, b []byte) { fmt.Fprintf(&text, "%s\n\t%s\n", name, hex.EncodeToString(b)) }
	for _, m := range sampleMessages() {
		line(m.Kind.String(), AppendMessage(nil, m))
	}
	for i, name := range []string{"state, promised", "state, accepted", "state, decided"} {
		line(name, AppendState(nil, sampleStates()[i]))
	}
	path := filepath.Join("testdata", "bytes.txt")
	if *rewrite {
		if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, text.Bytes()) {
		t.Errorf("the bytes changed: that needs a new version\n%s", text.Bytes())
	}
}

// A codec is one of the three formats, as bytes in and bytes out.
type codec struct {
	name  string
	again func([]byte) ([]byte, error) // decodes and encodes
}

func codecs() []codec {
	return []codec{
		{"message", func(b []byte) ([]byte, error) {
			m, err := DecodeMessage(b)
			return AppendMessage(nil, m), err
		}},
		{"state", func(b []byte) ([]byte, error) {
			s, err := DecodeState(b)
			return AppendState(nil, s), err
		}},
	}
}

func TestRoundTrips(t *testing.T) {
	for _, want := range sampleMessages() {
		if got, err := DecodeMessage(AppendMessage(nil, want)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, %v", got, err)
		}
	}
	for _, want := range sampleStates() {
		if got, err := DecodeState(AppendState([]byte("before"), want)[6:]); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

func TestLargest(t *testing.T) {
	m := sampleMessages()[2]
	m.Value = make([]byte, MaxValue)
	b := AppendMessage(nil, m)
	if _, err := DecodeMessage(b); err != nil || len(b) != MaxMessage {
		t.Errorf("%d bytes: %v", len(b), err)
	}
	if _, err := DecodeMessage(append(b, 0)); !errors.Is(err, ErrMalformed) {
		t.Errorf("a byte more: %v", err)
	}
	s := sampleStates()[1]
	s.Value = make([]byte, MaxValue)
	if b := AppendState(nil, s); len(b) != MaxState {
		t.Errorf("%d bytes", len(b))
	} else if _, err := DecodeState(b); err != nil {
		t.Error(err)
	}
	s.Value = make([]byte, MaxValue+1)
	if _, err := DecodeState(AppendState(nil, s)); !errors.Is(err, ErrMalformed) {
		t.Errorf("a byte more: %v", err)
	}
}

// Every cut and, where there is a checksum, every flipped bit is refused.
func TestDamage(t *testing.T) {
	for _, m := range sampleMessages() {
		b := AppendMessage(nil, m)
		for n := range b {
			if len(m.Value) > 0 && n > len(b)-len(m.Value) {
				break // a shorter value
			}
			if _, err := DecodeMessage(b[:n]); err == nil {
				t.Fatalf("%s: %d of %d bytes", m.Kind, n, len(b))
			}
		}
	}
	b := AppendState(nil, sampleStates()[1])
	for n := range b {
		if _, err := DecodeState(b[:n]); err == nil {
			t.Errorf("state: %d of %d bytes", n, len(b))
		}
	}
	for bit := range 8 * len(b) {
		damaged := slices.Clone(b)
		damaged[bit/8] ^= 1 << (bit % 8)
		if _, err := DecodeState(damaged); !errors.Is(err, ErrCorrupt) {
			t.Errorf("state: bit %d flipped: %v", bit, err)
		}
	}
}

func TestOtherVersions(t *testing.T) {
	for i, b := range [][]byte{AppendMessage(nil, sampleMessages()[0]), AppendState(nil, sampleStates()[0])} {
		c := codecs()[i]
		b[0] = 2
		if i > 0 {
			b = appendSum(b[:len(b)-crcLen], 0)
		}
		if _, err := c.again(b); !errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), "version 2, this node") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	s := sampleStates()[0]
	b := AppendState(nil, s)
	b[1] = 2
	if _, err := DecodeState(appendSum(b[:len(b)-crcLen], 0)); !errors.Is(err, ErrMalformed) {
		t.Errorf("an unknown flag: %v", err)
	}
}

// fuzz checks that what decodes is what it encodes to: no two encodings of one value.
func fuzz(f *testing.F, c codec, seeds ...[]byte) {
	for _, b := range seeds {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		again, err := c.again(slices.Clone(b))
		if err == nil && !bytes.Equal(again, b) {
			t.Errorf("%x is %x", b, again)
		}
	})
}

func FuzzDecodeMessage(f *testing.F) {
	var seeds [][]byte
	for _, m := range sampleMessages() {
		seeds = append(seeds, AppendMessage(nil, m))
	}
	fuzz(f, codecs()[0], seeds...)
}

// sealed lets the fuzzer past the checksum.
func sealed(c codec) codec {
	again := c.again
	c.again = func(b []byte) ([]byte, error) {
		out, err := again(appendSum(slices.Clone(b), 0))
		return out[:len(out)-crcLen], err
	}
	return c
}

func FuzzDecodeState(f *testing.F) {
	var seeds [][]byte
	for _, s := range sampleStates() {
		b := AppendState(nil, s)
		seeds = append(seeds, b[:len(b)-crcLen])
	}
	fuzz(f, sealed(codecs()[1]), seeds...)
}

// FuzzReceive brings any message to a register that proposes and has accepted: no panic, and nothing but a decision ends it.
func FuzzReceive(f *testing.F) {
	for _, m := range sampleMessages() {
		f.Add(AppendMessage(nil, m), AppendMessage(nil, sampleMessages()[6]))
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		cfg := Config{Self: sampleA, Epoch: sampleEpoch, Parent: sampleHash(), Voters: []NodeID{sampleA, sampleB}}
		r, err := New(cfg, &State{Epoch: sampleEpoch, Parent: sampleHash(), Promised: Ballot{5, 3}, Accepted: Ballot{1, 1}, Value: []byte("old")})
		if err == nil {
			err = r.Propose(0, []byte("new"))
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range [][]byte{first, second} {
			m, err := DecodeMessage(b)
			if err != nil {
				continue
			}
			before := r.Decided()
			_ = r.Receive(0, m) // any error will do
			if before != nil && !bytes.Equal(before, r.Decided()) {
				t.Fatal("a decided register changed")
			}
			if rd := r.Ready(); rd.State != nil {
				if _, err := DecodeState(AppendState(nil, *rd.State)); err != nil {
					t.Fatalf("stored what cannot be read: %v", err)
				}
			}
		}
		r.Tick(1 << 40)
	})
}
