package server

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The ring behaves as a list that new entries are put in front of.
func TestSlowlogIsAList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var log slowlog
		limit := rapid.IntRange(0, 6).Draw(t, "limit")
		log.configure(0, limit)
		var twin []int64 // ids, newest first
		next := int64(0)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0:
				limit = rapid.IntRange(0, 6).Draw(t, "limit")
				log.configure(0, limit)
			case 1:
				log.reset()
				twin = nil
			default:
				log.add(slowEntry{}, nil)
				twin = append([]int64{next}, twin...)
				next++
			}
			twin = twin[:min(len(twin), limit)]
			n := rapid.IntRange(-1, 8).Draw(t, "n")
			want := twin
			if n >= 0 {
				want = twin[:min(n, len(twin))]
			}
			var got []int64
			for _, e := range log.newest(n) {
				got = append(got, e.id)
			}
			if fmt.Sprint(got) != fmt.Sprint(append([]int64(nil), want...)) || log.len() != len(twin) {
				t.Fatalf("newest(%d) = %v of %d, want %v of %d", n, got, log.len(), want, len(twin))
			}
		}
	})
}

func TestSlowlogThreshold(t *testing.T) {
	for _, c := range []struct {
		threshold, took time.Duration
		want            bool
	}{
		{-1, time.Hour, false},
		{0, 0, true},
		{time.Millisecond, time.Millisecond - 1, false},
		{time.Millisecond, time.Millisecond, true},
	} {
		var log slowlog
		log.configure(c.threshold, 1)
		if got := log.slow(c.took); got != c.want {
			t.Errorf("threshold %v, took %v: %v", c.threshold, c.took, got)
		}
	}
}

// The texts are those of redis-server 7.0.15.
func TestSlowlogTrimsArguments(t *testing.T) {
	args := [][]byte{[]byte("set"), []byte("foo"), []byte(strings.Repeat("x", 160))}
	got := trimArgs(args)
	if want := strings.Repeat("x", 128) + "... (32 more bytes)"; got[2].Str != want {
		t.Errorf("got %q", got[2].Str)
	}
	args = make([][]byte, 33)
	got = trimArgs(args)
	if len(got) != 32 || got[31].Str != "... (2 more arguments)" {
		t.Errorf("%d arguments, the last %q", len(got), got[len(got)-1].Str)
	}
	if got := trimArgs(args[:32]); len(got) != 32 || got[31].Str != "" {
		t.Errorf("32 arguments became %d, the last %q", len(got), got[len(got)-1].Str)
	}
}

func TestSlowlogCount(t *testing.T) {
	for _, c := range []struct {
		arg  string
		want int
		ok   bool
	}{{"0", 0, true}, {"-1", -1, true}, {"5", 5, true}, {"-2", 0, false}, {"x", 0, false}, {"9223372036854775807", 1<<31 - 1, true}, {"9223372036854775808", 0, false}} {
		n, err := slowlogCount(words("slowlog", "get", c.arg))
		if n != c.want || (err == nil) != c.ok {
			t.Errorf("%s: %d, %v", c.arg, n, err)
		}
	}
	if n, err := slowlogCount(words("slowlog", "get")); n != 10 || err != nil {
		t.Errorf("without a count: %d, %v", n, err)
	}
}
