package wire

import (
	"bytes"
	"errors"
	"testing"
)

func TestControl(t *testing.T) {
	frame := AppendControl([]byte("before"), KindTransport+2, []byte("body"))[len("before"):]
	first, rest, err := Next(frame)
	if err != nil || len(rest) != 0 || KindOf(first) != KindTransport+2 {
		t.Fatalf("Next: %d left, kind %s, %v", len(rest), KindOf(first), err)
	}
	if k, body, err := Control(first); k != KindTransport+2 || string(body) != "body" || err != nil {
		t.Fatalf("Control = %s, %q, %v", k, body, err)
	}
	if _, err := Decode(bytes.Clone(frame)); !errors.Is(err, ErrUnknown) {
		t.Errorf("Decode takes a control frame: %v", err)
	}
	if _, _, err := Control(AppendFrame(nil, setWrite())); !errors.Is(err, ErrUnknown) {
		t.Errorf("Control takes a message: %v", err)
	}
	for i := range frame {
		bad := bytes.Clone(frame)
		bad[i] ^= 1
		if _, _, err := Control(bad); err == nil {
			t.Errorf("Control takes a frame with byte %d changed", i)
		}
	}
}

func TestSpend(t *testing.T) {
	for _, c := range []struct {
		budget, ms, left uint32
		alive            bool
	}{{0, 100, 0, true}, {800, 0, 800, true}, {800, 300, 500, true}, {800, 800, 0, false}, {800, 900, 0, false}} {
		frame := AppendFrame(nil, &Read{Header: Header{Budget: c.budget}})
		alive := Spend(frame, c.ms)
		if alive != c.alive {
			t.Errorf("Spend(%d ms of %d) = %t", c.ms, c.budget, alive)
		}
		if !alive {
			continue
		}
		m, err := Decode(frame)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Head().Budget; got != c.left {
			t.Errorf("after %d ms of %d: %d left, want %d", c.ms, c.budget, got, c.left)
		}
	}
}
