package conf

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

const (
	kb int64 = 1 << 10
	mb int64 = 1 << 20
	gb int64 = 1 << 30
	tb int64 = 1 << 40
)

var errNotSize = errors.New("not a size")

// ParseSize reads a number of bytes as Redis writes it: no unit or b is bytes,
// k m g count in thousands, kb mb gb in 1024s. KiB MiB GiB mean the same as kb
// mb gb, and t, tb, TiB follow the pattern. Case does not matter.
func ParseSize(text string) (int64, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	digits := strings.TrimRight(text, "bgikmt")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || digits[0] == '+' || digits[0] == '-' {
		return 0, errNotSize
	}
	unit, ok := sizeUnit(text[len(digits):])
	if !ok || n > math.MaxInt64/unit {
		return 0, errNotSize
	}
	return n * unit, nil
}

func sizeUnit(suffix string) (int64, bool) {
	switch suffix {
	case "", "b":
		return 1, true
	case "k":
		return 1e3, true
	case "m":
		return 1e6, true
	case "g":
		return 1e9, true
	case "t":
		return 1e12, true
	case "kb", "kib":
		return kb, true
	case "mb", "mib":
		return mb, true
	case "gb", "gib":
		return gb, true
	case "tb", "tib":
		return tb, true
	}
	return 0, false
}

// FormatSize writes n in the largest of gb, mb, kb that divides it, so that
// ParseSize reads the same number back.
func FormatSize(n int64) string {
	for _, u := range []struct {
		size int64
		name string
	}{{gb, "gb"}, {mb, "mb"}, {kb, "kb"}} {
		if n != 0 && n%u.size == 0 {
			return strconv.FormatInt(n/u.size, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}
