package engine

import (
	"errors"
	"testing"
)

func TestDamageIsToldInOneLine(t *testing.T) {
	block := errors.New("pebble: file 000011: block 1/2: checksum mismatch\n<corruption detail carrier>")
	for _, c := range []struct {
		err  error
		want string
	}{
		{&QuarantinedError{Key: []byte{0x64}, Err: block}, "engine: row 64 cannot be read: pebble: file 000011: block 1/2: checksum mismatch"},
		{&QuarantinedError{Err: block}, "engine: rows cannot be read: pebble: file 000011: block 1/2: checksum mismatch"},
		{&CorruptError{File: "d/rows", Offset: -1, Err: errors.Join(block, errors.New("b"))}, "engine: d/rows is damaged: pebble: file 000011: block 1/2: checksum mismatch; b"},
		{&CorruptError{File: "d/1.log", Offset: 7, Err: errors.New("a")}, "engine: d/1.log is damaged at byte 7: a"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
