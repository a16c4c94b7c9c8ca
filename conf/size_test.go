package conf

import (
	"testing"

	"pgregory.net/rapid"
)

func TestParseSize(t *testing.T) {
	good := map[string]int64{
		"0": 0, "1": 1, "12b": 12, "1k": 1000, "1kb": 1024, "1KB": 1024, "3m": 3_000_000, "256mb": 256 << 20,
		"1g": 1_000_000_000, "1gb": 1 << 30, "2GiB": 2 << 30, "5MiB": 5 << 20, "7kib": 7 << 10,
		"1t": 1_000_000_000_000, "1tb": 1 << 40, " 64mb ": 64 << 20, "9223372036854775807": 1<<63 - 1,
	}
	for text, want := range good {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", " ", "mb", "-1", "+1", "1.5gb", "1 gb", "1pb", "1kbb", "1bk", "0x10", "1_000",
		"9223372036854775808", "9007199254740992kb", "99999999tb", "1e3", "auto",
	} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("ParseSize(%q) = %d; want an error", text, got)
		}
	}
}

func TestFormatSizeReadsBack(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 1: "1", 1000: "1000", 1024: "1kb", 64 << 20: "64mb", 3 << 30: "3gb", 1 << 40: "1024gb", 1<<20 + 1: "1048577"} {
		if got := FormatSize(n); got != want {
			t.Errorf("FormatSize(%d) = %q; want %q", n, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, 1<<62).Draw(t, "n")
		n -= n % rapid.SampledFrom([]int64{1, kb, mb, gb}).Draw(t, "unit")
		if got, err := ParseSize(FormatSize(n)); err != nil || got != n {
			t.Fatalf("%d written as %q reads as %d, %v", n, FormatSize(n), got, err)
		}
	})
}
